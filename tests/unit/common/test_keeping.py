"""A part that crashes is started again while its neighbours work on; everybody can see how it stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from common.clock import FixedClock
from common.keeping import KeptPart, PartDown, Rests
from common.metrics import Metrics

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
QUICK = Rests(shortest_s=0.01, longest_s=0.02, steady_s=60.0)
LONG = Rests(shortest_s=600.0, longest_s=600.0)


def part(work: Callable[[], Awaitable[None]], rests: Rests = QUICK, metrics: Metrics | None = None) -> KeptPart:
    return KeptPart("toy", "reader", work, clock=FixedClock(NOW), metrics=metrics or Metrics(), rests=rests)


@asynccontextmanager
async def kept(one: KeptPart) -> AsyncIterator[asyncio.Event]:
    stopping = asyncio.Event()
    keeping = asyncio.create_task(one.keep(stopping))
    yield stopping
    stopping.set()
    await asyncio.wait_for(keeping, 60)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the part tells nobody
            await asyncio.sleep(0.001)


class Work:
    """Crashes so often, then runs."""

    def __init__(self, crashes: int, error: BaseException | None = None) -> None:
        self.lives, self._crashes, self._error = 0, crashes, error or RuntimeError("postgresql://u:canary@h broke")

    async def __call__(self) -> None:
        self.lives += 1
        if self.lives <= self._crashes:
            raise self._error
        await asyncio.Event().wait()


class TestPart:
    @pytest.mark.parametrize("error", [RuntimeError("x"), asyncio.CancelledError(), ExceptionGroup("x", [KeyError()])])
    async def test_is_started_again_until_it_runs(self, error: BaseException) -> None:
        work = Work(3, error)
        stopping = asyncio.Event()
        keeping = asyncio.create_task(part(work).keep(stopping))
        await until(lambda: work.lives == 4)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping

    async def test_one_that_returns_without_being_asked_is_started_again(self) -> None:
        lives = 0

        async def returns() -> None:
            nonlocal lives
            lives += 1

        async with kept(part(returns)):
            await until(lambda: lives > 2)

    async def test_says_what_is_wrong_since_when_and_when_it_is_tried_next(self) -> None:
        metrics, work = Metrics(), Work(1)
        one = part(work, LONG, metrics)
        async with kept(one):
            await until(lambda: work.lives == 1)
            with pytest.raises(PartDown) as told:
                await one.look()
            words = str(told.value)
            assert "RuntimeError" in words
            assert "canary" not in words
            assert "down since 2026-05-04T12:00:00+00:00, next try at 2026-05-04T12:0" in words
            shown = metrics.exposition()[0].decode()
            assert 'millrace_part_down{part="reader",service="toy"} 1.0' in shown
            assert 'millrace_part_crashes_total{part="reader",service="toy"} 1.0' in shown

    async def test_a_stop_ends_its_rest_at_once(self) -> None:
        work = Work(1)
        async with kept(part(work, LONG)):
            await until(lambda: work.lives == 1)

    async def test_tells_that_it_runs_again_and_why_it_had_crashed(self) -> None:
        metrics, work = Metrics(), Work(2)
        one = part(work, metrics=metrics)
        stopping = asyncio.Event()
        keeping = asyncio.create_task(one.keep(stopping))
        await until(lambda: work.lives == 3)
        assert "after 2 crashes" in (await one.look() or "")
        assert 'millrace_part_down{part="reader",service="toy"} 0.0' in metrics.exposition()[0].decode()
        keeping.cancel()

    async def test_a_run_that_held_starts_anew(self) -> None:
        work = Work(1)
        one = part(work, Rests(shortest_s=0.01, longest_s=0.02, steady_s=0.05))
        stopping = asyncio.Event()
        keeping = asyncio.create_task(one.keep(stopping))
        await until(lambda: work.lives == 2)
        async with asyncio.timeout(60):
            while await one.look() is not None:  # noqa: ASYNC110 - nor here
                await asyncio.sleep(0.01)
        keeping.cancel()

    async def test_what_must_end_the_process_ends_it(self) -> None:
        class Fatal(BaseException):
            pass

        with pytest.raises(Fatal):
            await part(Work(1, Fatal())).keep(asyncio.Event())


class TestRests:
    def test_grow_and_have_a_bound(self) -> None:
        rests = Rests()
        means = [sum(rests.seconds(n) for _ in range(500)) / 500 for n in (0, 2, 4, 1_000_000)]
        assert means == sorted(means)
        assert all(0.5 <= rests.seconds(1_000_000) <= 60.0 for _ in range(200))
