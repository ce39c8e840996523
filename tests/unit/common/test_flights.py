"""One question at a time for each key."""

from __future__ import annotations

import asyncio

import pytest

from common.flights import Flights


class Asked:
    def __init__(self) -> None:
        self.times = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.times += 1
        number = self.times
        await self.go.wait()
        if number == 2:
            raise ValueError("broken")
        return number


class TestFlights:
    async def test_whoever_comes_meanwhile_waits_for_the_same_answer(self) -> None:
        flights, asked = Flights[str, int](), Asked()
        callers = [asyncio.create_task(flights.join("a", asked)) for _ in range(9)]
        await asyncio.sleep(0)
        callers[0].cancel()
        await asyncio.sleep(0)
        assert "a" in flights and "b" not in flights
        asked.go.set()
        assert set(await asyncio.gather(*callers[1:])) == {1}
        assert "a" not in flights and asked.times == 1

    async def test_a_failure_is_for_those_who_wait_and_not_remembered(self) -> None:
        flights, asked = Flights[str, int](), Asked()
        asked.go.set()
        assert await flights.join("a", asked) == 1
        with pytest.raises(ValueError, match="broken"):
            await flights.join("a", asked)
        assert await flights.join("a", asked) == 3

    async def test_all_of_them_can_be_ended(self) -> None:
        flights, asked = Flights[str, int](), Asked()
        caller = asyncio.create_task(flights.join("a", asked))
        await asyncio.sleep(0)
        flights.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(caller, 2)
