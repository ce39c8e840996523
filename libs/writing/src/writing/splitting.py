"""Finds the row for which a whole call fails, while its neighbours are written.

A set that was refused or broken whole is never sent whole again: its first part goes out alone. If that passes, the guilty row is among
the others, and those need no try of their own: they are parted further at once. If it fails, the others are innocent as far as anybody
knows, and go out whole. So a guilty row of 500 costs at most 15 calls besides the first one; and where each break has to be waited
out (R2), at most six breaks. (Halves would cost 17 calls and eight breaks: the smaller first part breaks more rarely, and holds less back.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from common.failures import Bug, Failure, FailureClass

T = TypeVar("T")

_SPLIT = (FailureClass.REJECTED, FailureClass.BUG, FailureClass.TRANSIENT)


def parts(batch: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """The part that is tried first, and the others."""
    first = max(1, len(batch) * 3 // 8)
    return batch[:first], batch[first:]


def is_about_some_row(failure: Failure | None, rows: int) -> bool:
    """Whether a failure of a whole call is a reason to look for the row that causes it: it was refused, so nothing was applied."""
    if failure is None or rows < 2 or failure.kind not in _SPLIT or failure.about != "call":
        return False
    # A bug of ours without an answer: the call was never built. Whatever else has no answer is about the road, not about rows.
    status = failure.vendor_status
    return isinstance(failure, Bug) if status is None else 400 <= status < 500


@dataclass(slots=True)
class Hunt:
    """One search: whether anything was accepted, and how many calls were refused until then."""

    rows: int
    refused: int = 0
    accepted: bool = False

    def tell(self, failure: Failure | None) -> None:
        """What came of one of its calls."""
        self.accepted |= failure is None
        self.refused += failure is not None

    @property
    def is_vain(self) -> bool:
        """Everything is refused, so the refusal is about none of the rows: all get the verdict, instead of two calls each."""
        return not self.accepted and self.refused >= 2 * math.ceil(math.log2(max(2, self.rows)))
