"""What a vendor's pure code says, or the failure of the one row it was asked about: what breaks there touches no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from common.failures import Bug, Failure
from writing.codes import VENDOR_CODE_FAILED

T = TypeVar("T")


def judged(ask: Callable[[], T]) -> T | Failure:
    """The answer, or what has become of the question."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about one row
        return broken(error)


def broken(error: Exception) -> Failure:
    """A failure stays what it is; anything else is ours."""
    # Not str(error): it may hold what a customer typed.
    kind = f"{VENDOR_CODE_FAILED.meaning} ({type(error).__name__})"
    return error if isinstance(error, Failure) else Bug(VENDOR_CODE_FAILED.name, kind)
