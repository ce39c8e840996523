"""A writer on a real database and the ledger's real process: commands go in, parties, documents and notes come out."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import Clock, SystemClock
from common.contracts.ids import CommandId, ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import Lane, RecordRef, WriteCommand
from common.contracts.topics import commands
from common.http.door import Door
from common.metrics import Metrics
from common.state.pool import Pool, close_pool, open_pool, transaction
from tests.support.database import Database
from tests.support.ledger.calling import AnyKey, AnyNumber
from tests.support.ledger.process import LedgerProcess
from tests.support.ledger.vendor import DOCUMENT, NOTE, PARTY, VENDOR
from tests.support.pace import hurried
from tests.support.patience import patient
from tests.support.writing import AT_WORK
from writing.assembly import Writer, assemble
from writing.intake import CommandHandler
from writing.lease_renewer import LEASE

SERVICE = "writer-ledger"
CUSTOMER, ORDER, ACTIVITY = Entity("customer"), Entity("order"), Entity("activity")
_BECOMES = {CUSTOMER: PARTY, ORDER: DOCUMENT, ACTIVITY: NOTE}
TABLES = """flow.work_item, flow.work_need, flow.target_lease, flow.target_owner, flow.pair, flow.target_record, flow.write_intent,
            flow.audit, flow.target_event, flow.vendor_probe, flow.recheck, flow.place_lesson, flow.journal, core.gate, core.connection, core.sync"""

_AWAITING_FOR_NOTHING = """
select w.record from flow.work_item w
 where w.state = 'awaiting' and not exists (
        select from flow.work_need n where (n.sync, n.entity, n.record) = (w.sync, w.entity, w.record)
           and not exists (select from flow.pair p
                            where (p.left_entity, p.left_id, p.state) = (n.need_entity, n.need_record, 'linked') and p.right_place = w.place))
 order by w.entity, w.record limit 20
"""
# Parents first: what their children wait for is why.
_AT_WORK = """
select entity, record, state, 'attempts', attempts, 'looks', looks, 'due', round(extract(epoch from due_at - now()), 1),
       'hold', round(extract(epoch from hold_until - now()), 1), 'lease', round(extract(epoch from lease_until - now()), 1), code, message
  from flow.work_item where state <> 'done' order by state = 'awaiting', entity = 'customer' desc, entity, record limit 40
"""


def line(number: int, words: str = "opened") -> dict[str, str]:
    """One line of an activity."""
    return {"at": f"2026-05-04T10:{number // 60:02d}:{number % 60:02d}+00:00", "id": f"e{number}", "words": words}


@dataclass
class LedgerWorld:
    """A writer, its database and the ledger."""

    pool: Pool
    owner: Pool
    ledger: LedgerProcess
    place: str = "keyed"
    clock: Clock = field(default_factory=SystemClock)
    lease: timedelta = LEASE
    revisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    offset: int = 0

    def door(self) -> Door:
        return Door(AnyKey(), AnyNumber(), self.clock, {"ledger": self.ledger.url})

    def writer(self, door: Door) -> Writer:
        return assemble(VENDOR, self.pool, self.clock, door, Metrics(), service=SERVICE, at_once=8, lease=self.lease)

    @asynccontextmanager
    async def running(self, executors: int = 1) -> AsyncIterator[None]:
        """Executors at work until the block ends, hurried; an error of theirs is the test's."""
        with hurried():
            async with self._running(executors):
                yield

    @asynccontextmanager
    async def _running(self, executors: int) -> AsyncIterator[None]:
        stopping, door = asyncio.Event(), self.door()
        writers = [self.writer(door) for _ in range(executors)]
        tasks = [asyncio.create_task(one.worker.run(stopping)) for one in writers]
        others = [asyncio.create_task(one.lease_renewer.run(stopping)) for one in writers]
        others += [asyncio.create_task(one.worker.listen(stopping)) for one in writers]
        try:
            yield
        finally:
            stopping.set()
            for one in writers:
                one.worker.wake()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await door.aclose()
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    # --- wishes

    def customer(self, record: str, email: str = "", **fields: Any) -> Delivered[WriteCommand]:
        return self.command(CUSTOMER, record, {"email": email or f"{record}@ex.org", **fields})

    def order(
        self, record: str, party: str, total: str = "10.00", children: Sequence[str] = (), *, lines: Sequence[str] = (), **more: Any
    ) -> Delivered[WriteCommand]:  # fmt: skip
        """With a payment for each of the children."""
        document = {
            "key": record, "party": party, "total": total, "lines": [{"amount": one} for one in lines or [total]],
            "children": [{"ext": one, "kind": "payment", "amount": total} for one in children],
        }  # fmt: skip
        void = {"void": more.pop("void")} if "void" in more else {}
        return self.command(ORDER, record, document | void, needs=[party], **more)

    def activity(self, party: str, *lines: dict[str, str], slot: str = "calls", **more: Any) -> Delivered[WriteCommand]:
        document = {"note": f"{party}/{slot}", "party": party, "slot": slot, "lines": list(lines)}
        return self.command(ACTIVITY, f"{party}-{slot}", document, needs=[party], **more)

    def activity_of(self, id: str, *lines: dict[str, str]) -> Delivered[WriteCommand]:
        """Of a source that knows the note by its own id."""
        return self.command(ACTIVITY, id, {"note": id, "id": id, "lines": list(lines)})

    def command(
        self, entity: Entity, record: str, document: dict[str, Any], *, needs: Sequence[str] = (), revision: int | None = None,
        wish: str = "present", place: str = "", lane: Lane = Lane.LIVE, skip: str = "", of: Entity | None = None,
    ) -> Delivered[WriteCommand]:  # fmt: skip
        if revision is None:
            self.revisions[entity, record] += 1
        number = revision or self.revisions[entity, record]
        command = WriteCommand.model_validate(
            {"id": CommandId(f"{entity}-{record}-{number}"), "sync": SyncId("s1"), "entity": entity, "record": RecordId(record),
             "source": ConnectionId("shop"), "target": ConnectionId("ledger"), "place": place or self.place,
             "target_entity": _BECOMES[of or entity], "revision": number, "mapping_version": 1, "wish": wish, "document": document,
             "skip": skip, "lane": lane, "happened_at": self.clock.now(),
             "needs": [RecordRef(entity=CUSTOMER, record=RecordId(one)) for one in needs]}
        )  # fmt: skip
        self.offset += 1
        raw = RawRecord("commands.ledger", 0, self.offset, b"k", command.model_dump_json().encode(), (), 0)
        return Delivered(command, raw)

    async def want(self, *batch: Delivered[WriteCommand]) -> None:
        """The intake's transaction."""
        handler = CommandHandler(
            commands("ledger"), SERVICE, VENDOR.targets, clock=self.clock, metrics=Metrics(), wake=lambda: None
        )
        async with transaction(self.pool) as tx:
            await handler.store(batch, tx)
        await handler.after(batch)

    # --- what is so

    async def rows(self, query: str, *args: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(query, *args))

    async def execute(self, query: str, *args: Any) -> None:
        async with transaction(self.owner) as tx:
            await tx.execute(query, *args)

    async def item(self, record: str) -> Any:
        (row,) = await self.rows("select * from flow.work_item where record = $1", record)
        return row

    async def journal(self, record: str, step: str) -> list[Any]:
        return await self.rows("select * from flow.journal where record = $1 and step = $2 order by id", record, step)

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str, within: float = 90.0) -> None:
        deadline = time.monotonic() + patient(within)
        while not await condition():
            assert time.monotonic() < deadline, f"{what}; {await self.shown()}"
            await asyncio.sleep(0.05)

    async def quiet(self, *states: str, within: float = 90.0) -> None:
        """Until every row has come to rest; `states` are those that may rest besides the closed ones."""
        resting = ["done", "dead", "parked", *states]

        async def rests() -> bool:
            return not await self.rows(AT_WORK, resting)

        await self.until(rests, "the work did not come to rest", within)

    async def settled(self, *states: str, executors: int = 1, within: float = 90.0) -> None:
        """Runs executors until all is quiet."""
        async with self.running(executors):
            await self.quiet(*states, within=within)

    async def time_passes(self) -> None:
        """Every hold's horizon is over."""
        await self.execute("update flow.work_item set hold_until = now() - interval '1 second' where state = 'hold'")

    async def shown(self) -> str:
        """Where the work is: how much of each kind in each state, who waits for what is there, and what has not come to rest."""
        counts = await self.rows("select entity, state, count(*) from flow.work_item group by 1, 2 order by 1, 2")
        missed = await self.rows(_AWAITING_FOR_NOTHING)
        told = [
            "states: " + ", ".join(f"{row['count']} {row['entity']} {row['state']}" for row in counts),
            "awaiting what is linked, or nothing: " + ", ".join(row["record"] for row in missed),
            *(" ".join(str(value) for value in row) for row in await self.rows(_AT_WORK)),
        ]
        return "\n".join(told)

    # --- the ledger

    def records(self, entity: str) -> list[dict[str, Any]]:
        return self.ledger.records(self.place, entity)

    def text(self, id: str) -> str:
        notes = self.ledger.state()["organisations"][self.place]["note"]
        return str(notes.get(id, {}).get("text", ""))

    def writes(self) -> list[str]:
        """Which entities were written, call by call."""
        return [call["entity"] for call in self.ledger.calls() if call["route"] == "write"]


async def open_ledger_world(database: Database, ledger: LedgerProcess) -> LedgerWorld:
    """An empty ledger, and one sync into it."""
    ledger.reset()
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="writer", size=8)
    world = LedgerWorld(pool, owner, ledger)
    await world.execute(f"truncate {TABLES} cascade")
    for name, vendor in (("shop", "shop"), ("ledger", "ledger")):
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, $2, $1, 'active', $3, $4, now(), now())""",
            name, vendor, {"account": name}, f"{vendor}:{name}",
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('s1', 's1', 't', 'shop', 'ledger', 'active', now(), now())"""
    )
    for leg, entity in _BECOMES.items():
        await world.execute(
            """insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place)
               values ('s1', $1, 'shop', $1, 'ledger', $2, '')""",
            leg, entity,
        )  # fmt: skip
    return world


async def close_ledger_world(world: LedgerWorld) -> None:
    await close_pool(world.pool)
    await close_pool(world.owner)
