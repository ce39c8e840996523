"""Answers to reads, held against what a vendor's sheet says: what is of another form is a failure of that read, and breaks nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from common.failures import Transient
from common.http.call import VendorAnswer
from common.http.door_codes import VENDOR_ANSWER_UNREADABLE


def unreadable(answer: VendorAnswer) -> Transient:
    """A success that says nothing we know. A read has changed nothing, so it is made again."""
    return Transient(
        VENDOR_ANSWER_UNREADABLE.name,
        VENDOR_ANSWER_UNREADABLE.meaning,
        vendor_status=answer.status,
        vendor_request_id=answer.request_id,
    )


@contextmanager
def reading(answer: VendorAnswer) -> Iterator[None]:
    """What an answer lacks, or holds in a form of its own, makes it unreadable."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as odd:
        raise unreadable(answer) from odd
