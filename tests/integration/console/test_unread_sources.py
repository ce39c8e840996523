"""What a sync reads and cannot, as the console tells it: with what waits for it, and what a person does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import cast

import pytest

from console.api.sync_documents import sync_detail
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks
from console.use_cases.syncs import Syncs
from millrace.sync_words import details_of
from tests.support.database import Database
from tests.support.judged import NOON, Judged, judged_world


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Judged]:
    async with judged_world(database) as made:
        yield made


def syncs_of(world: Judged) -> Syncs:
    return Syncs(world.pool, cast("Drafting", None), cast("Hooks", None), world.clock)


class TestASourceThatCannotBeRead:
    REFUSED = "ZB_NO_ACCESS: The user who connected Zoho Books may not do this: a role or the plan forbids it."

    async def told(self, world: Judged, words: str, *, attempts: int = 1, whole_at: datetime | None = None) -> None:
        await world.execute(
            "insert into flow.poll (connection, entity, next_at, words, attempts, whole_at) values ('books', 'invoice', $1, $2, $3, $4)",
            NOON, words, attempts, whole_at,
        )  # fmt: skip

    async def names_facts(self, world: Judged) -> None:
        await world.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) "
            "select sync, leg, 2, jsonb_set(definition, '{facts}', '[\"overdue\"]'), created_at from core.mapping_version"
        )
        await world.execute("update core.leg set mapping_version = 2")

    async def test_is_told_with_what_waits_for_it_and_what_to_do(self, world: Judged) -> None:
        """Whose facts cannot be read is not read either, and only the poller's log said so."""
        await self.names_facts(world)
        await self.told(world, self.REFUSED)
        shown = await syncs_of(world).show("s1")
        (unread,) = shown.unread
        assert (unread.entity, unread.code, unread.holds_back) == ("invoice", "ZB_NO_ACCESS", ("customer",))
        assert "role" in unread.remedy and shown.standing == "Needs attention"
        (listed,) = (await syncs_of(world).page("", 5)).items
        assert (listed.unread, listed.standing) == (shown.unread, "Needs attention")
        line = next(one for one in details_of(sync_detail(shown).model_dump(mode="json")) if one.startswith("not read"))
        assert "invoice, so no customer is read either" in line and "Give the user the role" in line

    async def test_that_was_read_before_holds_nobody_back(self, world: Judged) -> None:
        await self.names_facts(world)
        await self.told(world, self.REFUSED, whole_at=NOON)
        assert [one.holds_back for one in (await syncs_of(world).show("s1")).unread] == [()]

    async def test_that_the_sync_does_not_read_is_not_its_trouble(self, world: Judged) -> None:
        await self.told(world, self.REFUSED)
        shown = await syncs_of(world).show("s1")
        assert (shown.unread, shown.standing) == ((), "Healthy")

    async def test_a_blip_is_told_and_calls_nobody(self, world: Judged) -> None:
        await self.names_facts(world)
        await self.told(world, "VENDOR_FAULT: The vendor failed.")
        shown = await syncs_of(world).show("s1")
        assert (len(shown.unread), shown.standing) == (1, "Healthy")
        await world.execute("update flow.poll set attempts = 3")
        assert (await syncs_of(world).show("s1")).standing == "Needs attention"

    async def test_a_quota_is_waited_for_and_is_no_trouble(self, world: Judged) -> None:
        await self.names_facts(world)
        await self.told(world, "QUOTA_EXHAUSTED: Our part is used up.")
        assert (await syncs_of(world).show("s1")).unread == ()
