"""Parents, children and notes in thousands, with kill -9 at every failpoint of the writer, ghosts, late commits and look-ups that lag.

LEDGER_PARENTS says how many: of each place, with unique keys and without, twice as many documents and three notes each. 1000 is the size of
the promise: 2,000 parents, 4,000 documents, 6,000 notes.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from common.bus.handler import Delivered
from common.contracts.messages import WriteCommand
from common.failpoints import POINTS
from tests.support.ledger.judge import Lines, Order, Wished, problems
from tests.support.ledger.service import LedgerService
from tests.support.ledger.vendor import VENDOR
from tests.support.ledger.world import LedgerWorld, line
from vendors.block import BlockLine

PARENTS = int(os.environ.get("LEDGER_PARENTS", "20"))
# Only a stall may end it early, however slow the machine is: each death, each call and each record that is done is a step.
STILL_S, WITHIN_S = 90, 600 + 6 * PARENTS
PLACES = ("keyed", "plain")
SLOTS = ("calls", "mail", "visits")
# Records of each number: in each place a party, its documents and its notes. So many parties come again when a point has killed nobody yet.
EACH, MORE = len(PLACES) * (1 + 2 + len(SLOTS)), 5
OF_THE_WRITER = ("executor.", "settle.", "intake.", "bus.before_store", "bus.after_store")
KILLS = ";".join(f"{name}=kill*1" for name in POINTS if name.startswith(OF_THE_WRITER))
FAULTS: list[dict[str, Any]] = [
    {"kind": "ghost", "share": 0.08, "seed": 1}, {"kind": "late", "share": 0.04, "seconds": 1.0, "seed": 2},
    {"kind": "half", "share": 0.03, "seed": 3}, {"kind": "broken", "share": 0.03, "seed": 4},
    {"kind": "failed", "share": 0.02, "seed": 5}, {"kind": "throttled", "route": "*", "share": 0.02, "seed": 6, "times": 5},
]  # fmt: skip
Typed = dict[tuple[str, str], tuple[str, ...]]
# Each death counts as an attempt of what it held, and a row of six attempts is left alone for a minute: here a look-up's lag has to do.
_NO_LONGER_THAN_A_LAG = """
update flow.work_item set due_at = changed_at + $1 where state = 'waiting' and due_at > changed_at + $1
"""


def shown(number: int) -> str:
    """A line as it stands in a note."""
    told = line(number)
    return str(BlockLine(datetime.fromisoformat(told["at"]), told["id"], told["words"]))


def parents(place: str, numbers: range) -> list[str]:
    return [f"{place}{n}" for n in numbers]


def orders(place: str, numbers: range) -> dict[str, str]:
    """Two of each party."""
    return {f"{place}-o{n}-{turn}": f"{place}{n}" for turn in range(2) for n in numbers}


def commands_of(world: LedgerWorld, numbers: range) -> list[Delivered[WriteCommand]]:
    """Of each place, in any order."""
    batch: list[Delivered[WriteCommand]] = []
    for place in PLACES:
        world.place, its = place, parents(place, numbers)
        batch += [world.customer(one) for one in its]
        batch += [world.order(key, party, children=[f"pay-{key}"]) for key, party in orders(place, numbers).items()]
        batch += [world.activity(one, line(1), line(2), slot=slot) for one in its for slot in SLOTS]
    random.Random(7).shuffle(batch)
    return batch


def wished(place: str, numbers: range, typed: Typed) -> Wished:
    """What the judge compares with the ledger."""
    of = orders(place, numbers)
    return Wished(
        {f"{one}@ex.org": {} for one in parents(place, numbers)},
        [Order(key, f"{party}@ex.org", {"status": "posted"}, (f"pay-{key}",)) for key, party in of.items()],
        [
            Lines(f"{one}@ex.org", slot, (shown(1), shown(2)), typed.get((one, slot), ()))
            for one in parents(place, numbers)
            for slot in SLOTS
        ],
    )


@dataclass
class Pace:
    """Whether something still happens."""

    began: float = field(default_factory=time.monotonic)
    at: tuple[int, ...] = ()
    since: float = 0.0

    def step(self, *at: int) -> None:
        if at != self.at:
            self.at, self.since = at, time.monotonic()

    def holds(self) -> bool:
        return time.monotonic() - self.since < STILL_S and time.monotonic() - self.began < WITHIN_S


@pytest.mark.timeout(WITHIN_S + 120)
class TestThousands:
    async def test_are_each_there_once_and_children_after_their_parents(
        self, world: LedgerWorld, service: LedgerService
    ) -> None:
        for place in PLACES:
            world.ledger.arrange(place, lag_s=0.5)
        world.ledger.faults(*FAULTS)
        began = time.monotonic()
        numbers, typed = await self._through(world, service)
        service.ended()
        assert service.deaths == len(KILLS.split(";")), service.log
        state = world.ledger.state()
        for place in PLACES:
            assert problems(state, place, wished(place, numbers, typed)) == []
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []
        assert await world.rows("select from flow.work_need") == []
        calls, took = len(world.ledger.calls()), time.monotonic() - began
        print(
            f"{len(numbers)} parties a place in {took:.0f} s, {calls} calls, {service.deaths} deaths, {sum(map(len, typed.values()))} words typed"
        )

    async def _through(self, world: LedgerWorld, service: LedgerService) -> tuple[range, Typed]:
        """Until all is through and each point has killed, with one process that is started again whenever it ends; a person types meanwhile.

        The first records may be through before a process came by at each point, or lived long enough to read its topic again: then come more.
        """
        armed = {"MILLRACE_FAILPOINTS": KILLS, "MILLRACE_FAILPOINTS_LOG": str(service.folder / "failpoints.log")}
        numbers, typed, chance, pace = range(0), Typed(), random.Random(11), Pace()
        service.start(**armed)
        while (done := await self._done(world))[0] < len(numbers) * EACH or service.deaths < len(KILLS.split(";")):
            if done[0] == len(numbers) * EACH:
                more = range(len(numbers), len(numbers) + (MORE if numbers else PARENTS))
                await service.publish(commands_of(world, more))
                numbers = range(more.stop)
            pace.step(len(numbers), *done, service.deaths)
            assert pace.holds(), f"{pace}; {await world.shown()} {service.log}"
            if service.ended():
                # What a dead process held is anybody's at once; its intents are still held to the horizon.
                await world.execute(
                    "update flow.work_item set lease_until = now() - interval '1 second' where token is not null"
                )
                service.start(**armed)
            await world.execute(_NO_LONGER_THAN_A_LAG, VENDOR.profile.read_lag)
            self._type(world, chance, typed)
            await asyncio.sleep(0.3)
        return numbers, typed

    async def _done(self, world: LedgerWorld) -> tuple[int, int]:
        """Records that are through, and calls that were begun."""
        (row,) = await world.rows(
            "select (select count(*) from flow.work_item where state = 'done') as done, (select count(*) from flow.write_intent) as begun"
        )
        return row["done"], row["begun"]

    def _type(self, world: LedgerWorld, chance: random.Random, typed: Typed) -> None:
        """Into the note of a party that is there: ids go up from 1."""
        place, slot, id = chance.choice(PLACES), chance.choice(SLOTS), f"P{chance.randrange(PARENTS) + 1}"
        (found,) = world.ledger.read(place, "party", id)
        if found is not None:
            words, who = f"called {chance.random()}", found["email"].partition("@")[0]
            world.ledger.people({"org": place, "entity": "note", "id": f"{id}/{slot}", "text": words})
            typed[who, slot] = (*typed.get((who, slot), ()), words)
