"""Senders who come close behind each other leave together, in their order; who comes alone leaves at once."""

import asyncio

from common.bus.departures import Departures
from common.patience import Patience


class Platform:
    """Senders, and in which departure each has left."""

    def __init__(self, each_s: float = 0.02) -> None:
        self.now = 0.0
        self.departures = Departures(Patience(each_s=each_s, longest_s=0.5), clock=lambda: self.now)
        self.left: list[int] = []

    async def sends(self, number: int) -> None:
        await self.departures.join()
        self.left.append(number)


class TestDepartures:
    async def test_who_comes_alone_leaves_at_once(self) -> None:
        platform = Platform()
        for number in range(3):
            await asyncio.wait_for(platform.sends(number), 0.01)
            platform.now += 1
        assert platform.left == [0, 1, 2]

    async def test_who_comes_soon_after_waits_and_all_who_come_meanwhile_leave_with_them(self) -> None:
        platform = Platform()
        await platform.sends(0)
        others = [asyncio.create_task(platform.sends(number)) for number in range(1, 6)]
        await asyncio.sleep(0)
        assert platform.left == [0]
        await asyncio.gather(*others)
        assert platform.left == [0, 1, 2, 3, 4, 5]

    async def test_one_who_comes_between_a_departure_and_its_senders_does_not_overtake_them(self) -> None:
        platform = Platform()
        await platform.sends(0)
        first = [asyncio.create_task(platform.sends(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        platform.departures._depart()
        late = asyncio.create_task(platform.sends(3))
        await asyncio.gather(*first)
        assert platform.left == [0, 1, 2]
        platform.now += 1
        await late

    async def test_a_sender_who_gives_up_takes_nobody_along(self) -> None:
        platform = Platform()
        await platform.sends(0)
        gives_up, stays = (asyncio.create_task(platform.sends(number)) for number in (1, 2))
        await asyncio.sleep(0)
        gives_up.cancel()
        await stays
        assert platform.left == [0, 2]
