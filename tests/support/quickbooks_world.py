"""A writer on a real database and the sandbox's accounting: what is known of customers' activity goes in, their notes come out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import OffsetClock
from common.contracts.ids import CommandId, ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import ChangeEvent, Lane, WriteCommand
from common.contracts.topics import changes, commands
from common.http.door import Door
from common.metrics import Metrics
from common.state.pool import open_pool, transaction
from ingest.publishing import change_event
from tests.contract.vendors.quickbooks.account import let_in
from tests.support.books_world import OneToken
from tests.support.database import Database
from tests.support.ledger.calling import AnyNumber
from tests.support.ledger.world import TABLES, LedgerWorld, close_ledger_world
from tests.support.sandbox import SandboxProcess
from vendors import quickbooks
from vendors.quickbooks.listing import CUSTOMER
from vendors.quickbooks.note_text import ids_in
from vendors.quickbooks.targets import ACTIVITY_NOTE, CUSTOMER_NOTE
from vendors.vendor import State, connection_of
from writing.assembly import Writer, assemble
from writing.intake import CommandHandler
from writing.target_events import TargetEventHandler

SERVICE = "writer-quickbooks"
TOPIC = commands("quickbooks")
START = datetime(2026, 5, 4, 10, tzinfo=UTC)
READS = ("GET",)


@dataclass
class QuickBooksWorld(LedgerWorld):
    """The writers' own side is the ledger's world; the vendor is a company of QuickBooks."""

    sandbox: SandboxProcess = field(kw_only=True)
    token: str = field(kw_only=True)
    heard: int = 0

    def door(self) -> Door:
        return Door(
            OneToken(self.token), AnyNumber(), self.clock, {"quickbooks": f"{self.sandbox.base_url}/quickbooks"}
        )

    def writer(self, door: Door) -> Writer:
        return assemble(
            quickbooks.VENDOR, self.pool, self.clock, door, Metrics(), service=SERVICE, at_once=4, lease=self.lease
        )

    # --- wishes

    def noted(self, customer: str, *events: int, standing: str = "subscribed", **more: Any) -> Delivered[WriteCommand]:
        """The activity of a customer: one event a minute, by their numbers."""
        lines = [line_of(number) for number in sorted(events, reverse=True)[:20]]
        document = {"customer_id": customer, "standing": standing, "lines": lines, **more}
        return self.wished(CUSTOMER_NOTE, customer, document)

    def told(self, customer: str, event: int) -> Delivered[WriteCommand]:
        """One event of a customer, as a note of its own."""
        record = self.record_of(customer, event)
        return self.wished(ACTIVITY_NOTE, record, {"key": record, "customer_id": customer, **line_of(event)})

    def record_of(self, customer: str, event: int) -> str:
        """In the order of time."""
        return f"{event:06d}-{customer}"

    def wished(self, entity: Entity, record: str, document: dict[str, Any]) -> Delivered[WriteCommand]:
        self.revisions[entity, record] += 1
        number = self.revisions[entity, record]
        command = WriteCommand(
            id=CommandId(f"{entity}-{record}-{number}"), sync=SyncId("s1"), entity=entity, record=RecordId(record),
            source=ConnectionId("audience"), target=ConnectionId("company"), place=self.place, target_entity=entity, revision=number,
            mapping_version=1, wish="present", document=document, lane=Lane.LIVE, happened_at=self.clock.now(),
        )  # fmt: skip
        self.offset += 1
        raw = RawRecord(TOPIC.name, 0, self.offset, b"k", command.model_dump_json().encode(), (), 0)
        return Delivered(command, raw)

    async def want(self, *batch: Delivered[WriteCommand]) -> None:
        handler = CommandHandler(
            TOPIC, SERVICE, quickbooks.VENDOR.targets, clock=self.clock, metrics=Metrics(), wake=lambda: None
        )
        async with transaction(self.pool) as tx:
            await handler.store(batch, tx)
        await handler.after(batch)

    async def hear(self, *states: State) -> None:
        """What the source has told of customers, as the writer consumes it."""
        topic = changes("quickbooks")
        handler = TargetEventHandler(
            topic, f"{SERVICE}-events", quickbooks.VENDOR.targets, self.clock, wake=lambda: None
        )
        told = [change_event(ConnectionId("company"), quickbooks.NAME, state, "poll") for state in states]
        async with transaction(self.pool) as tx:
            await handler.store([self._delivered(topic.name, one) for one in told], tx)

    def _delivered(self, topic: str, event: ChangeEvent) -> Delivered[ChangeEvent]:
        self.heard += 1
        return Delivered(event, RawRecord(topic, 0, self.heard, b"k", event.model_dump_json().encode(), (), 0))

    async def listed(self) -> list[State]:
        """The whole company, as the source lists it."""
        door = self.door()
        try:
            connection = connection_of(quickbooks.NAME, "company", realm_id=self.place)
            api, source = door.open(quickbooks.VENDOR.profile, connection), quickbooks.VENDOR.source
            assert source is not None
            return [state async for page in source.pages(connection, CUSTOMER, None, api) for state in page.states]
        finally:
            await door.aclose()

    async def through(self, within: float = 90.0, executors: int = 1) -> None:
        """Until everything is done; whatever is on hold meanwhile has waited long enough."""

        async def done() -> bool:
            await self.time_passes()
            return not await self.rows("select from flow.work_item where state <> 'done' limit 1")

        async with self.running(executors):
            await self.until(done, "not everything is done", within)

    async def written(self, customer: str, within: float = 90.0) -> None:
        """Until our block is in the notes of a customer."""

        async def there() -> bool:
            return bool(ids_in(self.notes_of(customer)))

        async with self.running():
            await self.until(there, "nothing was written", within)
            await self.quiet()

    # --- the company

    def people(self, do: str, **wanted: Any) -> dict[str, Any]:
        return dict(self.sandbox.post("quickbooks/demo/people", {"do": do, **wanted}))

    def switch(self, **switches: Any) -> None:
        self.sandbox.post("limits", {"vendor": "quickbooks", **switches})

    def fault(self, kind: str, route: str = "*", **more: Any) -> None:
        self.sandbox.post("faults", {"vendor": "quickbooks", "route": route, "kind": kind, **more})

    def customers(self, count: int, notes: str = "") -> list[str]:
        given = {"Notes": notes} if notes else {}
        names = range(self.heard + 1, self.heard + 1 + count)
        return [
            self.people("create", entity="Customer", values={"DisplayName": f"C {n}", **given})["Id"] for n in names
        ]

    def stored(self, entity: str = "Customer") -> dict[str, dict[str, Any]]:
        """Every record of a kind, as the company has it."""
        state: Any = self.sandbox.get("state/quickbooks")
        return {one["Id"]: one for one in state["accounts"]["demo"]["records"][entity]}

    def notes_of(self, customer: str) -> str:
        return str(self.stored()[customer].get("Notes") or "")

    def made(self, *methods: str) -> list[str]:
        """The calls of ours by these methods, in their order."""
        return [call["route"].partition("{realm}")[2] for call in self.calls() if call["method"] in methods]

    def calls(self) -> list[dict[str, Any]]:
        """Ours, to the company."""
        listed: Any = self.sandbox.get("log", since=0)["calls"]
        return [
            call
            for call in listed
            if not call["operator"] and "{realm}" in call["route"] and call["vendor"] == "quickbooks"
        ]


def line_of(number: int) -> dict[str, str]:
    at = START + timedelta(minutes=number)
    return {"id": f"event-{number}", "at": at.isoformat(), "text": f"opened campaign {number}"}


@asynccontextmanager
async def quickbooks_world(database: Database, sandbox: SandboxProcess) -> AsyncIterator[QuickBooksWorld]:
    """The demo company as it is from the start, and one sync into it."""
    sandbox.post("reset")
    listed: Any = sandbox.get("accounts")["accounts"]
    row = next(one for one in listed if (one["vendor"], one["name"]) == ("quickbooks", "demo"))
    roomy = {
        "access_lives_s": 10**8,
        "realm_minute": 10**6,
        "app_second": 10**6,
        "everything_minute": 10**6,
        "at_once": 100,
    }
    sandbox.post("limits", {"vendor": "quickbooks", **roomy, "batch_app_minute": 10**6, "batch_realm_minute": 10**6})
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="writer", size=8)
    world = QuickBooksWorld(
        pool, owner, None, row["realm_id"], OffsetClock(sandbox.home),  # type: ignore[arg-type]
        sandbox=sandbox, token=let_in(row),
    )  # fmt: skip
    await _prepared(world)
    try:
        yield world
    finally:
        await close_ledger_world(world)


async def _prepared(world: QuickBooksWorld) -> None:
    await world.execute(f"truncate {TABLES} cascade")
    details = {"realm_id": world.place}
    to = quickbooks.VENDOR.account(connection_of(quickbooks.NAME, "company", **details))
    for name, vendor, of, known in (("audience", "audience", "audience:1", {}), ("company", "quickbooks", to, details)):
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, $2, $1, 'active', $3, $4, now(), now())""",
            name, vendor, known, of,
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('s1', 's1', 't', 'audience', 'company', 'active', now(), now())"""
    )
    for entity in quickbooks.VENDOR.targets:
        await world.execute(
            """insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place)
               values ('s1', $1, 'audience', $1, 'company', $1, $2)""",
            entity, world.place,
        )  # fmt: skip
