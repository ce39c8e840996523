"""`count` and `offset`: ten by default, a thousand at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sandbox.mailchimp.bodies import moment
from sandbox.mailchimp.problems import FieldError, bad_request, invalid_fields

USUAL, MOST = 10, 1000
ALL = 1_000_000_000

T = TypeVar("T")


def window(query: dict[str, str], *, everything: bool = False) -> tuple[int, int]:
    """(offset, count); inside an asynchronous batch a GET without `count` pages through everything."""
    offset = _number(query, "offset", 0)
    count = _number(query, "count", ALL if everything else USUAL)
    if count > MOST and "count" in query:
        raise invalid_fields([FieldError("count", f"This value should be {MOST} or less.")])
    return offset, count


def page(items: Sequence[T], query: dict[str, str], *, everything: bool = False) -> Sequence[T]:
    offset, count = window(query, everything=everything)
    return items[offset : offset + count]


def _number(query: dict[str, str], name: str, usual: int) -> int:
    given = query.get(name, "")
    if not given:
        return usual
    if not given.isascii() or not given.isdigit() or len(given) > 12:
        raise invalid_fields([FieldError(name, "This value should be of type integer.")])
    return int(given)


def since(query: dict[str, str], name: str) -> int | None:
    """A time parameter in seconds, None when absent."""
    if not query.get(name):
        return None
    try:
        # A plus sign that was not encoded arrives as a blank.
        return moment(query[name].strip().replace(" ", "+") if "T" in query[name] else query[name])
    except ValueError:
        raise invalid_fields([FieldError(name, "This value is not a valid datetime.")]) from None


def descending(query: dict[str, str]) -> bool:
    direction = query.get("sort_dir", "ASC")
    if direction not in ("ASC", "DESC"):
        raise bad_request("sort_dir must be ASC or DESC.")
    return direction == "DESC"
