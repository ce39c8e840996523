"""Connection ids that nobody knows: remembered up to a number, and asked for at a pace, so that a flood of them costs neither memory
nor the token-broker's time.
"""

from __future__ import annotations

from collections import OrderedDict

from common.clock import monotonic
from common.contracts.ids import ConnectionId

REMEMBERED = 10_000
REMEMBERED_FOR_S = 15.0
PER_SECOND = 20.0
AT_ONCE = 50.0


class UnknownIds:
    """The ids that the broker did not know a moment ago; the one asked for longest ago makes room."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._until: OrderedDict[ConnectionId, float] = OrderedDict()

    def add(self, connection: ConnectionId) -> None:
        self._until[connection] = monotonic() + REMEMBERED_FOR_S
        self._until.move_to_end(connection)
        if len(self._until) > self._most:
            self._until.popitem(last=False)

    def forget(self, connection: ConnectionId) -> None:
        self._until.pop(connection, None)

    def __contains__(self, connection: ConnectionId) -> bool:
        until = self._until.get(connection)
        if until is not None and until <= monotonic():
            del self._until[connection]
            return False
        return until is not None

    def __len__(self) -> int:
        return len(self._until)


class AskPace:
    """A bucket of questions about ids that nobody has heard of."""

    def __init__(self, per_second: float = PER_SECOND, at_once: float = AT_ONCE) -> None:
        self._per_second, self._at_once = per_second, at_once
        self._left, self._at = at_once, monotonic()

    def take(self) -> bool:
        """Whether one more may be asked now."""
        now = monotonic()
        self._left = min(self._at_once, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
