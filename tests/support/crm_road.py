"""A customer whose other home is the CRM, step by step: callbacks are read, changes judged and writes sent by the real parts, one after the other."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from common.bus.handler import Delivered
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, EventId, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Receipt, Version, WriteCommand
from common.contracts.syncs import MappingDefinition, MappingRow
from common.contracts.topics import changes
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import transaction
from ingest.normaliser import ReceiptHandler
from ingest.reader import Reader
from mapper.handlers import ChangeHandler
from mapper.mappings import Mappings
from mapper.pair_settling import PairSettling
from mapper.publisher import Publisher
from tests.support.crm_world import CUSTOMER, TOPIC, CrmWorld
from tests.support.ledger.both import TABLES
from tests.support.patience import patient
from vendors import zoho_books, zoho_crm
from vendors.registry import vendor_named
from vendors.vendor import connection_of

BOOKS, CRM = ConnectionId("books"), ConnectionId("crm")
RECORD = RecordId("46")
"""The one customer of the books."""
_SAME = (MappingRow("name", "name"), MappingRow("website", "website"))
_LEGS = (("account", "forward", BOOKS, CRM), ("account-back", "back", CRM, BOOKS))


@dataclass
class Topics:
    """What was sent, until somebody takes it."""

    changes: list[ChangeEvent] = field(default_factory=list)
    commands: list[WriteCommand] = field(default_factory=list)
    to_books: list[WriteCommand] = field(default_factory=list)

    async def send_all(self, messages: Sequence[Outgoing]) -> Any:
        for one in messages:
            if one.topic.stage == "changes":
                self.changes.append(ChangeEvent.model_validate_json(one.value))
            else:
                command = WriteCommand.model_validate_json(one.value)
                (self.to_books if command.target == BOOKS else self.commands).append(command)

    def wake(self) -> None:
        """Whoever reads is asked in each turn."""


@dataclass
class CrmRoad:
    """What people, callbacks and services do."""

    world: CrmWorld
    topics: Topics
    handlers: dict[ConnectionId, ChangeHandler]
    receipts: ReceiptHandler
    reader: Reader
    settling: PairSettling
    told: int = 0
    """How far the vendor's log was gone through for callbacks."""

    async def books_tell(self, **fields: str) -> None:
        """A webhook of the customer in the books."""
        now = self.world.clock.now()
        version = Version(stamp=now, settled=False)
        event = ChangeEvent(
            id=ChangeEvent.derive_id(BOOKS, CUSTOMER, RECORD, version, "hook", fields), connection=BOOKS, vendor=zoho_books.NAME,
            entity=CUSTOMER, record=RECORD, kind="changed", version=version, coverage="hook", fields=fields, observed_at=now, via="webhook",
        )  # fmt: skip
        await self._hear(BOOKS, [event])

    def account(self) -> dict[str, Any]:
        (row,) = self.world.listed("Accounts", "Account_Name", "Website")
        return row

    def calls(self, since: int) -> list[str]:
        """Ours about accounts; what fields these have is read once a day."""
        ours = [one for one in self._log(since) if not one["operator"] and "/Accounts" in one["route"]]
        return [f"{one['method']} {one['status']}" for one in ours]

    def mark(self) -> int:
        listed: Any = self.world.sandbox.get("log", since=10**12)["next"]
        return int(listed)

    def _log(self, since: int) -> list[dict[str, Any]]:
        listed: Any = self.world.sandbox.get("log", since=since)["calls"]
        return [one for one in listed if one["vendor"] == "zoho-crm"]

    # --- the road

    async def quiet(self, within: float = 90.0) -> None:
        """Until nothing moves any more. Every change of a record is called back before anything else is done, and time passes for reads alone."""
        deadline = time.monotonic() + patient(within)
        async with self.world.running():
            while (moved := await self._turn()) or await self._is_busy():
                assert time.monotonic() < deadline, await self.world.shown()
                if not moved and not await self._is_written():
                    self.world.sandbox.post("clock", {"advance_s": 0.5})
                await asyncio.sleep(0.05)

    async def until_written(self, since: int) -> None:
        """Until a write of ours has reached the vendor; nothing is called back yet, nor read."""

        async def written() -> bool:
            await self.intake()
            return any(one.startswith("PUT ") for one in self.calls(since))

        async with self.world.running():
            await self.world.until(written, "nothing is written")

    async def intake(self) -> bool:
        """Commands for the CRM are taken."""
        taken, self.topics.commands = self.topics.commands, []
        if taken:
            await self.world.want(*(Delivered(one, self._record(TOPIC.name, one)) for one in taken))
        return bool(taken)

    async def _turn(self) -> bool:
        called_back = await self.call_back()
        moved = [called_back, await self.reader.step(), await self.settling.step()]
        events, self.topics.changes = self.topics.changes, []
        await self._hear(CRM, events)
        return any([*moved, events, await self.intake()])

    async def call_back(self) -> bool:
        mark = self.mark()
        calls, self.told = self._log(self.told), mark
        changed = [act["id"] for one in calls for act in one["applied"] if act["op"] in ("create", "update")]
        receipts = [self._receipt(id) for id in changed]
        if receipts:
            async with transaction(self.world.pool) as tx:
                await self.receipts.store(receipts, tx)
            await self.receipts.after(receipts)
        return bool(receipts)

    def _receipt(self, id: str) -> Delivered[Receipt]:
        body = {"module": "Accounts", "ids": [id], "operation": "update", "channel_id": "1", "token": "t"}
        receipt = Receipt(
            id=EventId(f"r{self.told}-{id}"), connection=CRM, vendor=zoho_crm.NAME, received_at=self.world.clock.now(), method="POST",
            path="/", query="", headers=(), body=json.dumps(body).encode(), verified_by="path-secret",
        )  # fmt: skip
        return Delivered(receipt, self._record("receipts.zoho-crm", receipt))

    async def _hear(self, connection: ConnectionId, events: Sequence[ChangeEvent]) -> None:
        if not events:
            return
        handler = self.handlers[connection]
        batch = [Delivered(one, self._record(handler.topic.name, one)) for one in events]
        async with transaction(self.world.pool) as tx:
            await handler.store(batch, tx)
        await handler.after(batch)

    def _record(self, topic: str, message: Any) -> RawRecord:
        self.world.offset += 1
        return RawRecord(topic, 0, self.world.offset, b"k", message.model_dump_json().encode(), (), 0)

    async def due(self) -> Any:
        """When the one read that is asked for is made."""
        ((due,),) = await self.world.rows("select not_before from flow.read_request")
        return due

    async def _is_written(self) -> bool:
        return bool(await self.world.rows("select from flow.work_item where state not in ('done', 'dead', 'parked')"))

    async def _is_busy(self) -> bool:
        asked = await self.world.rows("select from flow.read_request union all select from flow.pair where owed")
        return bool(asked) or await self._is_written()


@asynccontextmanager
async def crm_road(world: CrmWorld) -> AsyncIterator[CrmRoad]:
    """A sync of customers that leads both ways; nobody writes to the books."""
    await _prepared(world)
    topics, configuration, mappings = Topics(), ConfigurationReader(), Mappings()
    publisher = Publisher(world.pool, topics, configuration)
    handlers = {
        id: ChangeHandler(
            changes(name), clock=world.clock, configuration=configuration, mappings=mappings, publisher=publisher,
            settle=timedelta(seconds=2),
        )
        for id, name in ((BOOKS, zoho_books.NAME), (CRM, zoho_crm.NAME))
    }  # fmt: skip
    vendor = vendor_named(VendorName(zoho_crm.NAME))
    assert vendor.source is not None
    door = world.door()
    road = CrmRoad(
        world, topics, handlers, ReceiptHandler(vendor, vendor.source, topics, topics, world.clock),
        Reader(world.pool, door, topics, configuration, world.clock),
        PairSettling(world.pool, world.clock, configuration, mappings, publisher),
    )  # fmt: skip
    road.told = road.mark()
    try:
        yield road
    finally:
        await door.aclose()


async def _prepared(world: CrmWorld) -> None:
    (crm,) = await world.rows("select details from core.connection where id = 'crm'")
    await world.execute(f"truncate {TABLES} cascade")
    of = {BOOKS: (zoho_books, {"dc": "eu", "organization_id": "7"}), CRM: (zoho_crm, dict(crm["details"]))}
    for id, (vendor, details) in of.items():
        account = vendor.VENDOR.account(connection_of(vendor.NAME, id, **details))
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, $2, $1, 'active', $3, $4, now(), now())""",
            id, vendor.NAME, details, account,
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('s1', 's1', 't', 'books', 'crm', 'active', now(), now())"""
    )
    places = {BOOKS: "7", CRM: world.place}
    for at, (name, direction, source, target) in enumerate(_LEGS):
        await world.execute(
            """insert into core.leg (sync, position, name, direction, source_connection, source_entity, target_connection, target_entity,
                                     target_place)
               values ('s1', $1, $2, $3, $4, 'customer', $5, 'customer', $6)""",
            at, name, direction, source, target, places[target],
        )  # fmt: skip
        key = MappingRow("key", "id") if target == CRM else MappingRow("key_field", "'cf_crm'")
        rows = (key, *_SAME) if target == CRM else (MappingRow("key", "id"), key, *_SAME)
        await world.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', $1, 1, $2, now())",
            name, to_jsonb(MappingDefinition(1, rows, key="key", on_delete="leave", on_filtered="leave")),
        )  # fmt: skip
    await world.execute("update core.leg set mapping_version = 1")
