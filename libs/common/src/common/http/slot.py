"""What a call has of the budgets while it is under way."""

from __future__ import annotations

from collections.abc import Callable

from common.http.meter import Ending
from common.http.profile import PointsTold


class Slot:
    """One place in every limit of a call; the first ending counts."""

    def __init__(self, end: Callable[[Ending, PointsTold | None], None], *, left: float | None = None) -> None:
        self.waited_s = 0.0
        self.left = left
        """The share of the tightest limit that was left, where the meters were asked."""
        self._end: Callable[[Ending, PointsTold | None], None] | None = end

    def answered(self, told: PointsTold | None = None) -> None:
        self._close("answered", told)

    def unanswered(self) -> None:
        self._close("unanswered")

    def unused(self) -> None:
        self._close("unused")

    def _close(self, how: Ending, told: PointsTold | None = None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(how, told)
