"""Records of a whole account wait for company until a call of theirs is full, or nobody else comes; whoever is live goes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from common.bus.handler import Delivered
from common.contracts.ids import ConnectionId, Entity, RunId, SyncId
from common.contracts.messages import Lane, WriteCommand
from common.state import run_ends, runs
from common.state.polls import Polled
from common.state.pool import transaction
from common.state.runs import Entering, LineKey, Run
from tests.integration.writing.test_filling import rows_of
from tests.support.writing import World
from writing import company

RUN = RunId("s1.backfill.1")
BOOKS = Polled(ConnectionId("books"), Entity("customer"), "")
FULL = 500


class Load:
    """A whole account, read page by page, as poller, mapper and intake would have it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.judged = 0

    async def begin(self) -> None:
        now = self._world.clock.now()
        async with transaction(self._world.pool) as tx:
            await runs.begin(tx, [Run(RUN, SyncId("s1"), "backfill")], now)
            await run_ends.will_read(tx, [RUN], [BOOKS])

    async def page(self, many: int, *, arrived: bool = True) -> list[WriteCommand]:
        """So many records are judged; those that have `arrived` are in the queue."""
        numbers = range(self.judged, self.judged + many)
        self.judged += many
        made = [self._world.command(f"r{n}", f"r{n}@ex.org", lane=Lane.BACKFILL) for n in numbers]
        commands = [Delivered(one.message.model_copy(update={"run": RUN}), one.record) for one in made]
        lines = [
            Entering(RUN, LineKey(one.sync, one.entity, one.record, one.revision)) for one in (c.message for c in commands)
        ]  # fmt: skip
        async with transaction(self._world.pool) as tx:
            await runs.enter(tx, lines, self._world.clock.now())
        if arrived:
            await self._world.store(*commands)
        self.last = commands
        return [one.message for one in commands]

    async def ends(self, more: int = 0) -> None:
        """The listing has ended; of what was read, `more` are not judged yet."""
        await self._world.execute(
            "update flow.run_source set records_read = $2, ended_at = now() where run = $1", RUN, self.judged + more
        )

    async def arrives(self) -> None:
        await self._world.store(*self.last)


@pytest.fixture
async def load(world: World) -> Load:
    load = Load(world)
    await load.begin()
    return load


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    with patch.object(company, "WITHIN_S", seconds):
        yield


async def looked_round(world: World) -> None:
    """Until the writers that run have looked at the queue again: a live record shows it, and goes at once."""
    record = f"live{len(world.calls())}"
    await world.want(record, f"{record}@ex.org")

    async def written() -> bool:
        return bool((await world.item(record))["state"] == "done")

    await world.until(written, "the live record is written")


class TestWaiting:
    async def test_until_the_last_page_is_in(self, world: World, load: Load) -> None:
        with patience(60):
            async with world.running():
                for _ in range(3):
                    await load.page(20)
                    await looked_round(world)
                assert rows_of(world) == [1, 1, 1]
                await load.ends()
                await world.quiet()
        assert rows_of(world) == [1, 1, 1, 60]

    async def test_until_what_is_judged_has_arrived(self, world: World, load: Load) -> None:
        with patience(60):
            async with world.running():
                await load.page(20)
                await load.ends(more=10)
                await looked_round(world)
                assert rows_of(world) == [1]
                await load.page(10, arrived=False)
                await looked_round(world)
                assert rows_of(world) == [1, 1]
                await load.arrives()
                await world.quiet()
        assert rows_of(world) == [1, 1, 30]

    async def test_until_a_call_is_full(self, world: World, load: Load) -> None:
        with patience(60):
            async with world.running():
                await load.page(FULL - 1)
                await looked_round(world)
                await load.page(200)
                await world.until(lambda: _sent(world, FULL), "a full call leaves")
                await looked_round(world)
                assert sorted(rows_of(world)) == [1, 1, FULL]
                await load.ends()
                await world.quiet()
        assert sorted(rows_of(world)) == [1, 1, 199, FULL]

    async def test_and_no_longer_than_a_while(self, world: World, load: Load) -> None:
        async with world.running():
            with patience(1):
                await load.page(20)
                await world.quiet()
            # Whoever comes then waits as long.
            with patience(60):
                await load.page(20)
                await looked_round(world)
                assert rows_of(world) == [20, 1]
            with patience(1):
                await world.quiet()
        assert rows_of(world) == [20, 1, 20]


class TestNobodyElse:
    async def test_a_record_that_is_changed_meanwhile_goes_at_once(self, world: World, load: Load) -> None:
        with patience(60):
            async with world.running():
                await load.page(20)
                await looked_round(world)
                await world.want("r7", "r7@ex.org", FNAME="Now")
                await world.until(lambda: _done(world, "r7"), "it is written")
                assert rows_of(world) == [1, 1]
                await load.ends()
                await world.quiet()
        assert rows_of(world) == [1, 1, 19]
        assert world.member("r7@ex.org")["merge_fields"]["FNAME"] == "Now"

    async def test_what_is_of_no_run_that_goes_on_goes_at_once(self, world: World, load: Load) -> None:
        with patience(60):
            async with world.running():
                await load.page(20)
                await looked_round(world)
                # As a detail that was read later, and as a repair.
                await world.want("late", "late@ex.org", lane=Lane.BACKFILL)
                await world.until(lambda: _done(world, "late"), "it is written")
                assert rows_of(world) == [1, 1]
                await load.ends()
                await world.quiet()
        assert rows_of(world) == [1, 1, 20]

    async def test_what_a_person_replays_goes_at_once(self, world: World, load: Load) -> None:
        await world.want("again", "again@ex.org")
        await world.settled()
        replayed = world.command("again", "again@ex.org", revision=1, lane=Lane.REPLAY, replay="p1")
        with patience(60):
            async with world.running():
                await load.page(20)
                await looked_round(world)
                await world.store(Delivered(replayed.message.model_copy(update={"run": RUN}), replayed.record))
                await world.until(lambda: _done(world, "again"), "it is replayed")
                assert rows_of(world) == [1, 1]
                await load.ends()
                await world.quiet()
        assert rows_of(world) == [1, 1, 20]

    async def test_work_of_a_run_that_is_over_goes_at_once(self, world: World, load: Load) -> None:
        with patience(60):
            await load.page(20)
            async with transaction(world.pool) as tx:
                await runs.close(tx, RUN, world.clock.now())
            await world.settled()
        assert rows_of(world) == [20]


async def _done(world: World, record: str) -> bool:
    return bool((await world.item(record))["state"] == "done")


async def _sent(world: World, rows: int) -> bool:
    return rows in rows_of(world)
