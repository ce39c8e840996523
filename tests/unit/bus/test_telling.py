"""When Kafka is told how far a group is."""

import asyncio
from dataclasses import replace
from typing import Any

from common.bus.limits import ConsumerLimits
from common.bus.telling import Telling


class Offsets:
    """What is done and not told; counts how often it was told."""

    def __init__(self, *, hears: bool = True) -> None:
        self.untold = asyncio.Event()
        self.unheard_of = False
        self.told = 0
        self._hears = hears

    async def commit(self, consumer: object, *, within: float) -> bool:
        self.told += 1
        if self._hears:
            self.untold.clear()
        return self._hears


class Scene:
    def __init__(self, *, stores_places: bool, hears: bool = True, every_s: float = 0.05) -> None:
        self.offsets: Any = Offsets(hears=hears)
        self.unheard = 0
        limits = replace(ConsumerLimits(), tell_every_s=every_s)
        self.telling = Telling(self.offsets, limits, stores_places=stores_places, on_unheard=self.count)

    def count(self) -> None:
        self.unheard += 1

    async def batches(self, many: int) -> None:
        for _ in range(many):
            self.offsets.untold.set()
            await self.telling.batch_done(object())

    async def catch_up(self, within: float) -> None:
        idle = asyncio.Event()
        idle.set()
        await self.telling.catch_up(within, object, idle)


class TestTelling:
    async def test_each_batch_is_told_where_only_kafka_keeps_the_place(self) -> None:
        scene = Scene(stores_places=False)
        await scene.batches(5)
        assert scene.offsets.told == 5

    async def test_a_place_that_is_stored_is_told_at_once_and_then_together(self) -> None:
        scene = Scene(stores_places=True)
        await scene.batches(1)
        assert scene.offsets.told == 1
        await scene.batches(9)
        await scene.catch_up(0.2)
        assert scene.offsets.told == 2
        assert not scene.offsets.untold.is_set()

    async def test_a_partition_of_which_kafka_knows_nothing_is_told_at_once(self) -> None:
        scene = Scene(stores_places=True)
        await scene.batches(2)
        scene.offsets.unheard_of = True
        await scene.batches(2)
        assert scene.offsets.told == 3

    async def test_with_nothing_to_tell_nobody_is_asked(self) -> None:
        scene = Scene(stores_places=True)
        await scene.catch_up(0.1)
        assert scene.offsets.told == 0

    async def test_what_was_not_heard_is_counted_and_said_again(self) -> None:
        scene = Scene(stores_places=True, hears=False, every_s=0.02)
        await scene.batches(1)
        await scene.catch_up(0.1)
        assert scene.unheard == 1
        assert scene.offsets.told >= 3
