"""How far a consumer is behind, as its metrics tell it: how many records wait, and how old the oldest of them is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.clock import SystemClock
from common.metric_register import CONSUMER_LAG, CONSUMER_LAG_RECORDS
from common.metrics import Metrics


class Lag:
    """Of one group on one topic. Records carry the time at which they were sent, by the machine's own clock."""

    def __init__(self, metrics: Metrics, group: str, topic: str) -> None:
        self._metrics = metrics
        self._labels = {"group": group, "topic": topic}
        # Nothing that waits is known to be older.
        self._not_before = 0.0

    def takes(self, fetched: Sequence[Any]) -> None:
        """These records are in hand: the oldest of them waits longest."""
        self._not_before = min(record.timestamp for record in fetched) / 1000

    def tell(self, waiting: int) -> None:
        """So many records wait now. Where none did, whatever waits at the next look came later."""
        now = SystemClock().now().timestamp()
        self._metrics.set(CONSUMER_LAG_RECORDS, waiting, **self._labels)
        self._metrics.set(CONSUMER_LAG, max(0.0, now - self._not_before) if waiting else 0.0, **self._labels)
        if not waiting:
            self._not_before = now
