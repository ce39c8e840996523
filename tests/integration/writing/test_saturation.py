"""An account that is used to its last place: two writers with a budget each, two syncs, and somebody else's application beside them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from common.contracts.messages import Lane
from common.http.attempts import CallAttempt
from common.http.budget import MeteredBudget
from common.http.door import Door
from common.http.meter import Meter, open_redis
from common.secret import SecretUrl
from common.state.budget_floors import BudgetFloors
from tests.support.valkey_server import ValkeyServer
from tests.support.writing import LIST, STRICT, Key, World
from vendors import mailchimp
from vendors.mailchimp.members import subscriber_hash

# Long beside what a busy machine adds to a call.
CALL_S = 1.0
OURS = 8
WRITE = "PATCH /lists/{list_id}/members/{subscriber_hash}"
SYNCS: Mapping[str, Mapping[str, str]] = {
    "s1": {"place": LIST},
    "s3": {"place": STRICT, "target": "chimp3", "CUSTNO": "7"},
}


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "valkey").start()
    yield server
    server.kill()


@dataclass
class Used:
    """When our calls were under way."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    def attempted(self, attempt: CallAttempt) -> None:
        now = time.monotonic()
        self.spans.append((now - attempt.duration_s, now))

    def share(self) -> float:
        """Of our places, from the moment in which all are taken until the last call begins."""
        begun = sorted(began for began, _ in self.spans)
        full, last = begun[OURS - 1], begun[-1]
        inside = (min(ended, last) - max(began, full) for began, ended in self.spans)
        return sum(max(0.0, one) for one in inside) / (OURS * (last - full))


@dataclass
class Neighbour:
    """Another application with the same key: so many calls at once, all the time."""

    world: World
    at_once: int
    answers: Counter[int] = field(default_factory=Counter)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        address = f"{self.world.sandbox.base_url}/mailchimp/us6/3.0"
        headers = {"authorization": f"Bearer {self.world.account['api_key']}"}
        async with httpx.AsyncClient(headers=headers, timeout=30, trust_env=False, verify=False) as client:
            calling = [asyncio.create_task(self._call(client, f"{address}/ping")) for _ in range(self.at_once)]
            try:
                yield
            finally:
                for one in calling:
                    one.cancel()
                await asyncio.gather(*calling, return_exceptions=True)

    async def _call(self, client: httpx.AsyncClient, address: str) -> None:
        while True:
            self.answers[(await client.get(address)).status_code] += 1


@asynccontextmanager
async def at_work(world: World, valkey: ValkeyServer, many: int = 2) -> AsyncIterator[Used]:
    """Writers, each with a door, a budget and connections of its own, as processes have."""
    used, stopping = Used(), asyncio.Event()
    async with AsyncExitStack() as life:
        writers = [world.writer(await _door(world, valkey, used, life)) for _ in range(many)]
        jobs = [one.worker for one in writers]
        tasks = [asyncio.create_task(one.run(stopping)) for one in (*jobs, *(one.lease_renewer for one in writers))]
        tasks += [asyncio.create_task(one.listen(stopping)) for one in jobs]
        try:
            yield used
        finally:
            stopping.set()
            for one in jobs:
                one.wake()
            await asyncio.gather(*tasks)


async def _door(world: World, valkey: ValkeyServer, used: Used, life: AsyncExitStack) -> Door:
    redis = open_redis(SecretUrl(valkey.url))
    life.push_async_callback(redis.aclose)
    budget = MeteredBudget(Meter(redis, world.clock), BudgetFloors(world.pool), world.clock)
    life.push_async_callback(budget.aclose)
    door = Door(
        Key(world.account["api_key"]),
        budget,
        world.clock,
        {"mailchimp": f"{world.sandbox.base_url}/mailchimp"},
        sink=used,
    )
    life.push_async_callback(door.aclose)
    return door


def email(sync: str, number: int) -> str:
    return f"{sync}-{number}@ex.org"


@pytest.fixture
async def synced(world: World) -> World:
    """Two syncs by two connections to the same login, with members that are there; every call takes a while from now on."""
    await world.connect("chimp3", mailchimp.VENDOR)
    await world.join("s3", target="chimp3", place=STRICT)
    await want(world, range(60), Lane.LIVE, "Before")
    await world.settled(within=60)
    world.fault("latency", seconds=CALL_S)
    return world


async def want(world: World, numbers: Iterable[int], lane: Lane, name: str) -> None:
    """Of both syncs."""
    await world.store(
        *(
            world.command(str(number), email(sync, number), sync=sync, lane=lane, FNAME=name, **where)
            for number in numbers
            for sync, where in SYNCS.items()
        )
    )


def writes(world: World) -> list[dict[str, Any]]:
    return [call for call in world.calls() if call["route"] == WRITE]


async def begun(world: World, many: int) -> None:
    async def enough() -> bool:
        return len(writes(world)) >= many

    await world.until(enough, f"{many} calls have begun", within=80)


class TestAnAccountUsedToItsLastPlace:
    async def test_all_of_ours_is_used_and_nothing_of_others_and_live_goes_first_and_backfill_last(
        self, synced: World, valkey: ValkeyServer, record_property: Any
    ) -> None:
        world, neighbour = synced, Neighbour(synced, 2)
        async with neighbour.at_work(), at_work(world, valkey) as used:
            await want(world, range(40), Lane.BACKFILL, "Backfilled")
            await begun(world, 2 * OURS)
            await want(world, range(40, 50), Lane.REPLAY, "Replayed")
            await want(world, range(50, 53), Lane.LIVE, "Live")
            since = time.monotonic_ns()
            await world.quiet(within=60)
        share = used.share()
        record_property("share_of_ours", round(share, 4))
        print(f"share of ours used {share:.3f}, {len(used.spans)} calls, the neighbour's {dict(neighbour.answers)}")
        assert refused(world) == [] and set(neighbour.answers) == {200}
        assert share >= 0.95
        lanes = in_order(world, since)
        print(" ".join(lanes))
        # What was under way, or on its way, is let go first.
        assert lanes[: lanes.index("live")].count("backfill") <= OURS
        assert before_the_last(lanes, "live").count("backfill") <= OURS
        assert before_the_last(lanes, "replay").count("backfill") <= 2 * OURS
        assert lanes[-OURS:] == ["backfill"] * OURS

    async def test_one_writer_alone_lets_a_replay_go_before_a_backfill_that_it_has_begun(
        self, synced: World, valkey: ValkeyServer
    ) -> None:
        world = synced
        async with at_work(world, valkey, 1):
            await want(world, range(40), Lane.BACKFILL, "Backfilled")
            await begun(world, 2 * OURS)
            await want(world, range(40, 50), Lane.REPLAY, "Replayed")
            since = time.monotonic_ns()
            await world.quiet(within=60)
        assert before_the_last(in_order(world, since), "replay").count("backfill") <= 2 * OURS

    async def test_a_valkey_that_was_killed_and_has_forgotten_everything_costs_nobody_a_refusal(
        self, synced: World, valkey: ValkeyServer
    ) -> None:
        world, neighbour = synced, Neighbour(synced, 2)
        async with neighbour.at_work(), at_work(world, valkey):
            await want(world, range(40), Lane.BACKFILL, "Backfilled")
            await begun(world, 2 * OURS)
            valkey.kill()
            # What is under way goes on; the last two of these go by turns.
            await begun(world, len(writes(world)) + OURS + 2)
            valkey.start()
            await world.quiet(within=60)
        assert refused(world) == [] and set(neighbour.answers) == {200}
        assert {one["merge_fields"]["FNAME"] for one in map_of(world, range(40))} == {"Backfilled"}
        assert len(writes(world)) == 80


def map_of(world: World, numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [world.member(email(sync, n), where["place"]) for n in numbers for sync, where in SYNCS.items()]


def refused(world: World) -> list[Any]:
    return [(one["at"], one["route"], one["status"]) for one in world.calls() if one["status"] not in (200, 204)]


def in_order(world: World, since: int) -> list[str]:
    """The lanes of the calls that began after that moment."""
    lane = {subscriber_hash(email(sync, n)): _lane(n) for sync in SYNCS for n in range(60)}
    return [lane[one["path"].rpartition("/")[2]] for one in writes(world) if one["mono_ns"] > since]


def _lane(number: int) -> str:
    return "backfill" if number < 40 else "replay" if number < 50 else "live"


def before_the_last(lanes: list[str], lane: str) -> list[str]:
    return lanes[: len(lanes) - lanes[::-1].index(lane)]
