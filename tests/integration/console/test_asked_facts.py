"""A run that a person asks for also reads what the facts of the sync are made of, once that was read whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from common.contracts.ids import ConnectionId, Entity
from common.contracts.syncs import MappingDefinition, MappingRow
from common.state import feeding, polls
from common.state.definitions import to_jsonb
from common.state.polls import Polled
from common.state.pool import transaction
from console.use_cases.asked_runs import AskedRuns
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks
from console.use_cases.runs import Runs
from console.use_cases.syncs import Syncs
from mapper.mapping.fact_use import with_facts
from tests.integration.mapper.test_handlers import EMAIL
from tests.support.database import Database
from tests.support.judged import NOON, Judged, judged_world

BOOKS = ConnectionId("books")
CUSTOMERS, INVOICES = Polled(BOOKS, Entity("customer")), Polled(BOOKS, Entity("invoice"))


@pytest.fixture
async def world(database: Database) -> AsyncIterator[Judged]:
    async with judged_world(database) as made:
        definition = with_facts(
            MappingDefinition(2, (EMAIL, MappingRow("merge.N", "facts.invoice_count")), key="email")
        )
        await made.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'customer', 2, $1, $2)",
            to_jsonb(definition), NOON,
        )  # fmt: skip
        await made.execute("update core.leg set mapping_version = 2")
        async with transaction(made.owner) as tx:
            await polls.want(tx, [CUSTOMERS, INVOICES], NOON)
            await feeding.want(tx, [INVOICES], NOON)
        yield made


async def asked(world: Judged) -> set[str]:
    syncs = Syncs(world.pool, cast("Drafting", None), cast("Hooks", None), world.clock)
    runs = AskedRuns(world.pool, Runs(world.pool, syncs, world.clock), world.clock)
    await runs.begin("s1", "ada", full=False)
    return {row["entity"] for row in await world.rows("select entity from flow.poll where asked <> ''")}


class TestARunThatIsAskedFor:
    async def test_reads_what_facts_are_made_of_too(self, world: Judged) -> None:
        async with transaction(world.owner) as tx:
            await feeding.listed(tx, INVOICES, "full.1", NOON, 0)
            await feeding.arrive(tx, NOON)
        assert await asked(world) == {"customer", "invoice"}
        # It is over when the customers have entered: invoices are no records of it.
        assert [row["entity"] for row in await world.rows("select entity from flow.run_source")] == ["customer"]

    async def test_leaves_what_is_being_read_whole_alone(self, world: Judged) -> None:
        assert await asked(world) == {"customer"}
