"""The metrics of a process: counted, observed and set by the definitions of the register, shown by `/metrics`.

Hot paths collect a batch in a `Tally` and hand it over once: a labelled increment costs about as much as a record.
"""

from __future__ import annotations

from collections import Counter as Sums
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from common.clock import monotonic
from common.metric_register import BUILD_INFO, METRICS, CounterMetric, GaugeMetric, HistogramMetric, Metric

_Key = tuple[str, tuple[tuple[str, str], ...]]


class Metrics:
    """One process's figures, in a registry of its own."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._counters: dict[str, prometheus_client.Counter] = {}
        self._gauges: dict[str, prometheus_client.Gauge] = {}
        self._histograms: dict[str, prometheus_client.Histogram] = {}
        # Looking a child up by its labels costs several times what counting does. Gauges come and go, so theirs are not kept.
        self._counting: dict[_Key, prometheus_client.Counter] = {}
        self._observing: dict[_Key, prometheus_client.Histogram] = {}
        for metric in METRICS:
            self._declare(metric)

    def build(self, version: str, revision: str) -> None:
        """Says which build this is."""
        self.set(BUILD_INFO, 1, version=version, revision=revision)

    def count(self, metric: CounterMetric, by: float = 1, /, **labels: str) -> None:
        """Adds to a counter."""
        key = metric.name, tuple(labels.items())
        child = self._counting.get(key)
        if child is None:
            counter = self._counters[metric.name]
            child = self._counting[key] = counter.labels(**labels) if metric.labels else counter
        child.inc(by)

    def set(self, metric: GaugeMetric, value: float, /, **labels: str) -> None:
        """Sets a gauge."""
        gauge = self._gauges[metric.name]
        (gauge.labels(**labels) if metric.labels else gauge).set(value)

    def forget(self, metric: GaugeMetric, /, **labels: str) -> None:
        """Takes a gauge away whose subject is gone: a deleted connection has no expiry."""
        self._gauges[metric.name].remove_by_labels(labels)

    def observe(self, metric: HistogramMetric, value: float, /, *, trace_id: str = "", **labels: str) -> None:
        """Records one value; the trace id becomes its exemplar."""
        key = metric.name, tuple(labels.items())
        child = self._observing.get(key)
        if child is None:
            histogram = self._histograms[metric.name]
            child = self._observing[key] = histogram.labels(**labels) if metric.labels else histogram
        child.observe(value, {"trace_id": trace_id} if trace_id else None)

    @contextmanager
    def timed(self, metric: HistogramMetric, /, **labels: str) -> Iterator[None]:
        """Records how long the block took, also when it raises."""
        began = monotonic()
        try:
            yield
        finally:
            self.observe(metric, monotonic() - began, **labels)

    def tally(self) -> Tally:
        """Collects the figures of one batch; `with metrics.tally() as tally:` hands them over at the end."""
        return Tally(self)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The text of `/metrics` and its content type; OpenMetrics with exemplars if the caller accepts it."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _declare(self, metric: Metric) -> None:
        match metric:
            case CounterMetric(name, meaning, labels):
                self._counters[name] = prometheus_client.Counter(name, meaning, labels, registry=self._registry)
            case GaugeMetric(name, meaning, labels):
                self._gauges[name] = prometheus_client.Gauge(name, meaning, labels, registry=self._registry)
            case HistogramMetric(name, meaning, labels, buckets):
                self._histograms[name] = prometheus_client.Histogram(
                    name, meaning, labels, registry=self._registry, buckets=buckets
                )


class Tally:
    """The figures of one batch, kept as plain sums until they are handed over."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._sums: Sums[_Key] = Sums()
        self._values: defaultdict[_Key, list[float]] = defaultdict(list)
        self._known: dict[str, CounterMetric | HistogramMetric] = {}

    def count(self, metric: CounterMetric, by: int = 1, /, **labels: str) -> None:
        """Adds to a counter when the batch is handed over."""
        self._known[metric.name] = metric
        self._sums[metric.name, tuple(labels.items())] += by

    def observe(self, metric: HistogramMetric, value: float, /, **labels: str) -> None:
        """Records one value when the batch is handed over."""
        self._known[metric.name] = metric
        self._values[metric.name, tuple(labels.items())].append(value)

    def hand_over(self) -> None:
        """Adds the batch to the process's figures and starts anew."""
        for (name, labels), by in self._sums.items():
            metric = self._known[name]
            assert isinstance(metric, CounterMetric)
            self._metrics.count(metric, by, **dict(labels))
        for (name, labels), values in self._values.items():
            metric = self._known[name]
            assert isinstance(metric, HistogramMetric)
            for value in values:
                self._metrics.observe(metric, value, **dict(labels))
        self._sums.clear()
        self._values.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A batch that failed is done again: its figures would count twice.
        if error is None:
            self.hand_over()
