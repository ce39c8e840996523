"""The delivery log: a row for each attempt to deliver a webhook, and for each message that was lost on purpose."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from sandbox.delivery import Attempt, Delivery

KEPT = 50_000
Row = dict[str, object]


class DeliveryLog:
    """Rows in order, numbered without gaps; numbers go on after a reset and after a restart."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque(maxlen=KEPT)
        self.seq = 0

    def add(self, at: str, delivery: Delivery, number: int, fault: str, attempt: Attempt | None) -> None:
        self.seq += 1
        self._rows.append(
            {
                "seq": self.seq,
                "id": delivery.id,
                "at": at,
                "vendor": delivery.vendor,
                "account": delivery.account,
                "hook_id": delivery.hook_id,
                "topic": delivery.topic,
                "method": delivery.method,
                "url": delivery.url,
                "body": delivery.body.decode("utf-8", "replace"),
                "attempt": number,
                "status": attempt.status if attempt else None,
                "sent_mono_ns": attempt.sent_mono_ns if attempt else None,
                "answered_mono_ns": attempt.answered_mono_ns if attempt and attempt.status else None,
                "error": attempt.error if attempt else "",
                "fault": fault,
            }
        )

    def since(self, seq: int) -> tuple[list[Row], int]:
        """The rows after number `seq`, and the number of the last one."""
        first = self.seq - len(self._rows) + 1
        return list(islice(self._rows, max(0, seq + 1 - first), None)), self.seq

    def last(self, many: int) -> list[Row]:
        """The newest rows, newest first."""
        return list(islice(reversed(self._rows), many))

    def clear(self) -> None:
        self._rows.clear()

    def rows(self) -> list[Row]:
        return list(self._rows)

    def restore(self, rows: Iterable[Row], seq: int) -> None:
        self._rows, self.seq = deque(rows, maxlen=KEPT), seq
