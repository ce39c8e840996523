"""Records that are told inside others, through the mapper's own transaction: contact persons of customers (decision 68)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.contracts.ids import RunId
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import MappingDefinition
from common.state.definitions import to_jsonb
from common.state.pool import Pool, close_pool, open_pool, transaction
from common.state.read_requests import UNCOVERED
from tests.integration.mapper.test_details import hooked, listed, read
from tests.integration.mapper.test_handlers import EMAIL, NAME, NOON, Mapper, configure, told
from tests.support.database import Database

ALDER = {"company": "Alder"}


def persons(*names: str, of: str = "1") -> list[dict[str, Any]]:
    return [{"id": f"{of}-{one}", "email": f"{one}@ex.org", "first_name": one.title()} for one in names]


async def wants_persons(owner: Pool) -> None:
    """A second leg of the sync; only persons of companies pass."""
    definition = MappingDefinition(1, (EMAIL, NAME), key="email", filter="company", on_filtered="archive")
    async with transaction(owner) as tx:
        await tx.execute(
            """insert into core.leg (sync, position, name, source_connection, source_entity, target_connection, target_entity, target_place,
                                     mapping_version)
               values ('s1', 1, 'person', 'books', 'person', 'chimp', 'member', 'list2', 1)"""
        )
        await tx.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'person', 1, $1, $2)",
            to_jsonb(definition), NOON,
        )  # fmt: skip


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.owner_url, name="test owner", size=2)
    yield pool
    await close_pool(pool)


@pytest.fixture
async def alone(database: Database, owner: Pool) -> AsyncIterator[Mapper]:
    """Nobody wants persons."""
    await configure(owner, MappingDefinition(1, (EMAIL, NAME), key="email"))
    pool = await open_pool(database.url("service"), name="mapper", size=4)
    yield Mapper(pool)
    await close_pool(pool)


@pytest.fixture
async def mapper(alone: Mapper, owner: Pool) -> Mapper:
    await wants_persons(owner)
    return alone


async def wished(mapper: Mapper, *events: ChangeEvent) -> list[tuple[str, str, Any]]:
    commands = await mapper.handle(*events)
    return [(one.record, one.wish, one.document.get("merge.FNAME")) for one in commands if one.entity == "person"]


async def asked(mapper: Mapper) -> list[tuple[str, str, str, str]]:
    rows = await mapper.rows("select entity, record, reason, lane from flow.read_request order by entity, record")
    return [tuple(row) for row in rows]


class TestWhatACustomerTells:
    async def test_is_a_record_of_each_person_and_the_same_again_is_nothing(self, mapper: Mapper) -> None:
        event = hooked(1, **ALDER, persons=persons("ida", "bo"))
        assert await wished(mapper, event) == [("1-bo", "present", "Bo"), ("1-ida", "present", "Ida")]
        assert await wished(mapper, event) == [] and await asked(mapper) == []
        assert await mapper.steps("1-ida") == ["received", "mapped", "duplicate"]

    async def test_is_told_again_to_the_leg_when_the_company_comes_or_goes(self, mapper: Mapper) -> None:
        assert await wished(mapper, hooked(1, company=None, persons=persons("ida"))) == [("1-ida", "absent", None)]
        assert await wished(mapper, hooked(2, **ALDER, persons=persons("ida"))) == [("1-ida", "present", "Ida")]

    async def test_a_customer_without_a_word_of_persons_says_nothing_of_them(self, mapper: Mapper) -> None:
        await wished(mapper, hooked(1, **ALDER, persons=persons("ida")))
        assert await wished(mapper, hooked(2, company="Alder GmbH")) == []
        assert await asked(mapper) == []


class TestAPersonWhoIsMissing:
    async def test_is_read_and_leaves_only_by_that_read(self, mapper: Mapper) -> None:
        """R12."""
        await wished(mapper, hooked(1, **ALDER, persons=persons("ida", "bo")))
        assert await wished(mapper, hooked(2, **ALDER, persons=persons("ida"))) == []
        assert await asked(mapper) == [("person", "1-bo", "deletion", "live")]
        gone = told(9, "1-bo", kind="deleted", via="read").model_copy(update={"entity": "person"})
        assert await wished(mapper, gone) == [("1-bo", "absent", None)]

    async def test_with_the_customer_is_read_too(self, mapper: Mapper) -> None:
        await wished(mapper, hooked(1, **ALDER, persons=persons("ida")))
        await mapper.handle(told(9, kind="deleted", via="read"))
        assert await asked(mapper) == [("person", "1-ida", "deletion", "live")]

    async def test_in_what_is_known_and_not_in_what_comes_late_is_made_by_nobody(self, mapper: Mapper) -> None:
        """A webhook that was overtaken tells of somebody who has left meanwhile."""
        await mapper.handle(read(5, **ALDER, persons=persons("ida")))
        assert await wished(mapper, hooked(1, **ALDER, persons=persons("ida", "bo"))) == []
        assert await asked(mapper) == [("person", "1-bo", "deletion", "live")]


class TestAListedCustomer:
    async def test_with_a_company_is_read_once_a_version_for_its_persons(self, mapper: Mapper) -> None:
        await mapper.handle(listed(1, "1", **ALDER), listed(1, "2"), listed(1, "3", **ALDER))
        assert await asked(mapper) == [("customer", one, UNCOVERED, "backfill") for one in ("1", "3")]
        await mapper.rows("delete from flow.read_request returning 1")
        await mapper.handle(read(1, "1", **ALDER, persons=persons("ida")), hooked(1, "3", **ALDER, persons=[]))
        await mapper.handle(*(listed(1, one, run="full.2", **ALDER) for one in ("1", "3")))
        assert await asked(mapper) == []
        await mapper.handle(listed(7, "1", run="poll.3", **ALDER))
        assert await asked(mapper) == [("customer", "1", UNCOVERED, "live")]

    async def test_is_read_where_it_was_read_before_anybody_knew_of_persons(self, mapper: Mapper) -> None:
        await mapper.handle(read(1, **ALDER))
        await mapper.handle(listed(1, **ALDER))
        assert await asked(mapper) == [("customer", "1", UNCOVERED, "backfill")]


class TestALegThatComesLater:
    async def test_takes_what_customers_have_told_and_asks_for_the_rest(self, alone: Mapper, owner: Pool) -> None:
        await alone.handle(
            read(1, "1", **ALDER, persons=persons("ida")), read(1, "2", **ALDER), read(1, "3", persons=[])
        )
        assert await alone.rows("select from flow.record_state where entity = 'person'") == []
        await wants_persons(owner)
        sent = len(alone.wire.sent)
        while await alone.remapper.step():
            pass
        commands = [one for one in alone.wire.sent[sent:] if one.entity == "person"]
        assert [(one.record, one.wish, one.run) for one in commands] == [("1-ida", "present", RunId("s1.v1"))]
        assert await asked(alone) == [("customer", "2", UNCOVERED, "backfill")]

    async def test_is_the_only_reason_to_keep_persons(self, alone: Mapper) -> None:
        await alone.handle(read(1, **ALDER, persons=persons("ida")), listed(1, "2", **ALDER))
        assert await alone.rows("select from flow.record_state where entity = 'person'") == []
        assert await asked(alone) == []
