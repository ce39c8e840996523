"""A block of lines in a text that people edit: rendered from what we know, never appended to (R26).

Comes in: the text as it was read, and the lines that our store has. Goes out: the text as it shall be. Only lines with our mark are ours;
every other line is people's and stays byte for byte, wherever it was typed, between our marks too. The lines of the block are the newest
of those that are there and those of the store, by (time, id), so that whoever renders, and in whatever order events came, the text is the
same; and a store that is older than the text takes nothing away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple


class BlockLine(NamedTuple):
    """One line of ours; the id and not the words says which it is: two events may read alike."""

    at: datetime
    id: str
    words: str

    @property
    def order(self) -> tuple[datetime, str]:
        # A text shows whole seconds.
        return (self.at.replace(microsecond=0), self.id)

    def __str__(self) -> str:
        at = self.at.astimezone(UTC).strftime(_STAMP)
        return f"{_MARK} {at} {' '.join(self.words.split())} #{self.id}"


@dataclass(frozen=True, slots=True)
class Fence:
    """Where a block begins and ends, and how much of it there is at most."""

    begin: str
    end: str
    lines: int = 8
    letters: int = 700
    """Of the whole block, its two marks included."""


def render(text: str, store: Iterable[BlockLine], fence: Fence) -> str:
    """The text as it shall be; the same text where nothing is new."""
    before, after = _theirs(text, fence)
    block = _block(ours(text) | {line.id: line for line in store}, fence)
    return "\n".join([*before, *block, *after])


def ours(text: str) -> dict[str, BlockLine]:
    """The lines in a text that carry our mark, by their id."""
    return {line.id: line for one in text.split("\n") if (line := _parsed(one)) is not None}


@dataclass(frozen=True, slots=True)
class Fenced:
    """A text in its parts: what stands before our block and after it, byte for byte, and people's lines inside of it."""

    before: str
    after: str = ""
    inside: Sequence[str] = ()
    ours: Mapping[str, BlockLine] = field(default_factory=dict)
    head: str = ""
    is_there: bool = False

    @property
    def theirs(self) -> int:
        """How many letters are not ours, with the breaks between them and us."""
        return letters(self.before) + letters(self._behind)

    @property
    def _behind(self) -> str:
        return "".join(f"\n{line}" for line in self.inside) + self.after

    def around(self, store: Iterable[BlockLine], fence: Fence, head: str = "") -> str | None:
        """R26: the text with the block of the union in its place; None where not one line fits. What was typed inside comes to stand behind it."""
        block = _block({**self.ours, **{line.id: line for line in store}}, fence, _head(head))
        return "".join([self.before, "\n".join(block), self._behind]) if block else None


def fenced(text: str, fence: Fence) -> Fenced | None:
    """A text taken apart at its two marks, wherever in a line they stand by now, because people write on at the end of a text.

    None where one of them is missing or is there twice: nobody knows then what is ours.
    """
    if fence.begin not in text and fence.end not in text:
        return Fenced(f"{text}\n" if text else "")
    before, begins, rest = text.partition(fence.begin)
    between, ends, after = rest.partition(fence.end)
    if (
        not begins
        or not ends
        or any(mark in part for mark in (fence.begin, fence.end) for part in (before, between, after))
    ):
        return None
    lines = between.split("\n")
    inside = [line for n, line in enumerate(lines) if line.strip() or n not in (0, len(lines) - 1)]
    heads = [words for line in inside if (words := _head_in(line)) is not None]
    typed = [line for line in inside if _parsed(line) is None and _head_in(line) is None]
    return Fenced(before, after, typed, ours(between), "".join(heads[:1]), is_there=True)


def people(text: str, fence: Fence) -> str:
    """A text without anything of ours."""
    before, after = _theirs(text, fence)
    return "\n".join([*before, *after])


def _theirs(text: str, fence: Fence) -> tuple[list[str], list[str]]:
    """R26: what carries no mark of ours is people's; what they typed inside the fence comes to stand behind it."""
    lines = text.split("\n") if text else []
    own = [_is_ours(line, fence) for line in lines]
    at = own.index(True) if True in own else len(lines)
    theirs = [line for line, mine in zip(lines, own, strict=True) if not mine]
    return theirs[:at], theirs[at:]


def _block(lines: Mapping[str, BlockLine], fence: Fence, head: Sequence[str] = ()) -> list[str]:
    """R26: the newest of the union, oldest first, as many as fit."""
    newest = sorted(lines.values(), key=lambda line: line.order)[-fence.lines :]
    while newest and letters("\n".join(block := [fence.begin, *head, *map(str, newest), fence.end])) > fence.letters:
        newest = newest[1:]
    return block if newest else []


def letters(text: str) -> int:
    """As the strictest of those who store texts counts them: what lies beyond the basic plane is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _head(words: str) -> list[str]:
    """What stands above the lines: how it is now."""
    return [f"{_MARK} {' '.join(words.split())} {_NOW}"] if words else []


def _head_in(line: str) -> str | None:
    found = _HEAD.fullmatch(line.rstrip("\r"))
    return found["words"] if found is not None else None


def _is_ours(line: str, fence: Fence) -> bool:
    return line.rstrip("\r") in (fence.begin, fence.end) or _parsed(line) is not None


def _parsed(line: str) -> BlockLine | None:
    found = _OURS.fullmatch(line.rstrip("\r"))
    if found is None:
        return None
    try:
        at = datetime.strptime(found["at"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return BlockLine(at, found["id"], found["words"])


_MARK = "\u2022"
_STAMP = "%Y-%m-%d %H:%M:%S"
_NOW = "#now"
_HEAD = re.compile(rf"{_MARK} (?P<words>.*) {_NOW}")
_OURS = re.compile(rf"{_MARK} (?P<at>\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d) (?P<words>.*) #(?P<id>[0-9A-Za-z_-]+)")
