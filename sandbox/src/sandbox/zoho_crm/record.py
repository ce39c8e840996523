"""Records as stored, and the shelf of one module: by id, and by the values that are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]


@dataclass(slots=True)
class Record:
    """One record. Lookups and owners are stored as ids; a change replaces `values` and never changes them in place."""

    id: str
    created: int
    modified: int
    created_by: str
    modified_by: str
    owner: str
    values: Values
    before: Values | None = None  # what a lagging search index still has
    locked: bool = False
    approval: str = "approved"
    converted: bool = False

    def __getstate__(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        for name, value in zip(self.__slots__, state, strict=True):
            setattr(self, name, value)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What `/deleted` tells of a record."""

    id: str
    name: str
    type: str  # recycle or permanent
    at: int
    deleted_by: str
    created_by: str


def key_of(value: object) -> str:
    """Values are compared without regard to case and to spaces around them."""
    return str(value).strip().casefold()


@dataclass(slots=True)
class Shelf:
    """The records of one module."""

    records: dict[str, Record] = field(default_factory=dict)
    gone: list[Tombstone] = field(default_factory=list)
    _indexes: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self.records.values()))

    def __len__(self) -> int:
        return len(self.records)

    def get(self, id_: str) -> Record | None:
        return self.records.get(id_)

    def put(self, record: Record, values: Values) -> None:
        """Store a record with these values, new or in place of its former ones."""
        for name, index in self._indexes.items():
            _forget(index, record.values.get(name), record.id)
            _learn(index, values.get(name), record.id)
        record.values = values
        self.records[record.id] = record

    def drop(self, id_: str) -> None:
        record = self.records.pop(id_)
        for name, index in self._indexes.items():
            _forget(index, record.values.get(name), id_)

    def having(self, name: str, value: object) -> list[Record]:
        """The records with this value, oldest first."""
        if value in (None, ""):
            return []
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for record in self.records.values():
                _learn(index, record.values.get(name), record.id)
        return [self.records[id_] for id_ in index.get(key_of(value), ())]

    def forget_indexes(self) -> None:
        self._indexes = {}


def _learn(index: dict[str, dict[str, None]], value: object, id_: str) -> None:
    if value not in (None, ""):
        index.setdefault(key_of(value), {})[id_] = None


def _forget(index: dict[str, dict[str, None]], value: object, id_: str) -> None:
    index.get(key_of(value), {}).pop(id_, None)
