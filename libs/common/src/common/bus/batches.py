"""Batches that grow with load: what a fetch brings is a batch, and under load the broker holds it back for company (decision 30).

The client fetches the next batch while this one is handled, and a broker answers with the first record that it has: so batches would stay
at one or two records however many wait behind them. The wait is the broker's (`fetch.min.bytes`, `fetch.max.wait.ms`): it costs neither side
anything, and is over as soon as much has come.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from common.bus.fetch_pace import FetchPace
from common.bus.limits import ConsumerLimits
from common.clock import monotonic

# Two hundred records or so: that is company enough.
ENOUGH_BYTES = 256 * 1024


class Batches:
    """The batches of one consumer, each as large as the last one promises."""

    def __init__(self, limits: ConsumerLimits) -> None:
        self._limits = limits
        self._pace = FetchPace(limits.poll_ms, limits.calm_ms)
        self._wait_ms = 0
        self._came_at: float | None = None
        self._took_s = 0.0
        self._ended_at = float("-inf")

    async def next(self, consumer: Any) -> tuple[Any, ...]:
        """A batch; the client wakes us when something has come. Nothing, when nothing came in time."""
        self._handled()
        # While the broker waits for company its silence is short: who comes alone after a burst must not wait for those who do not come.
        timeout_ms = 2 * self._wait_ms or self._pace.poll_ms
        found = await consumer.getmany(timeout_ms=timeout_ms, max_records=self._limits.max_records)
        batch = tuple(chain.from_iterable(found.values()))
        self._pace.polled(consumer, len(batch))
        now = monotonic()
        self._expect(consumer, self._limits.company.after(len(batch), took_s=self._took_s, idle_s=now - self._ended_at))
        if batch:
            self._came_at = now
        return batch

    def _handled(self) -> None:
        """Whoever asks for the next batch is done with the last one."""
        if self._came_at is not None:
            self._ended_at = monotonic()
            self._took_s, self._came_at = self._ended_at - self._came_at, None

    def _expect(self, consumer: Any, wait_s: float) -> None:
        """The next fetch goes out as soon as we let go of this batch, so this is the moment to say what it asks for."""
        self._wait_ms = int(1000 * wait_s)
        fetcher = consumer._fetcher
        fetcher._fetch_min_bytes = ENOUGH_BYTES if self._wait_ms else 1
        if self._wait_ms:
            fetcher._fetch_max_wait_ms = self._wait_ms
