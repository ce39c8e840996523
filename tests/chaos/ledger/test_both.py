"""Two ledgers kept in step over Kafka and PostgreSQL while people edit both, with kill -9 at every failpoint of mapper and writer.

PAIRS says how many pairs, SEED which chances. Outcomes that nobody saw, hooks that come twice and in any order, writes that land late: equal when quiet, no edit
lost that the journal does not tell of, and then no more writes.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from common.contracts.messages import ChangeEvent
from common.contracts.topics import changes
from common.failpoints import POINTS
from tests.support.bus import plain_producer
from tests.support.database import Database
from tests.support.groups import from_now_on, of_mapper, of_writer, unread
from tests.support.ledger.both import FIELDS, SIDES, Both, both
from tests.support.ledger.history import history
from tests.support.ledger.process import LedgerProcess, ledger_process
from tests.support.ledger.service import LedgerService
from tests.support.local_stack import LocalStack
from tests.support.writer_service import broker

PAIRS = int(os.environ.get("PAIRS", "12"))
EDITS = 4 * PAIRS
WITHIN_S = 300 + 2 * PAIRS
WRITER = ("executor.", "settle.", "intake.")
MAPPER = ("mapper.after_publish", "bus.")
SEED = int(os.environ.get("SEED", "1"))
FAULTS: list[dict[str, Any]] = [
    {"kind": "ghost", "share": 0.08, "seed": SEED}, {"kind": "late", "share": 0.04, "seconds": 1.0, "seed": SEED + 1},
    {"kind": "half", "share": 0.03, "seed": SEED + 2}, {"kind": "lost", "share": 0.03, "seed": SEED + 3},
]  # fmt: skip


def kills(names: tuple[str, ...]) -> str:
    return ";".join(f"{name}=kill*1" for name in POINTS if name.startswith(names))


READ = [*of_mapper("ledger"), *of_writer("ledger")]


@dataclass
class People:
    """Who edits what, each edit with a value of its own."""

    world: Both
    chance: random.Random = field(default_factory=lambda: random.Random(SEED + 4))
    last: dict[tuple[str, str, str], str] = field(default_factory=dict)
    edits: int = 0

    async def edit(self) -> None:
        """Somebody, one field, on either side."""
        rows = await self.world.world.rows("select left_id, right_id from flow.pair where state = 'linked' order by id")
        if rows:
            row, side, name = self.chance.choice(rows), self.chance.choice(SIDES), self.chance.choice(FIELDS[1:])
            self.edits += 1
            value = f"{name} {self.edits}"
            self.world.edit(side, row[f"{side}_id"], **{name: value})
            self.last[side, row[f"{side}_id"], name] = value


@dataclass
class Road:
    """Mapper and writer, started again whenever they end; this process is what ingest is."""

    world: Both
    stack: LocalStack
    services: list[tuple[LedgerService, str]]
    chance: random.Random = field(default_factory=lambda: random.Random(SEED + 2))
    later: list[ChangeEvent] = field(default_factory=list)

    def start(self) -> None:
        for service, armed in self.services:
            service.start(
                MILLRACE_FAILPOINTS=armed, MILLRACE_FAILPOINTS_LOG=str(service.folder / f"{service.module}.points")
            )

    async def keep_up(self) -> None:
        for service, armed in self.services:
            if service.ended():
                await self.world.world.execute(
                    "update flow.work_item set lease_until = now() - interval '1 second' where token is not null"
                )
                service.start(
                    MILLRACE_FAILPOINTS=armed, MILLRACE_FAILPOINTS_LOG=str(service.folder / f"{service.module}.points")
                )

    async def tell(self) -> int:
        """Hooks in any order, some of them later, some twice; and the reads that were asked for."""
        hooks = self.world.hooks() + self.later
        self.chance.shuffle(hooks)
        cut = len(hooks) * 3 // 4 if len(hooks) > 2 else len(hooks)
        now, self.later = hooks[:cut], hooks[cut:]
        now += [one for one in now if self.chance.random() < 0.2]
        now += await self.world.answers()
        async with plain_producer(self.stack.kafka) as producer:
            for one in now:
                key = f"{one.connection}:{one.entity}:{one.record}".encode()
                await producer.send(changes("ledger").name, one.model_dump_json().encode(), key=key)
            await producer.flush()
        return len(now) + len(self.later)


@pytest.fixture
def ledger() -> Iterator[LedgerProcess]:
    with ledger_process() as started:
        yield started


@pytest.fixture
async def world(database: Database, ledger: LedgerProcess) -> AsyncIterator[Both]:
    async with both(database, ledger) as opened:
        yield opened


@pytest.fixture
def road(world: Both, database: Database, stack: LocalStack, tmp_path: Path) -> Iterator[Road]:
    with broker("k") as url:
        made = [
            (LedgerService(stack, database, world.ledger, url, tmp_path, module), kills(points))
            for module, points in (("tests.support.ledger.writer", WRITER), ("tests.support.ledger.mapper", MAPPER))
        ]
        yield Road(world, stack, made)
        for service, _ in made:
            service.stop()


@pytest.mark.timeout(WITHIN_S + 120)
class TestBothEdited:
    async def test_are_equal_when_quiet_and_lose_no_edit_and_then_write_no_more(self, world: Both, road: Road) -> None:
        await from_now_on(road.stack.kafka, READ)
        world.ledger.faults(*FAULTS)
        people, began = People(world), time.monotonic()
        for number in range(PAIRS):
            world.make(SIDES[number % 2], email=f"p{number}@ex.org", name=f"n{number}", city=f"c{number}")
        road.start()
        while people.edits < EDITS or not await self._quiet(world, road):
            assert time.monotonic() - began < WITHIN_S, await self._why(world, road)
            await road.keep_up()
            if people.edits < EDITS:
                await people.edit()
                await road.tell()
            await asyncio.sleep(0.2)
        found = await problems(world, people)
        assert not found, "\n".join(found)
        world.ledger.faults()
        before = world.writes()
        world.heard = dict.fromkeys(SIDES, 0)
        while not await self._quiet(world, road):
            assert time.monotonic() - began < WITHIN_S, await self._why(world, road)
            await asyncio.sleep(0.2)
        assert world.writes() == before, "a replay of everything writes nothing"
        await road.keep_up()
        deaths = [service.deaths for service, _ in road.services]
        assert deaths == [len(armed.split(";")) for _, armed in road.services]
        print(
            f"{PAIRS} pairs, {people.edits} edits, {before} writes, {deaths} deaths in {time.monotonic() - began:.0f} s"
        )

    async def _quiet(self, world: Both, road: Road) -> bool:
        """Nothing told, nothing to do, and Kafka has been read to its end: twice in a row, a little apart."""
        for _ in range(3):
            if await road.tell() or await unread(road.stack.kafka, READ) or await self._busy(world):
                return False
            await asyncio.sleep(0.4)
        return True

    async def _busy(self, world: Both) -> bool:
        """In the database: what is still to be done, published or taken in."""
        if await world.busy():
            return True
        rows = await world.world.rows("select from flow.wanted where revision > published_revision limit 1")
        told = await world.world.rows(
            """select from flow.wanted w left join flow.work_item i using (sync, entity, record)
                where i.revision is distinct from w.revision limit 1"""
        )
        return bool(rows or told)

    async def _why(self, world: Both, road: Road) -> str:
        return "\n".join([await world.shown(), *(service.log for service, _ in road.services)])


async def problems(world: Both, people: People) -> list[str]:
    """What is not as it was promised."""
    found = []
    there = {side: world.parties(side) for side in SIDES}
    pairs = await world.world.rows("select * from flow.pair where state = 'linked'")
    if not (len(pairs) == len(there["left"]) == len(there["right"]) == PAIRS):
        found.append(f"{len(pairs)} pairs of {len(there['left'])} and {len(there['right'])}")
    told = await world.world.rows("select before as its from flow.journal where reason like 'overridden%'")
    told += await world.world.rows("select after as its from flow.journal where step = 'applied'")
    known = {value for row in told for value in row["its"].values()}
    for row in pairs:
        ids = {side: row[f"{side}_id"] for side in SIDES}
        left, right = there["left"].get(ids["left"]), there["right"].get(ids["right"])
        wrong = list(_wrong(people, ids, left, right, known))
        found += [*wrong, await history(world, **ids)] if wrong else []
    return found


def _wrong(people: People, ids: dict[str, str], left: Any, right: Any, known: set[Any]) -> Iterator[str]:
    if left is None or left != right:
        yield f"{ids['left']} {left} is {right}"
        return
    for name in FIELDS[1:]:
        last = [people.last.get((side, ids[side], name)) for side in SIDES]
        if any(last) and left[name] not in last:
            yield f"{left[name]} is nobody's last edit: {last}"
        # An edit that does not stand is one that was at both sides before a later one, or one of which the journal tells.
        yield from (f"{one} is lost: {left[name]}" for one in last if one and one != left[name] and one not in known)
