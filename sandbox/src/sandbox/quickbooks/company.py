"""One company: its records, its names, who owes what, and the answers it remembers by request id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from sandbox.quickbooks.entities import ENTITIES
from sandbox.quickbooks.record import Record, State, Tombstone, Values

Shelf = dict[str, Record]


class Remembered(NamedTuple):
    """The answer to a request that had an id of its own."""

    asked: str
    body: bytes
    at: float


@dataclass(slots=True)
class Company:
    """All that one company stores. `realm` is what the API calls it by, `account` what the sandbox does."""

    realm: str
    account: str
    name: str
    country: str
    currency: str
    last_id: int = 0
    lapsed: bool = False
    shelves: dict[str, Shelf] = field(default_factory=lambda: {entity: {} for entity in ENTITIES})
    gone: list[Tombstone] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # by name, the id of who has it
    children: dict[str, dict[str, None]] = field(default_factory=dict)  # sub-customers and jobs by their parent
    owed: dict[str, Decimal] = field(default_factory=dict)  # by customer
    answered: dict[str, Remembered] = field(default_factory=dict)

    def new_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def find(self, entity: str, id_: object) -> Record | None:
        return self.shelves[entity].get(id_) if isinstance(id_, str) else None

    # Storing

    def put(self, entity: str, values: Values, now: float, *, active: bool = True) -> Record:
        """A new record."""
        state = State(0, int(now), now, active, values)
        record = Record(entity, self.new_id(), int(now), state)
        self.shelves[entity][record.id] = record
        self._learn(record)
        return record

    def change(self, record: Record, values: Values, now: float, *, active: bool) -> None:
        """These values instead of its former ones: one version more."""
        self._forget(record)
        record.become(State(record.state.token + 1, int(now), now, active, values))
        self._learn(record)

    def drop(self, record: Record, now: float, *, merged: bool = False) -> None:
        """The record is no more; its name is free."""
        del self.shelves[record.entity][record.id]
        self._forget(record)
        self.gone.append(Tombstone(record.entity, record.id, int(now), record if merged else None))

    def _learn(self, record: Record) -> None:
        if name := record.values.get("DisplayName"):
            self.names[key_of(name)] = record.id
        if parent := parent_id(record.values):
            self.children.setdefault(parent, {})[record.id] = None

    def _forget(self, record: Record) -> None:
        if name := record.values.get("DisplayName"):
            self.names.pop(key_of(name), None)
        if parent := parent_id(record.values):
            self.children.get(parent, {}).pop(record.id, None)

    def remember(self, request_id: str, answer: Remembered, since: float) -> None:
        """Keep an answer for its repeats, and no longer those that were given before `since`."""
        self.answered.pop(request_id, None)
        self.answered[request_id] = answer
        for known in [id_ for id_, one in islice(self.answered.items(), 2) if one.at <= since]:
            del self.answered[known]

    # Names and families

    def is_taken(self, name: str, own: str = "") -> bool:
        """By a customer, a vendor or an employee, inactive ones too."""
        return self.names.get(key_of(name), own) != own

    def parent(self, values: Values) -> Record | None:
        return self.find("Customer", parent_id(values))

    def level(self, values: Values) -> int:
        """How many stand above it."""
        above = self.parent(values)
        return 0 if above is None else 1 + self.level(above.values)

    def below(self, id_: str) -> Iterator[str]:
        """Everybody under a customer, however deep."""
        for child in list(self.children.get(id_, ())):
            yield child
            yield from self.below(child)

    def owe(self, customer: str, more: Decimal) -> None:
        self.owed[customer] = self.owed.get(customer, Decimal(0)) + more

    def empty(self) -> None:
        """Nothing stored but what the company is; ids and request ids go on."""
        kept = self.shelves["CompanyInfo"]
        self.shelves = {entity: {} for entity in ENTITIES} | {"CompanyInfo": kept}
        self.gone, self.names, self.children, self.owed = [], {}, {}, {}


def key_of(name: str) -> str:
    return name.strip().casefold()


def parent_id(values: Values) -> str | None:
    found = values.get("ParentRef")
    return found["value"] if found else None
