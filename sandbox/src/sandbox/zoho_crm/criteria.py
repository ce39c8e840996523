"""The criteria of a search: `((Last_Name:equals:Alder)and(Email:starts_with:ida))`."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.zoho_crm.columns import TESTS, comparable, has_column, operand
from sandbox.zoho_crm.modules import Module
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.record import Record, Values
from sandbox.zoho_crm.refusals import Refusal

Fits = Callable[[Record, Values], bool]
OPERATORS = (
    "equals", "not_equal", "starts_with", "in", "between", "greater_than", "greater_equal", "less_than", "less_equal",
)  # fmt: skip
DEEPEST = 20


def malformed() -> Refusal:
    return Refusal(400, "INVALID_QUERY", "invalid query formed", reason="invalid criteria")


def criteria_of(org: Organisation, module: Module, text: str) -> Fits:
    """A test of records; raises Refusal."""
    reading = _Reading(org, module, text.strip())
    fits = reading.group(0)
    if reading.left:
        raise malformed()
    return fits


class _Reading:
    """Reads one text from left to right."""

    def __init__(self, org: Organisation, module: Module, text: str) -> None:
        self._org, self._module, self.left = org, module, text

    def group(self, depth: int) -> Fits:
        if depth > DEEPEST:
            raise malformed()
        self._take("(")
        if not self.left.startswith("("):
            return self._single()
        found = self.group(depth + 1)
        while (word := self._connective()) is not None:
            found = _joined(word, found, self.group(depth + 1))
        self._take(")")
        return found

    def _take(self, sign: str) -> None:
        if not self.left.startswith(sign):
            raise malformed()
        self.left = self.left[len(sign) :].lstrip()

    def _connective(self) -> str | None:
        for word in ("and", "or"):
            if self.left.lower().startswith(word):
                self.left = self.left[len(word) :].lstrip()
                return word
        return None

    def _single(self) -> Fits:
        text = self._until_closed()
        name, _, rest = text.partition(":")
        word, _, given = rest.partition(":")
        if word not in OPERATORS or "." in name or not has_column(self._org, self._module, name):
            raise malformed()
        many = word in ("in", "between")
        wanted = (
            [operand(self._module, name, one) for one in given.split(",")]
            if many
            else operand(self._module, name, given)
        )
        test = TESTS[word]
        return lambda record, values: test(comparable(record, values, name), wanted)

    def _until_closed(self) -> str:
        """Up to the closing bracket; `\\(`, `\\)` and `\\,` are the signs themselves."""
        found, at = "", 0
        while at < len(self.left) and self.left[at] != ")":
            at += self.left[at] == "\\"
            found += self.left[at : at + 1]
            at += 1
        self.left = self.left[at:]
        self._take(")")
        return found


def _joined(word: str, first: Fits, second: Fits) -> Fits:
    if word == "and":
        return lambda record, values: first(record, values) and second(record, values)
    return lambda record, values: first(record, values) or second(record, values)
