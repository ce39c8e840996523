"""What breaks in a vendor's code is about the rows it was working on: `BUG`, or `UNKNOWN` once something may have been sent.

Nothing that a vendor folder raises ends a process or touches another connection's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from common.failures import Bug, Failure, Transient, Unknown
from writing.codes import VENDOR_CODE_FAILED

T = TypeVar("T")


def never() -> bool:
    """Nothing was sent."""
    return False


@contextmanager
def vendor_code(sent: Callable[[], bool] = never) -> Iterator[None]:
    """Whatever breaks inside leaves as a `Failure`; `sent` tells whether a byte of a write may have left by then."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        raise broken(error, sent=sent()) from error


@contextmanager
def vendor_read() -> Iterator[None]:
    """The same around a read: it leaves nothing behind, so an answer that nobody understood is just asked for again."""
    try:
        with vendor_code():
            yield
    except Unknown as odd:
        raise of_a_read(odd) from odd


def of_a_read(failure: T) -> T | Transient:
    """An answer to a read that nobody understood is no unknown outcome."""
    if not isinstance(failure, Unknown):
        return failure
    return Transient(
        failure.code, failure.message, vendor_status=failure.vendor_status, vendor_code=failure.vendor_code,
        vendor_words=failure.vendor_words, vendor_request_id=failure.vendor_request_id, about=failure.about,
    )  # fmt: skip


def judged(ask: Callable[[], T]) -> T | Failure:
    """What pure vendor code says, or what has become of the question."""
    try:
        with vendor_code():
            return ask()
    except Failure as failure:
        return failure


def broken(error: Exception, *, sent: bool = False) -> Failure:
    """The failure of the rows on which our code broke; one that is a `Failure` already stays what it is."""
    if isinstance(error, Failure):
        return error
    kind = Unknown if sent else Bug
    return kind(VENDOR_CODE_FAILED.name, f"{VENDOR_CODE_FAILED.meaning} ({_place_of(error)})")


def _place_of(error: Exception) -> str:
    # Not str(error): it may hold what a customer typed. The kind and the line of code are enough to find it.
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
