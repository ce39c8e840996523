"""What a question costs before it runs (sheet, section 2.1): an object one point, a list two and its size times what a row costs, a change ten.

Reckoned from the question's own text, so that a new question has its price at once. Where the vendor reckons otherwise, its first answer says
so, and the door believes that (`common/http/points.py`). A list that is no connection counts as one object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

MOST = 1_000
"""The vendor runs nothing dearer."""
_CHANGE = 10
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|[$\w]+|[{}():,\[\]!@=]')
# They are the rows of the list around them, and its place marks.
_ROWS, _MARKS = frozenset({"nodes", "edges", "node"}), "pageInfo"
_SIZES = frozenset({"first", "last"})


def price(question: str, variables: Mapping[str, Any]) -> int:
    """Of a question with the sizes that it is asked with."""
    sizes = tuple((name, value) for name, value in variables.items() if type(value) is int)
    return _price(question, sizes)


@lru_cache(maxsize=500)
def _price(question: str, sizes: tuple[tuple[str, int], ...]) -> int:
    tokens = _Tokens(question, dict(sizes))
    is_change = tokens.next == "mutation"
    while tokens.next != "{":
        tokens.skip()
    points, fields = tokens.block(is_list=False)
    return min(MOST, max(1, fields * _CHANGE if is_change else points))


class _Tokens:
    """A question, read once from its first word to its last."""

    def __init__(self, question: str, sizes: Mapping[str, int]) -> None:
        self._words: Iterator[str] = iter(_TOKEN.findall(question))
        self._sizes = sizes
        self.next = next(self._words, "")

    def _take(self) -> str:
        word, self.next = self.next, next(self._words, "")
        return word

    def skip(self) -> None:
        """The next word, with what is in parentheses behind it."""
        if self._take() == "(":
            self._size()

    def block(self, *, is_list: bool) -> tuple[int, int]:
        """The points of what is in braces, and how many fields these are; of several kinds of an object the dearest counts."""
        self._take()
        points, fields, kinds = 0, 0, [0]
        while self.next not in ("}", ""):
            if self.next == "...":
                while self.next not in ("{", ""):
                    self._take()
                kinds.append(self.block(is_list=is_list)[0])
                continue
            points, fields = points + self._field(is_list=is_list), fields + 1
        self._take()
        return points + max(kinds), fields

    def _field(self, *, is_list: bool) -> int:
        name, size = self._take(), None
        if self.next == ":":
            self._take()
            name = self._take()
        if self.next == "(":
            self._take()
            size = self._size()
        if self.next != "{":
            return 0
        inner, _ = self.block(is_list=size is not None or (is_list and name in _ROWS))
        if is_list and (name in _ROWS or name == _MARKS):
            return 0 if name == _MARKS else inner
        return 1 + inner if size is None else 2 + size * max(1, inner)

    def _size(self) -> int | None:
        """Reads on to the end of the arguments; how many rows they ask for."""
        size, deep, before = None, 1, ""
        while deep and self.next:
            word = self._take()
            deep += (word in "([{") - (word in ")]}")
            if word == ":" and before in _SIZES and deep == 1:
                size = self._number()
            before = word
        return size

    def _number(self) -> int:
        given = self._take()
        return int(given) if given.isdigit() else self._sizes.get(given.lstrip("$"), 1)
