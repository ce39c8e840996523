"""Rows of the road as mapper and writers leave them, for tests of what the console tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.clock import FixedClock
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from common.journal import Entry, Step, write
from common.state.definitions import to_jsonb
from common.state.pool import Pool, close_pool, open_pool, transaction
from tests.support.database import Database
from tests.support.legs import ONE_LEG

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"
DEFINITION = MappingDefinition(
    1,
    (
        MappingRow("email", "email", (Transform("trim"),), required=True),
        MappingRow("merge.FNAME", "first_name"),
        MappingRow("tags", "currency", (Transform("tag", {"prefix": "currency: "}),)),
    ),
    key="email",
)


@dataclass
class Judged:
    """One source, one target, one sync, and whatever a test says happened."""

    pool: Pool
    owner: Pool
    clock: FixedClock

    async def execute(self, sql: str, *values: Any) -> None:
        async with transaction(self.owner) as tx:
            await tx.execute(sql, *values)

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(sql, *values))

    async def tell(self, step: Step, record: str, **more: Any) -> None:
        """A row of the journal about a record of the sync (the source's own steps name no sync)."""
        sync = "" if step in (Step.RECEIVED, Step.DUPLICATE) else "s1"
        given = {
            "at": self.clock.now(),
            "sync": sync,
            "connection": "books",
            "entity": "customer",
            "record": record,
            "trace_id": TRACE,
        }
        async with transaction(self.owner) as tx:
            await write(tx, [Entry(step=step, **(given | more))])

    async def known(
        self, record: str, email: str = "", *, wish: str = "present", skip: str = "", revision: int = 1, **fields: Any
    ) -> None:
        """A record whose state and wish are stored and published."""
        state = {"email": email or f"{record}@example.org", "first_name": f"Name {record}", "currency": "EUR", **fields}
        now = self.clock.now()
        await self.execute(
            """insert into flow.record_state (connection, entity, record, fields, told, sequence, first_at, changed_at)
               values ('books', 'customer', $1, $2, $3, '1', $4, $4)""",
            record, state, dict.fromkeys(state, "1"), now,
        )  # fmt: skip
        await self.execute(
            """insert into flow.wanted (sync, entity, record, connection, revision, published_revision, wish, skip, document, content,
                                        mapping_version, lane, happened_at, changed_at)
               values ('s1', 'customer', $1, 'books', $2, $2, $3, $4, '{}', 'x', 1, 'live', $5, $5)""",
            record, revision, wish, skip, now,
        )  # fmt: skip

    async def work(
        self, record: str, state: str, *, revision: int = 1, outcome: str = "", code: str = "", email: str = ""
    ) -> None:
        """Its work item."""
        await self.execute(
            """insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version,
                                           target_entity, target_key, lane, priority, happened_at, state, due_at, outcome, code, kind, message,
                                           failed_first_at, failed_last_at, received_at, changed_at, traceparent)
               values ('s1', 'customer', $1, 'books', 'chimp', 'list', $2, 'present', $6, 1, 'member', $7, 'live', 0, $3, $4, $3, $5, $8,
                       'REJECTED', 'It was refused.', $3, $3, $3, $3, $9)""",
            record, revision, self.clock.now(), state, outcome, {"email": email or f"{record}@example.org", "merge.FNAME": "Ana"},
            email or f"{record}@example.org", code, f"00-{TRACE}-b7ad6b7169203331-01",
        )  # fmt: skip


@asynccontextmanager
async def judged_world(database: Database) -> AsyncIterator[Judged]:
    """One sync `s1` from `books` to the place `list` of `chimp`."""
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("console"), name="console", size=4)
    world = Judged(pool, owner, FixedClock(NOON))
    for name, vendor in (("books", "zoho-books"), ("chimp", "mailchimp")):
        await world.execute(
            "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, $2, $1, 'active', $3, $3)",
            name, vendor, NOON,
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, mapping_version, created_at, updated_at)
           values ('s1', 's1', 'zoho-books-to-mailchimp', 'books', 'chimp', 'active', 1, $1, $1)""",
        NOON,
    )
    await world.execute(ONE_LEG, "list")
    await world.execute(
        "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', 'customer', 1, $1, $2)",
        to_jsonb(DEFINITION), NOON,
    )  # fmt: skip
    try:
        yield world
    finally:
        await close_pool(pool)
        await close_pool(owner)
