"""Two organisations of Books that people edit on both sides, kept in step by pairs: customers with a company, and their contact persons."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import ChangeEvent, Receipt
from common.contracts.syncs import MappingDefinition, MappingRow
from common.contracts.topics import changes, commands
from common.metrics import Metrics
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import transaction
from ingest.publishing import change_event
from mapper.handlers import ChangeHandler
from mapper.mappings import Mappings
from mapper.pair_settling import PairSettling
from mapper.publisher import Publisher
from mapper.remap import Remapper
from tests.contract.sandbox.zoho_books.books import Books, account_of
from tests.support.books_world import SERVICE, BooksWorld, open_books_world
from tests.support.database import Database
from tests.support.ledger.both import SIDES, TABLES, Both
from tests.support.ledger.world import close_ledger_world
from tests.support.sandbox import SandboxProcess
from vendors import zoho_books
from vendors.vendor import State, Subject, connection_of
from writing.intake import CommandHandler

ACCOUNTS = {"left": "demo", "right": "demo-second"}
CUSTOMER, PERSON = Entity("customer"), Entity("person")
KEY_FIELD = "cf_zoho_crm_id"
_KEY = (MappingRow("key", "id"), MappingRow("key_field", f"'{KEY_FIELD}'"))
_SAME: Mapping[Entity, tuple[str, ...]] = {
    CUSTOMER: ("name", "company", "website", "billing"),
    PERSON: ("email", "first_name", "last_name", "phone", "title"),
}
_OWN: Mapping[Entity, tuple[MappingRow, ...]] = {
    CUSTOMER: _KEY,
    # By an expression: whose a person is has another id on each side, and is no field that is merged.
    PERSON: (MappingRow("customer_id", "[customer_id][0]", required=True),),
}


def _mapping(entity: Entity) -> dict[str, Any]:
    rows = (*_OWN[entity], *(MappingRow(one, one) for one in _SAME[entity]))
    # Persons without an address are found by their names.
    key = "key" if entity == CUSTOMER else "customer_id"
    return to_jsonb(MappingDefinition(1, rows, key=key, filter="company", on_delete="leave", on_filtered="leave"))


@dataclass
class BooksBoth(Both):
    """What people, hooks and services do, step by step, where both sides are Books."""

    sides: dict[str, Books] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    told: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def books(self) -> BooksWorld:
        return cast(BooksWorld, self.world)

    def contact(self, side: str, name: str) -> dict[str, Any]:
        return next(one for one in self.contacts(side) if one["contact_name"] == name)

    def contacts(self, side: str) -> list[dict[str, Any]]:
        rows = self.sides[side].told("GET", "/contacts?per_page=200")["contacts"]
        return [self.sides[side].read("contacts", row["contact_id"]) for row in rows]

    def put(self, side: str, contact: Mapping[str, Any], **body: Any) -> None:
        self.sides[side].told("PUT", f"/contacts/{contact['contact_id']}", body)

    def person(self, side: str, contact: Mapping[str, Any], **body: Any) -> None:
        self.sides[side].told("POST", "/contacts/contactpersons", {"contact_id": contact["contact_id"], **body}, 201)

    def persons(self, side: str, name: str) -> dict[str, dict[str, Any]]:
        return {one["email"] or one["last_name"]: one for one in self.contact(side, name)["contact_persons"]}

    def calls(self) -> list[str]:
        """Ours that can change something; one without a customer's id only asks who has a key."""
        return [call for call in self.books.made() if call != "PUT /contacts"]

    # --- the road

    def hooks(self) -> list[ChangeEvent]:
        """A webhook of each customer that is not as it was told last; a customer that is gone is asked for."""
        found, there = list[ChangeEvent](), set[tuple[str, str]]()
        for side in SIDES:
            for contact in self.contacts(side):
                key, body = (side, contact["contact_id"]), json.dumps({"contact": contact}, sort_keys=True)
                there.add(key)
                if self.told.get(key) != body:
                    self.told[key] = body
                    found += self._received(side, body.encode(), "edited")
        for side, id in self.told.keys() - there:
            body = self.told.pop((side, id))
            found += self._received(side, body.encode(), "deleted")
        return found

    def _received(self, side: str, body: bytes, event: str) -> list[ChangeEvent]:
        receipt = Receipt(
            id=EventId("r"), connection=ConnectionId(side), vendor=zoho_books.NAME, received_at=datetime.now(UTC), method="POST", path="/",
            query=f"event={event}", headers=(("content-type", "application/json"),), body=body, verified_by="signature",
        )  # fmt: skip
        source = zoho_books.VENDOR.source
        assert source is not None
        states = source.receipt(receipt).states
        return [change_event(ConnectionId(side), zoho_books.NAME, state, "webhook", receipt.id) for state in states]

    async def turn(self) -> bool:
        """Whatever is on hold has waited long enough."""
        await self.world.time_passes()
        return await super().turn()

    async def turn_without_time(self) -> bool:
        """A turn in which nothing on hold comes nearer to its end."""
        await self.world.execute(
            "update flow.work_item set hold_until = now() + interval '1 hour' where state = 'hold'"
        )
        return await super().turn()

    async def until_open(self, told: Callable[[], Awaitable[Sequence[Any]]]) -> None:
        """Until an outcome that nobody saw is waited out, for as long as the test likes, and this is told."""

        async def so() -> bool:
            await self.turn_without_time()
            return bool(await self.world.rows("select from flow.work_item where state = 'hold'")) and bool(await told())

        await self.world.until(so, "nothing is held, or nothing told")

    async def hear(self, *events: ChangeEvent) -> None:
        batch = [
            Delivered(one, RawRecord("changes.zoho-books", 0, at, b"k", b"", (), 0)) for at, one in enumerate(events)
        ]
        if batch:
            async with transaction(self.world.pool) as tx:
                await self.handler.store(batch, tx)
            await self.handler.after(batch)

    async def answers(self) -> list[ChangeEvent]:
        async with transaction(self.world.owner) as tx:
            rows = await tx.fetch(
                "delete from flow.read_request where not_before <= $1 returning *", self.world.clock.now()
            )
        found, door, source = list[ChangeEvent](), self.world.door(), zoho_books.VENDOR.source
        assert source is not None
        for row in rows:
            connection = self.connections[row["connection"]]
            api = door.open(zoho_books.VENDOR.profile, connection)
            (state,) = await source.read(connection, [Subject(Entity(row["entity"]), RecordId(row["record"]))], api)
            assert isinstance(state, State), state
            found.append(change_event(connection.id, connection.vendor, state, "read"))
        await door.aclose()
        return found

    async def intake(self) -> bool:
        taken, self.waiting = self.waiting, []
        targets = zoho_books.VENDOR.targets
        handler = CommandHandler(
            commands("zoho-books"), SERVICE, targets, clock=self.world.clock, metrics=Metrics(), wake=lambda: None
        )
        batch = [
            Delivered(one, RawRecord("commands.zoho-books", 0, at, b"k", b"", (), 0)) for at, one in enumerate(taken)
        ]
        if batch:
            async with transaction(self.world.pool) as tx:
                await handler.store(batch, tx)
        return bool(batch)


@asynccontextmanager
async def books_both(database: Database, sandbox: SandboxProcess) -> AsyncIterator[BooksBoth]:
    """Two organisations without customers, each with a field that takes the other's id once."""
    world = await open_books_world(database, sandbox, ACCOUNTS["left"])
    await world.execute(f"truncate {TABLES} cascade")
    made = BooksBoth(world, *(cast(Any, None) for _ in range(4)))
    for side, account in ACCOUNTS.items():
        row = account_of(sandbox, account)
        sandbox.post("limits", {"vendor": "zoho-books", "account": account, "per_minute": 100_000, "list_lag_s": 0})
        made.sides[side] = Books(row["base_url"], row["organization_id"], row["operator_token"])
        field_ = {"do": "add_custom_field", "module": "contact", "label": "CRM", "api_name": KEY_FIELD, "unique": True}
        sandbox.post(f"zoho-books/{account}/people", field_)
        details = {"dc": row["dc"], "organization_id": row["organization_id"]}
        made.connections[side] = connection_of(zoho_books.NAME, side, **details)
    await _prepare(made)
    configuration, mappings = ConfigurationReader(), Mappings()
    made.publisher = Publisher(world.pool, made, configuration)
    made.handler = ChangeHandler(
        changes("zoho-books"), clock=world.clock, configuration=configuration, mappings=mappings, publisher=made.publisher,
        settle=timedelta(seconds=2),
    )  # fmt: skip
    made.settling = PairSettling(world.pool, world.clock, configuration, mappings, made.publisher)
    made.remapper = Remapper(world.pool, world.clock, configuration, mappings, made.publisher)
    try:
        yield made
    finally:
        for one in (*made.sides.values(), world.books):
            one.http.close()
        await close_ledger_world(world)


async def _prepare(made: BooksBoth) -> None:
    world = made.world
    for side, one in made.connections.items():
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, 'zoho-books', $1, 'active', $2, $3, now(), now())""",
            side, dict(one.details), zoho_books.VENDOR.account(one),
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('s1', 's1', 't', 'left', 'right', 'active', now(), now())"""
    )
    organisations = {side: one.details["organization_id"] for side, one in made.connections.items()}
    legs = [(entity, back) for entity in (CUSTOMER, PERSON) for back in (False, True)]
    for at, (entity, back) in enumerate(legs):
        source, target = reversed(SIDES) if back else SIDES
        name = f"{'account' if entity == CUSTOMER else 'person'}{'-back' if back else ''}"
        await world.execute(
            """insert into core.leg (sync, position, name, direction, source_connection, source_entity, target_connection, target_entity,
                                     target_place)
               values ('s1', $1, $2, $3, $4, $5, $6, $5, $7)""",
            at, name, "back" if back else "forward", source, entity, target, organisations[target],
        )  # fmt: skip
        await world.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', $1, 1, $2, now())",
            name, _mapping(entity),
        )  # fmt: skip
    await world.execute("update core.leg set mapping_version = 1")
