"""The age of what waits is that of the oldest record, and never that of a quiet topic."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from common.bus.lag import Lag
from common.metrics import Metrics

HOUR_S = 3600.0


class Scene:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.lag = Lag(self.metrics, "mapper", "changes.zoho-books")

    def takes(self, *ages_s: float) -> None:
        now = datetime.now(UTC).timestamp()
        self.lag.takes([SimpleNamespace(timestamp=(now - age) * 1000) for age in ages_s])

    def told(self, name: str) -> float:
        line = f'millrace_kafka_consumer_lag_{name}{{group="mapper",topic="changes.zoho-books"}} '
        shown = self.metrics.exposition()[0].decode().splitlines()
        return next(float(one.removeprefix(line)) for one in shown if one.startswith(line))


class TestLag:
    def test_the_oldest_record_in_hand_says_how_old(self) -> None:
        scene = Scene()
        scene.takes(HOUR_S, 2 * HOUR_S, 60)
        scene.lag.tell(3)
        assert scene.told("records") == 3
        assert 2 * HOUR_S <= scene.told("seconds") < 2 * HOUR_S + 60

    def test_nothing_waits_nothing_is_old(self) -> None:
        scene = Scene()
        scene.takes(HOUR_S)
        scene.lag.tell(0)
        assert (scene.told("records"), scene.told("seconds")) == (0, 0)

    def test_what_comes_to_a_quiet_topic_is_young(self) -> None:
        scene = Scene()
        scene.takes(HOUR_S)
        scene.lag.tell(0)
        scene.lag.tell(1)
        assert scene.told("seconds") < 60
