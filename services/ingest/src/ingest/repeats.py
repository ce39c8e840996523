"""Which messages were handled a while ago: what their vendor sends again costs no read and tells nothing.

An economy, in this process's memory and bounded: who has forgotten reads once more, and what comes of that is found to be a duplicate. A repeat
has the same bytes and one of the names under which its vendor sends a message again; it counts as handled once it is stored and its events are on
the topic, and not before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from common.contracts.ids import EventId

MOST = 20_000


class Repeats:
    """The newest that were handled."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._handled: OrderedDict[tuple[EventId, str], None] = OrderedDict()

    def knows(self, receipt: EventId, names: Sequence[str]) -> bool:
        """Whether it was handled before; the receipt's id is a function of its bytes."""
        return any((receipt, name) in self._handled for name in names)

    def handled(self, receipt: EventId, names: Sequence[str]) -> None:
        """It is through."""
        for name in names:
            self._handled[receipt, name] = None
        while len(self._handled) > self._most:
            self._handled.popitem(last=False)
