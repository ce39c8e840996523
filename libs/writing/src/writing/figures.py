"""A result's share in the process's figures."""

from __future__ import annotations

from common.metric_register import DEAD_LETTERS, RECORD_LATENCY, RECORDS, RETRIES
from common.metrics import Metrics
from writing.result_transaction import ResultTransaction


def count(result: ResultTransaction, metrics: Metrics, service: str) -> None:
    """Adds the transaction, once it is committed, to the process's figures."""
    happened_at = {row.item.key: row.item.happened_at for row in result.done}
    with metrics.tally() as tally:
        for key, next_state in result.fates.items():
            if next_state.outcome:
                tally.count(RECORDS, sync=key.sync, outcome=next_state.outcome)
            if next_state.outcome in ("added", "updated", "removed") and key in happened_at:
                latency = (result.now - happened_at[key]).total_seconds()
                tally.observe(RECORD_LATENCY, max(0.0, latency), sync=key.sync)
            if next_state.failure is not None and next_state.state != "awaiting":
                metric = DEAD_LETTERS if next_state.state in ("dead", "parked") else RETRIES
                tally.count(metric, service=service, code=next_state.failure.code)
