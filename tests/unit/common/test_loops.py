"""A loop goes on whatever is away, says so when it is away for long, and raises what nobody can wait out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from common.failures import Failure, Transient
from common.health import NotReady
from common.loops import LONGEST_S, Loop

AWAY = asyncpg.ConnectionDoesNotExistError("postgresql://u:canary@h was closed in the middle of operation")
SURFACES = [asyncpg.UndefinedTableError("x"), asyncpg.DataError("x"), KeyError("x"), RuntimeError("x")]


class Steps:
    """Does what it is told, turn by turn; the last of it for ever."""

    def __init__(self, *turns: bool | Exception) -> None:
        self.turns, self.done = turns, 0

    async def __call__(self) -> bool:
        turn = self.turns[min(self.done, len(self.turns) - 1)]
        self.done += 1
        await asyncio.sleep(0)
        if isinstance(turn, Exception):
            raise turn
        return turn

    async def reach(self, done: int) -> None:
        async with asyncio.timeout(60):
            while self.done < done:  # noqa: ASYNC110 - the steps tell nobody
                await asyncio.sleep(0.001)


@asynccontextmanager
async def running(loop: Loop) -> AsyncIterator[asyncio.Event]:
    stopping = asyncio.Event()
    task = asyncio.create_task(loop.run(stopping))
    yield stopping
    stopping.set()
    await asyncio.wait_for(task, 60)


class TestLoop:
    async def test_goes_on_at_once_while_there_is_more_and_pauses_then(self) -> None:
        steps = Steps(True, True, True, False)
        async with running(Loop("reader", 600.0, steps)):
            await steps.reach(4)
            await asyncio.sleep(0.02)
        assert steps.done == 4

    async def test_a_pause_ends_when_it_is_woken(self) -> None:
        steps, woken = Steps(False), asyncio.Event()
        async with running(Loop("reader", 600.0, steps, woken=woken)):
            await steps.reach(1)
            woken.set()
            await steps.reach(2)

    async def test_what_comes_during_a_step_ends_the_pause_after_it(self) -> None:
        woken, turns = asyncio.Event(), 0

        async def step() -> None:
            nonlocal turns
            turns += 1
            if turns == 1:
                woken.set()

        async with running(Loop("reader", 600.0, step, woken=woken)), asyncio.timeout(60):
            while turns < 2:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)

    async def test_its_pauses_are_longer_after_a_while_with_nothing_to_do_until_it_is_woken(self) -> None:
        steps, woken = Steps(False), asyncio.Event()
        loop = Loop("reader", 0.001, steps, woken=woken, calm_s=600.0, calm_after_s=1.0)
        async with running(loop):
            await steps.reach(5)
            await no_more(steps)
            woken.set()
            await steps.reach(steps.done + 5)

    async def test_what_it_finds_and_what_was_away_makes_its_pauses_short_again(self) -> None:
        for turn in (True, AWAY):
            steps, woken = Steps(False, turn, False), asyncio.Event()
            loop = Loop("reader", 0.001, steps, woken=woken, calm_s=600.0, calm_after_s=60.0)
            loop._busy = float("-inf")
            async with running(loop):
                await steps.reach(1)
                assert loop._pause() > 1.0
                woken.set()
                await steps.reach(3)
                assert loop._pause() < 1.0

    async def test_a_stop_ends_any_pause(self) -> None:
        for turn in (False, AWAY):
            steps = Steps(turn)
            async with running(Loop("reader", 600.0, steps)):
                await steps.reach(1)

    @pytest.mark.parametrize(
        "error",
        [AWAY, OSError("refused"), TimeoutError(), Transient("BROKER_UNAVAILABLE", "No Kafka broker answers.")],
        ids=repr,
    )
    async def test_what_is_away_is_waited_for(self, error: Exception) -> None:
        steps = Steps(error, error, False)
        loop = Loop("reader", 0.001, steps)
        async with running(loop):
            await steps.reach(4)
            assert await loop.look() is None

    @pytest.mark.parametrize("error", SURFACES, ids=repr)
    async def test_what_nobody_can_wait_out_is_raised(self, error: Exception) -> None:
        with pytest.raises(type(error)):
            await asyncio.wait_for(Loop("reader", 0.001, Steps(False, error)).run(asyncio.Event()), 5)

    async def test_waits_longer_each_time_with_jitter_and_never_very_long(self) -> None:
        loop = Loop("reader", 1.0, Steps(AWAY))
        waits = [loop._failed(AWAY) for _ in range(12)]
        for number, seconds in enumerate(waits):
            ceiling = min(LONGEST_S, 2.0**number)
            assert ceiling / 2 <= seconds <= ceiling
        assert len(set(waits)) == len(waits)

    @pytest.mark.parametrize("error", [AWAY, Transient("BROKER_UNAVAILABLE", "No Kafka broker answers.")], ids=repr)
    async def test_says_what_it_waits_for_and_is_not_well_when_that_takes_long(
        self, error: Exception | Failure
    ) -> None:
        for long_s, ends in ((600.0, False), (0.0, True)):
            steps = Steps(error)
            loop = Loop("reader", 600.0, steps, long_s=long_s)
            async with running(loop):
                await steps.reach(1)
                await asyncio.sleep(0)
                told = await said(loop.look, raises=ends)
            assert re.search(r"has waited for \d s, 1 tries", told)
            assert "canary" not in told


async def no_more(steps: Steps) -> None:
    """Returns when it does nothing for a while."""
    async with asyncio.timeout(60):
        done = -1
        while done != steps.done:
            done = steps.done
            await asyncio.sleep(0.2)


async def said(look: Callable[[], object], *, raises: bool) -> str:
    answer = look()
    assert asyncio.iscoroutine(answer)
    if not raises:
        return str(await answer)
    with pytest.raises(NotReady) as told:
        await answer
    return str(told.value)
