"""A person and the caretaker at the same connection at the same moment: what is asked of the vendor is asked once, and the person is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import structlog

from common.contracts.ids import VendorName
from console.broker import BrokerConsent, BrokerGrant
from console.use_cases.connecting import Connecting
from console.use_cases.removal import Removal
from console.use_cases.trials import Trial
from tests.support.database import Database
from tests.support.judged import NOON, Judged, judged_world
from vendors import zoho_books


@dataclass
class Slow:
    """A vendor behind its broker, which answers when the test lets it."""

    asked: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def consent(self, consent: str, wait_s: float = 0.0) -> BrokerConsent:
        return BrokerConsent(id=consent, state="complete")

    async def grant(self, connection: str) -> BrokerGrant:
        return BrokerGrant(connection=connection, vendor="zoho-books", kind="oauth", state="active", place="1")

    async def attempt(self, _: object) -> Trial:
        await self._answered()
        return Trial(True, NOON, 0.1)

    async def delete_grant(self, _: str) -> str:
        await self._answered()
        return "yes" if self.asked == 1 else "nothing"

    async def is_done(self, _: str) -> bool:
        return True

    async def _answered(self) -> None:
        self.asked += 1
        self.begun.set()
        await self.answers.wait()


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Judged]:
    async with judged_world(database) as made:
        yield made


class TestConnecting:
    @pytest.mark.parametrize("replicas", [1, 2])
    async def test_is_tried_once_and_both_are_told_so(self, world: Judged, replicas: int) -> None:
        await world.execute("update core.connection set state = 'connecting' where id = 'books'")
        await world.execute(
            "insert into core.connecting (connection, began_at, began_by, next_try_at, consent) values ('books', $1, 'ana', $1, 'c1')",
            NOON,
        )
        vendor = Slow()
        fake = cast(Any, vendor)
        vendors = {VendorName("zoho-books"): zoho_books.VENDOR}
        consoles = [
            Connecting(world.pool, fake, fake, vendors, world.clock, structlog.get_logger()) for _ in range(replicas)
        ]
        person = asyncio.create_task(consoles[0].settle("books"))
        await vendor.begun.wait()
        caretaker = asyncio.create_task(consoles[-1].settle("books"))
        await asyncio.sleep(0.1)  # long enough for a second call
        vendor.answers.set()
        assert {(await person).state, (await caretaker).state} == {"connected"}
        assert vendor.asked == 1


class TestDeleting:
    async def test_is_told_what_became_of_the_grant(self, world: Judged) -> None:
        await world.execute("update core.sync set state = 'disabled'")
        vendor = Slow()
        fake = cast(Any, vendor)
        removal = Removal(world.pool, fake, fake, world.clock, structlog.get_logger())
        person = asyncio.create_task(removal.delete("books"))
        await vendor.begun.wait()
        caretaker = asyncio.create_task(removal.finish_all())
        await asyncio.sleep(0.1)
        vendor.answers.set()
        await caretaker
        assert (await person, vendor.asked) == ("yes", 1)

    async def test_that_was_broken_off_is_gone_on_with(self, world: Judged) -> None:
        await world.execute("update core.connection set state = 'deleting' where id = 'books'")
        vendor = Slow()
        vendor.answers.set()
        fake = cast(Any, vendor)
        await Removal(world.pool, fake, fake, world.clock, structlog.get_logger()).finish_all()
        (row,) = await world.rows("select state from core.connection where id = 'books'")
        assert (row["state"], vendor.asked) == ("deleted", 1)
