"""Figures are declared once and kept per process, a batch at a time."""

import time

import pytest

from common.metric_register import (
    DEAD_LETTERS,
    DEAD_LETTERS_OPEN,
    INFLIGHT,
    INGEST_ACK,
    METRICS,
    PROCESS,
    RECORDS,
    TOKEN_EXPIRY,
)
from common.metrics import Metrics


def lines(metrics: Metrics) -> list[str]:
    return [line for line in metrics.exposition()[0].decode().splitlines() if not line.startswith("#")]


class TestMetrics:
    def test_counts_observes_and_sets(self) -> None:
        metrics = Metrics()
        metrics.count(RECORDS, 3, sync="s1", outcome="added")
        metrics.count(RECORDS, sync="s1", outcome="added")
        metrics.set(INFLIGHT, 2, service="writer")
        metrics.observe(INGEST_ACK, 0.004, system="shopify")
        shown = lines(metrics)
        assert 'millrace_records_total{outcome="added",sync="s1"} 4.0' in shown
        assert 'millrace_inflight{service="writer"} 2.0' in shown
        assert 'millrace_ingest_ack_seconds_bucket{le="0.005",system="shopify"} 1.0' in shown
        assert not [line for line in shown if "_created" in line]

    def test_keeps_processes_apart(self) -> None:
        one, other = Metrics(), Metrics()
        one.count(DEAD_LETTERS, service="mapper", code="HANDLER_BUG")
        assert not lines(other)

    def test_refuses_labels_that_are_not_declared(self) -> None:
        with pytest.raises(ValueError, match="label names"):
            Metrics().count(RECORDS, sync="s", outcome="added", record="42")

    def test_forgets_a_gauge_whose_subject_is_gone(self) -> None:
        metrics = Metrics()
        metrics.set(DEAD_LETTERS_OPEN, 7.0, service="m", code="c")
        assert 'millrace_dead_letters_open{code="c",service="m"} 7.0' in lines(metrics)
        metrics.set(TOKEN_EXPIRY, 1.0, system="zoho-books", connection="a")
        metrics.forget(TOKEN_EXPIRY, system="zoho-books", connection="a")
        assert not [line for line in lines(metrics) if "token_expiry" in line]

    def test_times_a_block_also_when_it_raises(self) -> None:
        metrics = Metrics()
        with pytest.raises(RuntimeError), metrics.timed(PROCESS, service="mapper"):
            raise RuntimeError
        assert 'millrace_process_seconds_count{service="mapper"} 1.0' in lines(metrics)

    def test_gives_the_trace_as_exemplar(self) -> None:
        metrics = Metrics()
        metrics.observe(PROCESS, 0.3, trace_id="ab" * 16, service="mapper")
        text = metrics.exposition("application/openmetrics-text; version=1.0.0")[0].decode()
        assert f'# {{trace_id="{"ab" * 16}"}} 0.3' in text

    def test_every_declared_metric_can_be_shown(self) -> None:
        text = Metrics().exposition()[0].decode()
        assert all(f"# HELP {metric.name} {metric.meaning}" in text for metric in METRICS)


class TestTally:
    def test_hands_a_batch_over_at_its_end(self) -> None:
        metrics = Metrics()
        with metrics.tally() as tally:
            for _ in range(5):
                tally.count(RECORDS, sync="s", outcome="added")
            tally.count(RECORDS, 2, sync="s", outcome="failed")
            tally.observe(PROCESS, 0.2, service="writer")
            assert not lines(metrics)
        shown = lines(metrics)
        assert 'millrace_records_total{outcome="added",sync="s"} 5.0' in shown
        assert 'millrace_records_total{outcome="failed",sync="s"} 2.0' in shown
        assert 'millrace_process_seconds_count{service="writer"} 1.0' in shown

    def test_forgets_a_batch_that_failed_because_it_comes_again(self) -> None:
        metrics = Metrics()
        with pytest.raises(RuntimeError), metrics.tally() as tally:
            tally.count(RECORDS, sync="s", outcome="added")
            raise RuntimeError
        assert not lines(metrics)

    def test_costs_a_fraction_of_a_record(self) -> None:
        metrics = Metrics()
        began = time.thread_time()
        with metrics.tally() as tally:
            for _ in range(10_000):
                tally.count(RECORDS, sync="s", outcome="added")
        assert (time.thread_time() - began) / 10_000 < 20e-6
