"""How long a consumer's questions wait at the broker: longer once nothing has come for a while, so that an idle group asks rarely.

A question is answered at once when a record comes, however long it may wait. But it asks only for partitions of which nothing lies here
unread, and what comes to the others meanwhile waits until it is answered; so does what the client asks beside it, and a new assignment.
Hence the long wait is for a consumer that has seen nothing for seconds, of which nothing lies here, and it ends with the first record.
"""

from __future__ import annotations

from typing import Any

BUSY_MS = 500
CALM_MS = 3_000
CALM_AFTER_POLLS = 5


class FetchPace:
    """One consumer's; told after each poll what it brought."""

    def __init__(self, poll_ms: int, calm_ms: int = CALM_MS) -> None:
        self._poll_ms = poll_ms
        self._calm_ms = calm_ms
        self._empty = 0

    @property
    def poll_ms(self) -> int:
        """How long the next poll may wait for a record here."""
        return max(self._poll_ms, self._calm_ms) if self._calm else self._poll_ms

    def polled(self, consumer: Any, records: int) -> None:
        """Sets how long the next question waits at the broker."""
        self._empty = 0 if records else self._empty + 1
        # The client reads it at each question; it has no setting that can be changed later.
        consumer._fetcher._fetch_max_wait_ms = self._calm_ms if self._calm else BUSY_MS

    @property
    def _calm(self) -> bool:
        return self._empty >= CALM_AFTER_POLLS
