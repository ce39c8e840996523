"""The heartbeat of calls in progress, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from common.http.held_places import HeldPlaces
from common.http.meter import HeldPlace, Metered
from common.http.profile import Limit

LIMIT = Metered(Limit("concurrency", "mailchimp:1", "concurrency", 10, timedelta(0)))


class SlowMeter:
    """Meters whose answer to a beat is late; a cancellation is passed over or not, as their client does it."""

    def __init__(self, *, passes_over: bool) -> None:
        self.begun, self.beats, self._passes_over = asyncio.Event(), 0, passes_over

    def places(self, slot: str, limits: Sequence[Metered], hold_s: float) -> tuple[HeldPlace, ...]:
        return (HeldPlace(limits[0].log, slot, 1),)

    async def beat(self, process: str, places: Sequence[HeldPlace]) -> None:
        self.beats += 1
        self.begun.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            if not self._passes_over:
                raise


class TestClosing:
    @pytest.mark.parametrize("passes_over", [False, True])
    async def test_waits_for_a_beat_under_way_and_begins_no_other(self, passes_over: bool) -> None:
        meter = SlowMeter(passes_over=passes_over)
        places = HeldPlaces(cast(Any, meter), cast(Any, None), "p", beat_s=0.001)
        places.hold("p:1", (LIMIT,), 30.0)
        await meter.begun.wait()

        await places.aclose()

        assert places._heart is not None and places._heart.done()
        await asyncio.sleep(0.02)
        assert meter.beats == 1
