"""The language of queries: a text becomes a `Query` (sheet, section 3.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from sandbox.quickbooks.refusals import bad_query, impossible_query

TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|[=<>(),*])|(?P<word>[^\s=<>(),*']+))")
SIGNS = ("=", "<", ">", "<=", ">=")
DEFAULT_ROWS, MOST_ROWS = 100, 1_000


class Condition(NamedTuple):
    """One condition; all of a query's must hold."""

    field: str
    test: str
    wanted: list[str]


class Query(NamedTuple):
    """One query as it was read."""

    columns: list[str]  # none: all of them
    is_count: bool
    entity: str
    conditions: list[Condition]
    order: list[tuple[str, bool]]  # by field, and whether it descends
    start: int
    most: int


def parsed(text: str) -> Query:
    """The query of a text; raises Refusal."""
    reading = _Reading(tokens_of(text))
    reading.expect("select")
    columns, is_count = reading.columns()
    reading.expect("from")
    entity = reading.word()
    conditions = reading.conditions()
    order = reading.order()
    start, most = reading.number("startposition", 1), reading.number("maxresults", DEFAULT_ROWS)
    reading.finish()
    if most > MOST_ROWS:
        raise impossible_query(f"value {most} is too large. Max allowed value is {MOST_ROWS}.")
    if start < 1:
        raise impossible_query(f"value {start} is too small. Min allowed value is 1.")
    return Query(columns, is_count, entity, conditions, order, start, most)


def tokens_of(text: str) -> list[str]:
    found, at = [], 0
    text = text.strip().rstrip(";").rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise bad_query(f'Encountered "{text[at : at + 40]}"')
        found.append(match[0].strip())
        at = match.end()
    return found


class _Reading:
    """Reads the tokens from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        found = self.next
        self._at += 1
        return found

    def meets(self, *words: str) -> bool:
        """Take these words if they come next, in any case."""
        ahead = [token.lower() for token in self._tokens[self._at : self._at + len(words)]]
        if ahead != list(words):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.meets(*words):
            raise bad_query(f'Encountered "{self.next[:40]}". Was expecting {" ".join(words)}')

    def finish(self) -> None:
        if self.next:
            raise bad_query(f'Encountered "{self.next[:40]}"')

    def word(self) -> str:
        found = self._take()
        if not found or found[0] in "=<>(),*'":
            raise bad_query(f'Encountered "{found[:40]}"')
        return found

    def columns(self) -> tuple[list[str], bool]:
        if self.meets("*"):
            return [], False
        if self.meets("count", "(", "*", ")"):
            return [], True
        found = [self.word()]
        while self.meets(","):
            found.append(self.word())
        return found, False

    def conditions(self) -> list[Condition]:
        """Joined by AND alone."""
        if not self.meets("where"):
            return []
        found = [self._condition()]
        while self.meets("and"):
            found.append(self._condition())
        return found

    def _condition(self) -> Condition:
        field = self.word()
        if self.next in SIGNS:
            return Condition(field, self._take(), [self._value()])
        if self.meets("like"):
            return Condition(field, "like", [self._value()])
        self.expect("in")
        self.expect("(")
        wanted = [self._value()]
        while self.meets(","):
            wanted.append(self._value())
        self.expect(")")
        return Condition(field, "in", wanted)

    def _value(self) -> str:
        if self.next.startswith("'"):
            return re.sub(r"\\(.)", r"\1", self._take()[1:-1])
        return self.word()

    def order(self) -> list[tuple[str, bool]]:
        """`ORDERBY` and `ORDER BY`."""
        if not self.meets("orderby") and not self.meets("order", "by"):
            return []
        found = [self._ordered()]
        while self.meets(","):
            found.append(self._ordered())
        return found

    def _ordered(self) -> tuple[str, bool]:
        field = self.word()
        descends = self.meets("desc")
        if not descends:
            self.meets("asc")
        return field, descends

    def number(self, name: str, default: int) -> int:
        if not self.meets(name):
            return default
        word = self.word()
        if not (word.isascii() and word.isdigit()) or len(word) > 9:
            raise bad_query(f'Encountered "{word[:40]}". Was expecting a number')
        return int(word)
