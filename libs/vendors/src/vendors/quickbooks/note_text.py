"""What stands in the notes of a customer, which people write too: our block of its activity, and everything else byte for byte (R26). Pure.

Comes in: the notes as they were read, what is known of the activity, and what was shown of it before. Goes out: the notes as they shall be, or
why they are left alone. A block that a person has taken out comes back only with newer activity, and rates alone are no reason to write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from vendors.block import BlockLine, Fence, fenced

BEGIN, END = "--- Millrace: activity ---", "--- Millrace: end ---"
LINES, LETTERS = 8, 700
# The vendor's own description says so; its page says two thousand, which a sync may ask for.
LONGEST, MOST = 1_024, 2_000
# So many have to be free of what people have not written, or theirs would have no room.
FREE = 200
LONGEST_LINE = 80
_RATES = (("opens", "open_rate"), ("clicks", "click_rate"))
_BROKEN = "One of our two marks in the notes is missing, or is there twice."
_FULL = f"What people have written leaves fewer than {FREE} letters in the notes."


@dataclass(frozen=True, slots=True)
class NotedActivity:
    """What a document says of a customer."""

    lines: tuple[BlockLine, ...]
    standing: str
    head: str
    longest: int


@dataclass(frozen=True, slots=True)
class ShownBefore:
    """What was shown of it last."""

    ids: frozenset[str] = frozenset()
    newest: tuple[str, str] = ("", "")
    standing: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> ShownBefore:
        newest = stored.get("newest") or ("", "")
        return cls(frozenset(stored.get("ids") or ()), (newest[0], newest[1]), str(stored.get("standing") or ""))


@dataclass(frozen=True, slots=True)
class HandsOff:
    """The notes are left as they are."""

    words: str


def activity_of(document: Mapping[str, Any]) -> NotedActivity:
    """What is said of a customer, in the form of a block."""
    standing = " ".join(str(document.get("standing") or "").split())
    rates = [f"{name} {rate}" for name, path in _RATES if (rate := _percent(document.get(path)))]
    head = ", ".join([standing, *rates]) if standing else ""
    longest = min(max(int(document.get("longest") or LONGEST), LONGEST), MOST)
    return NotedActivity(tuple(map(_line, document.get("lines") or ())), standing, head, longest)


def shown_by(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown once this document is so, as it is remembered."""
    said = activity_of(document)
    newest = max((_order(line) for line in said.lines), default=("", ""))
    return {"ids": [line.id for line in said.lines], "newest": list(newest), "standing": said.standing}


def wanted(text: str, document: Mapping[str, Any], shown: ShownBefore) -> str | HandsOff:
    """The notes as they shall be; the same where nothing is new, or nothing newer than a block that somebody has taken out."""
    said, there = activity_of(document), fenced(text, fence())
    if not _is_new(said, shown, taken_out=there is not None and not there.is_there and bool(shown.ids)):
        return text
    if there is None:
        return HandsOff(_BROKEN)
    room = said.longest - there.theirs
    rendered = there.around(said.lines, fence(min(room, LETTERS)), said.head) if room >= FREE else None
    return HandsOff(_FULL) if rendered is None else rendered


def is_free(text: str, longest: int = LONGEST) -> bool:
    """Whether our block has a place in these notes."""
    there = fenced(text, fence())
    return there is not None and longest - there.theirs >= FREE


def ids_in(text: str) -> frozenset[str]:
    """Our lines between our marks."""
    there = fenced(text, fence())
    return frozenset() if there is None else frozenset(there.ours)


def head_in(text: str) -> str:
    there = fenced(text, fence())
    return "" if there is None else there.head


def fence(most: int = LETTERS) -> Fence:
    return Fence(BEGIN, END, lines=LINES, letters=most)


def _is_new(said: NotedActivity, shown: ShownBefore, *, taken_out: bool) -> bool:
    fresh = [line for line in said.lines if line.id not in shown.ids]
    if taken_out:
        return any(_order(line) > shown.newest for line in fresh)
    return bool(fresh) or (bool(said.lines) and said.standing != shown.standing)


def _line(told: Mapping[str, Any]) -> BlockLine:
    """An event's own id is too long for a line of which eight have room; ten digits of its hash tell those of one customer apart."""
    words = " ".join(str(told["text"]).split())
    cut = words if len(words) <= LONGEST_LINE else f"{words[: LONGEST_LINE - 1]}\u2026"
    return BlockLine(_moment(told["at"]), hashlib.sha256(str(told["id"]).encode()).hexdigest()[:10], cut)


def _order(line: BlockLine) -> tuple[str, str]:
    at, id = line.order
    return (at.isoformat(), id)


def _moment(written: Any) -> datetime:
    return datetime.fromisoformat(str(written))


def _percent(rate: Any) -> str:
    try:
        return f"{Decimal(str(rate)) * 100:.0f} %" if rate not in (None, "") else ""
    except InvalidOperation:
        return ""


def newly_shown(before: str, after: str) -> Sequence[str]:
    """Lines of ours that come with a text."""
    return sorted(ids_in(after) - ids_in(before))
