"""Two ledgers that are both edited, a sync with a leg each way between them, and the mapper and the writer of it in one process."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from common.bus.handler import Delivered
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.clock import SystemClock
from common.contracts.ids import VendorName
from common.contracts.messages import ChangeEvent, WriteCommand
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from common.contracts.topics import changes, commands
from common.metrics import Metrics
from common.state.configuration import ConfigurationReader
from common.state.definitions import to_jsonb
from common.state.pool import close_pool, open_pool, transaction
from console.state.links import LinkRow
from console.use_cases.bulk_reviews import BulkReviews
from console.use_cases.link_files import COLUMNS
from console.use_cases.links import Links
from console.use_cases.questions import Questions
from console.use_cases.reviews import Reviews
from mapper.handlers import ChangeHandler
from mapper.mappings import Mappings
from mapper.pair_settling import PairSettling
from mapper.publisher import Publisher
from mapper.remap import Remapper
from tests.support.database import Database
from tests.support.ledger.process import LedgerProcess
from tests.support.ledger.told import event, read
from tests.support.ledger.vendor import VENDOR
from tests.support.ledger.vendor.client import NAME
from tests.support.ledger.world import SERVICE, LedgerWorld
from tests.support.patience import patient
from vendors.registry import VENDORS
from vendors.vendor import Vendor
from writing.intake import CommandHandler

SIDES = ("left", "right")
FIELDS = ("email", "name", "city")
TABLES = """flow.work_item, flow.work_need, flow.target_lease, flow.target_owner, flow.pair, flow.pair_question, flow.target_record,
            flow.match_value, flow.match_fill, flow.match_ready, flow.match_again, flow.feeding, flow.run_record, flow.write_intent, flow.audit, flow.recheck, flow.journal, flow.wanted, flow.record_state, flow.read_request, flow.remap,
            core.gate, core.connection, core.sync"""


BY_ADDRESS = ({"left": "ref", "right": "id"}, {"left": "email", "right": "email", "unique": True})
"""A number of the other ledger's that somebody has entered on the left, else the address."""


def mapping(conflicts: dict[str, str] | None = None, match: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Both ways the same."""
    options = {"conflicts": conflicts or {}, **({"match": list(match)} if match else {})}
    rows = tuple(MappingRow(one, one, (Transform("trim"),), required=one == "email") for one in FIELDS)
    return to_jsonb(MappingDefinition(1, rows, key="email", on_delete="leave", on_filtered="leave", options=options))


@dataclass
class Both:
    """What people, hooks and services do, step by step."""

    world: LedgerWorld
    handler: ChangeHandler
    settling: PairSettling
    publisher: Publisher
    remapper: Remapper
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    heard: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    commands: list[WriteCommand] = field(default_factory=list)
    waiting: list[WriteCommand] = field(default_factory=list)

    @property
    def ledger(self) -> LedgerProcess:
        return self.world.ledger

    # --- people

    def make(self, side: str, **fields: str) -> str:
        (made,) = self.ledger.people({"org": side, "entity": "party", "op": "create", "set": fields})
        return str(made["record"]["id"])

    def edit(self, side: str, id: str, **fields: str) -> None:
        (answer,) = self.ledger.people({"org": side, "entity": "party", "id": id, "set": fields})
        assert "record" in answer, answer

    def delete(self, side: str, id: str) -> None:
        (answer,) = self.ledger.people({"org": side, "entity": "party", "id": id, "op": "delete"})
        assert "record" in answer, answer

    def later(self) -> None:
        """Into the next second: that is how far stamps tell apart."""
        time.sleep(1.05 - time.time() % 1)

    async def questions(self) -> list[Any]:
        """What is asked and not answered."""
        return list((await Questions(self.world.owner, self.world.clock).list(None, 100))[0])

    async def answer(self, asked: Any, winner: Any) -> None:
        await Questions(self.world.owner, self.world.clock).answer(asked["pair"], asked["field"], winner, "eva", "")

    @property
    def reviews(self) -> Reviews:
        links = Links(self.world.owner, self.world.clock)
        return Reviews(self.world.owner, links, self.world.clock)

    def bulk(self, step: int = 500) -> BulkReviews:
        return BulkReviews(self.world.owner, self.world.clock, step)

    async def exported(self) -> str:
        """Every link, as a file."""
        found, _ = await Links(self.world.owner, self.world.clock).list("", "", "", None, 100)
        return "\n".join(json.dumps({name: str(one[name]) for name in COLUMNS if one[name]}) for one in found)

    async def imported(self, links: str) -> None:
        await Links(self.world.owner, self.world.clock).import_file(links, "eva", "", dry_run=False)

    async def link(self, left: str, right: str) -> None:
        """By hand."""
        row = LinkRow(
            line=1, left_account="ledger:left", left_place="left", left_entity="party", left_id=left, left_key="",
            right_account="ledger:right", right_place="right", right_entity="party", right_id=right, right_key="", state="linked",
            rule="", since=None,
        )  # fmt: skip
        await Links(self.world.owner, self.world.clock).add(row, "eva", "", dry_run=False)

    async def forget_everything(self) -> None:
        """A fresh install, with the same connections and the same sync."""
        self.waiting = []
        await self.world.execute(f"truncate {TABLES} cascade")
        await prepare(self.world)

    async def until_held(self) -> None:
        """Until an outcome that nobody saw is waited out."""

        async def held() -> bool:
            await self.turn()
            return bool(await self.world.rows("select from flow.work_item where state = 'hold'"))

        await self.world.until(held, "nothing is held")

    async def until_sent(self) -> None:
        """Until a write has begun."""

        async def sent() -> bool:
            await self.turn()
            return bool(await self.world.rows("select from flow.write_intent where state = 'sent'"))

        await self.world.until(sent, "nothing is sent")

    def parties(self, side: str) -> dict[str, dict[str, Any]]:
        """The living ones, by id, as far as they are merged."""
        records = self.ledger.records(side, "party")
        return {
            one["id"]: {name: one.get(name) for name in FIELDS if name in one}
            for one in records
            if not one.get("deleted")
        }

    def writes(self) -> int:
        """Calls of ours that change something."""
        return sum(call["route"] == "write" for call in self.ledger.calls())

    # --- the road

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        """As the topic; delivered with `intake`."""
        sent = [WriteCommand.model_validate_json(one.value) for one in messages]
        self.commands += sent
        self.waiting += sent

    def hooks(self) -> list[ChangeEvent]:
        """What happened since it was asked last."""
        found = []
        for side in SIDES:
            told = self.ledger.changes(side, self.heard[side])
            if told:
                self.heard[side] = max(one["number"] for one in told)
            found += [event(side, one) for one in told if one["entity"] == "party"]
        return found

    async def hear(self, *events: ChangeEvent) -> None:
        batch = [Delivered(one, RawRecord("changes.ledger", 0, at, b"k", b"", (), 0)) for at, one in enumerate(events)]
        if batch:
            async with transaction(self.world.pool) as tx:
                await self.handler.store(batch, tx)
            await self.handler.after(batch)

    async def reads(self) -> bool:
        """Whoever was asked for is read, and heard of."""
        events = await self.answers()
        await self.hear(*events)
        return bool(events)

    async def both_read(self) -> None:
        """As if both first lists had ended, and all whom they told of had been heard of; then everybody is judged."""
        await self.world.execute(
            "insert into flow.feeding (connection, entity, place, wanted_at, ready_at) select c, 'party', '', now(), now() "
            "from unnest(array['left', 'right']) as c on conflict do nothing"
        )
        while await self.remapper.step():
            pass

    async def answers(self) -> list[ChangeEvent]:
        """Reads by id of those that were asked for, once their second is over."""
        async with transaction(self.world.owner) as tx:
            rows = await tx.fetch(
                "delete from flow.read_request where not_before <= $1 returning *", self.world.clock.now()
            )
        return [
            read(row["connection"], row["record"], self.ledger.read(row["connection"], "party", row["record"])[0])
            for row in rows
        ]

    async def intake(self) -> bool:
        taken, self.waiting = self.waiting, []
        handler = CommandHandler(
            commands("ledger"), SERVICE, VENDOR.targets, clock=self.world.clock, metrics=Metrics(), wake=lambda: None
        )
        batch = [Delivered(one, RawRecord("commands.ledger", 0, at, b"k", b"", (), 0)) for at, one in enumerate(taken)]
        if batch:
            async with transaction(self.world.pool) as tx:
                await handler.store(batch, tx)
        return bool(batch)

    async def turn(self) -> bool:
        """Everything that the services have to do now; False when it was nothing."""
        hooks = self.hooks()
        await self.hear(*hooks)
        moved = [bool(hooks), await self.reads(), await self.settling.step(), await self.intake()]
        return any(moved)

    async def quiet(self, within: float = 90.0) -> None:
        """Until nothing moves any more."""
        deadline = time.monotonic() + patient(within)
        async with self.world.running():
            while await self.turn() or await self.busy():
                assert time.monotonic() < deadline, await self.shown()
                await asyncio.sleep(0.05)

    async def busy(self) -> bool:
        """Whether somebody has still something to do."""
        (row,) = await self.world.rows(
            """select exists (select from flow.work_item where state not in ('done', 'dead', 'parked'))
                   or exists (select from flow.read_request) or exists (select from flow.match_again) or exists (select from flow.pair where owed) as busy"""
        )
        return bool(row["busy"])

    async def shown(self) -> str:
        items = await self.world.rows(
            "select entity, record, state, revision, document, target_key, code, message from flow.work_item"
        )
        pairs = await self.world.rows("select left_id, right_id, state, owed, seen, agreed, judgement from flow.pair")
        asked = await self.world.rows("select * from flow.read_request")
        return "\n".join(str(tuple(row)) for row in (*items, *pairs, *asked))

    async def pairs(self) -> list[tuple[str, str, str]]:
        rows = await self.world.rows("select left_id, right_id, state from flow.pair order by left_id, right_id")
        return [tuple(row) for row in rows]


@asynccontextmanager
async def both(
    database: Database,
    ledger: LedgerProcess,
    conflicts: dict[str, str] | None = None,
    *,
    match: Sequence[dict[str, Any]] = (),
    filter: str = "",
    **places: Any,
) -> AsyncIterator[Both]:
    """Two empty ledgers."""
    ledger.reset(*({"id": side, **places.get(side, {})} for side in SIDES))
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="services", size=10)
    world = LedgerWorld(pool, owner, ledger, clock=SystemClock())
    await world.execute(f"truncate {TABLES} cascade")
    await prepare(world, conflicts, match, filter)
    registry = cast(dict[VendorName, Vendor], VENDORS)
    registry[NAME] = VENDOR
    configuration, mappings = ConfigurationReader(), Mappings()
    made = Both(world, *[cast(Any, None)] * 4)
    made.publisher = Publisher(pool, made, configuration)
    made.handler = ChangeHandler(
        changes("ledger"), clock=world.clock, configuration=configuration, mappings=mappings, publisher=made.publisher,
        settle=timedelta(seconds=1),
    )  # fmt: skip
    made.settling = PairSettling(pool, world.clock, configuration, mappings, made.publisher)
    made.remapper = Remapper(pool, world.clock, configuration, mappings, made.publisher)
    try:
        yield made
    finally:
        del registry[NAME]
        await close_pool(pool)
        await close_pool(owner)


async def prepare(
    world: LedgerWorld, conflicts: dict[str, str] | None = None, match: Sequence[dict[str, Any]] = (), filter: str = ""
) -> None:
    """Two connections, and a sync with a leg each way."""
    for side in SIDES:
        await world.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, 'ledger', $1, 'active', $2, $3, now(), now())""",
            side, {"account": side}, f"ledger:{side}",
        )  # fmt: skip
    await world.execute(
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ('s1', 's1', 't', 'left', 'right', 'active', now(), now())"""
    )
    for name, direction, source, target in (("there", "forward", *SIDES), ("back", "back", *reversed(SIDES))):
        await world.execute(
            """insert into core.leg (sync, name, direction, source_connection, source_entity, target_connection, target_entity,
                                     target_place, position)
               values ('s1', $1, $2, $3, 'party', $4, 'party', $4, 0)""",
            name, direction, source, target,
        )  # fmt: skip
        await world.execute(
            "insert into core.mapping_version (sync, leg, version, definition, created_at) values ('s1', $1, 1, $2, now())",
            name, mapping(conflicts, match) | {"filter": filter},
        )  # fmt: skip
    await world.execute("update core.leg set mapping_version = 1")
