"""Contacts of a CRM on the road: the real poller on a real database and the simulated account; a reader that dies tells nothing twice over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from common import failpoints
from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.state.configuration import ConfigurationReader
from ingest.poller import Poller
from tests.contract.conftest import sandbox, sandbox_process
from tests.contract.vendors.zoho_crm import account as simulator
from tests.contract.vendors.zoho_crm.account import CrmAccount
from tests.integration.ingest.test_poller import World, world
from tests.support.sandbox import SandboxProcess

__all__ = ["sandbox", "sandbox_process", "world"]
PERSON = Entity("person")
MANY = 450


@dataclass
class Contacts:
    """An account that a sync starts from, and its poller."""

    world: World
    account: CrmAccount

    def open(self, profile: Any, connection: Connection) -> Any:
        return self.account.api

    async def poll(self) -> list[tuple[str, str]]:
        """A process that has just started reads what is due."""
        before, world = len(self.world.books.sent), self.world
        await Poller(world.pool, self, world.books, ConfigurationReader(), world.clock).step()
        return [(event.record, event.kind) for event in world.books.sent[before:]]


@pytest.fixture
async def contacts(world: World, sandbox: SandboxProcess) -> AsyncIterator[Contacts]:
    async with simulator.opened(sandbox) as account:
        account.fill(PERSON, MANY)
        await world.sql("update core.connection set vendor = 'zoho-crm' where id = 'books'")
        await world.sql("update core.leg set source_entity = 'person'")
        yield Contacts(world, account)


class TestContacts:
    async def test_are_read_whole_then_by_what_changed_and_what_was_deleted(self, contacts: Contacts) -> None:
        with failpoints.armed("poller.after_produce=raise:RuntimeError@2"):
            await contacts.poll()
        await contacts.world.lease_over()
        contacts.world.clock.advance(600)
        await contacts.poll()
        told = [event.record for event in contacts.world.books.sent]
        # The page that was on its way when its reader died comes once more, as the same events.
        assert len(set(told)) == MANY < len(told) <= MANY + 200
        assert len({event.id for event in contacts.world.books.sent}) == MANY
        edited, gone = told[0], told[1]
        contacts.account.edit(PERSON, edited)
        contacts.account.remove(PERSON, gone)
        contacts.world.clock.advance(600)
        assert set(await contacts.poll()) == {(edited, "changed"), (gone, "asked")}
