"""The language of queries: a text becomes a `Query` (sheet, section 3; corrections)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sandbox.zoho_crm.refusals import Refusal

TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|<>|[=<>(),])|(?P<word>[^\s=<>!(),']+))")
SIGNS = {
    "=": "equals", "!=": "not_equal", "<>": "not_equal", ">": "greater_than", ">=": "greater_equal", "<": "less_than",
    "<=": "less_equal",
}  # fmt: skip
DEFAULT_ROWS = 200
DEEPEST = 25


class Comparison(NamedTuple):
    """One criterion."""

    column: str
    test: str
    wanted: Any  # a text, or several


class Joined(NamedTuple):
    """Two criteria in brackets."""

    word: str
    first: Comparison | Joined
    second: Comparison | Joined


class Query(NamedTuple):
    """One query as it was read."""

    columns: list[str]
    module: str
    criterion: Comparison | Joined
    order: list[tuple[str, bool]]  # by column, and whether it descends
    limit: int
    offset: int


def syntax_error(near: str) -> Refusal:
    return Refusal(400, "SYNTAX_ERROR", "error occurred while parsing the query", near=near[:50])


def parsed(text: str) -> Query:
    """The query of a text; raises Refusal."""
    reading = _Reading(tokens_of(text))
    reading.expect("select")
    columns = reading.names()
    reading.expect("from")
    module = reading.word()
    reading.expect("where")
    criterion = reading.criteria(0)
    order = reading.order()
    limit, offset = reading.limits()
    if not reading.at_end:
        raise syntax_error(reading.next)
    return Query(columns, module, criterion, order, limit, offset)


def tokens_of(text: str) -> list[str]:
    found, at = [], 0
    text = text.strip().rstrip(";")
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise syntax_error(text[at:])
        found.append(match[0].strip())
        at = match.end()
    return found


class _Reading:
    """Reads the tokens from left to right."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    @property
    def next(self) -> str:
        return "" if self.at_end else self._tokens[self._at]

    def word(self) -> str:
        found = self.next
        if not found or found in "=<>(),!=":
            raise syntax_error(found)
        self._at += 1
        return found

    def meets(self, *words: str) -> bool:
        """Take these words if they come next."""
        ahead = [token.lower() for token in self._tokens[self._at : self._at + len(words)]]
        if ahead != list(words):
            return False
        self._at += len(words)
        return True

    def expect(self, word: str) -> None:
        if not self.meets(word):
            raise syntax_error(self.next)

    def names(self) -> list[str]:
        found = [self.word()]
        while self.meets(","):
            found.append(self.word())
        return found

    def criteria(self, depth: int) -> Comparison | Joined:
        """Two criteria at most, unless brackets pair them."""
        first = self._criterion(depth)
        for word in ("and", "or"):
            if self.meets(word):
                return Joined(word, first, self._criterion(depth))
        return first

    def _criterion(self, depth: int) -> Comparison | Joined:
        if depth > DEEPEST:
            raise syntax_error(self.next)
        if self.meets("("):
            found = self.criteria(depth + 1)
            self.expect(")")
            return found
        return self._comparison(self.word())

    def _comparison(self, column: str) -> Comparison:
        if self.next in SIGNS:
            sign = self.next
            self._at += 1
            return Comparison(column, SIGNS[sign], self._value())
        if self.meets("is", "null"):
            return Comparison(column, "is_null", None)
        if self.meets("is", "not", "null"):
            return Comparison(column, "is_not_null", None)
        if self.meets("between"):
            low = self._value()
            self.expect("and")
            return Comparison(column, "between", [low, self._value()])
        negated = "not_" if self.meets("not") else ""
        if self.meets("in"):
            return Comparison(column, f"{negated}in", self._several())
        self.expect("like")
        return Comparison(column, f"{negated}like", self._value())

    def _several(self) -> list[str]:
        self.expect("(")
        found = [self._value()]
        while self.meets(","):
            found.append(self._value())
        self.expect(")")
        return found

    def _value(self) -> str:
        found = self.word()
        return re.sub(r"\\(.)", r"\1", found[1:-1]) if found.startswith("'") else found

    def order(self) -> list[tuple[str, bool]]:
        if not self.meets("order", "by"):
            return []
        found = [self._ordered()]
        while self.meets(","):
            found.append(self._ordered())
        return found

    def _ordered(self) -> tuple[str, bool]:
        column = self.word()
        descends = self.meets("desc")
        if not descends:
            self.meets("asc")
        return column, descends

    def limits(self) -> tuple[int, int]:
        """`limit 200`, `limit 400, 200` (offset first) and `limit 200 offset 400`."""
        if not self.meets("limit"):
            return DEFAULT_ROWS, 0
        first = self._count()
        if self.meets(","):
            return self._count(), first
        return first, self._count() if self.meets("offset") else 0

    def _count(self) -> int:
        word = self.word()
        if not (word.isascii() and word.isdigit()) or len(word) > 9:
            raise syntax_error(word)
        return int(word)
