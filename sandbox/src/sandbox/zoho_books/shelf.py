"""Records of one kind, with orders and look-ups that are built at first use and kept up after each change.

Records on a shelf are never changed in place: a change puts a new one, which is what lets a lagging list show the old.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Generic, Protocol, TypeVar

Key = str | int | float
REBUILD_SHARE = 20
WALKS_KEPT = 4


class Record(Protocol):
    id: str


R = TypeVar("R", bound=Record)


class Order(Generic[R]):
    """Ids sorted by one column. Changes are noted and worked in when the order is next read."""

    __slots__ = ("_column", "_dirty", "_keys", "_sorted")

    def __init__(self, column: Callable[[R], Key], records: Mapping[str, R]) -> None:
        self._column = column
        self._dirty: set[str] = set()
        self._build(records)

    def _build(self, records: Mapping[str, R]) -> None:
        column = self._column
        self._keys = {id_: (column(record), id_) for id_, record in records.items()}
        self._sorted = sorted(self._keys.values())
        self._dirty.clear()

    def changed(self, id_: str) -> None:
        self._dirty.add(id_)

    def entries(self, records: Mapping[str, R]) -> Sequence[tuple[Key, str]]:
        """(key, id) in ascending order."""
        if len(self._dirty) * REBUILD_SHARE > len(records):
            self._build(records)
        for id_ in self._dirty:
            self._refile(id_, records.get(id_))
        self._dirty.clear()
        return self._sorted

    def key(self, record: R) -> tuple[Key, str]:
        return self._column(record), record.id

    def _refile(self, id_: str, record: R | None) -> None:
        old = self._keys.pop(id_, None)
        if old is not None:
            del self._sorted[bisect_left(self._sorted, old)]
        if record is not None:
            entry = self._keys[id_] = (self._column(record), id_)
            insort(self._sorted, entry)


class LookUp(Generic[R]):
    """Ids by the values of one column."""

    __slots__ = ("_column", "_dirty", "_filed", "_ids")

    def __init__(self, column: Callable[[R], Iterable[str]], records: Mapping[str, R]) -> None:
        self._column = column
        self._filed: dict[str, tuple[str, ...]] = {}
        self._ids: dict[str, list[str]] = {}
        self._dirty: set[str] = set(records)

    def changed(self, id_: str) -> None:
        self._dirty.add(id_)

    def ids(self, value: str, records: Mapping[str, R]) -> list[str]:
        for id_ in sorted(self._dirty):
            self._refile(id_, records.get(id_))
        self._dirty.clear()
        return self._ids.get(value, [])

    def _refile(self, id_: str, record: R | None) -> None:
        for value in self._filed.pop(id_, ()):
            self._ids[value].remove(id_)
        if record is not None:
            values = self._filed[id_] = tuple(self._column(record))
            for value in values:
                self._ids.setdefault(value, []).append(id_)


class Walk(Generic[R]):
    """A filtered list as far as somebody has read it: the next page goes on where the last one ended."""

    __slots__ = ("_rest", "_seen")

    def __init__(self, records: Iterable[R]) -> None:
        self._rest = iter(records)
        self._seen: list[R] = []

    def window(self, start: int, stop: int) -> list[R]:
        if len(self._seen) < stop:
            self._seen.extend(islice(self._rest, stop - len(self._seen)))
        return self._seen[start:stop]


class Shelf(Generic[R]):
    """All records of one kind in one organisation."""

    def __init__(
        self, orders: Mapping[str, Callable[[R], Key]], look_ups: Mapping[str, Callable[[R], Iterable[str]]]
    ) -> None:
        self._columns, self._look_up_columns = orders, look_ups
        self._records: dict[str, R] = {}
        self._orders: dict[str, Order[R]] = {}
        self._look_ups: dict[str, LookUp[R]] = {}
        self._past: deque[tuple[int, str, R | None]] = deque()
        self._walks: dict[Hashable, Walk[R]] = {}
        self.keeps_past = False
        self.version = 0

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(self._records.values())

    def get(self, id_: str) -> R | None:
        return self._records.get(id_)

    def put(self, record: R, now: int) -> None:
        """Add or replace."""
        self._remember(record.id, now)
        self._records[record.id] = record
        self._note(record.id)

    def touch(self, id_: str) -> None:
        """Something outside the record changed a column of it (a customer's name)."""
        self._note(id_)

    def drop(self, id_: str, now: int) -> None:
        self._remember(id_, now)
        self._records.pop(id_, None)
        self._note(id_)

    def _remember(self, id_: str, now: int) -> None:
        if self.keeps_past:
            self._past.append((now, id_, self._records.get(id_)))

    def _note(self, id_: str) -> None:
        self.version += 1
        for order in self._orders.values():
            order.changed(id_)
        for look_up in self._look_ups.values():
            look_up.changed(id_)

    def look_up(self, column: str, value: str) -> list[R]:
        """Records by the exact value of a look-up column."""
        index = self._look_ups.get(column)
        if index is None:
            index = self._look_ups[column] = LookUp(self._look_up_columns[column], self._records)
        return [self._records[id_] for id_ in index.ids(value, self._records)]

    def has_look_up(self, column: str) -> bool:
        return column in self._look_up_columns

    def key(self, column: str, record: R) -> tuple[Key, str]:
        return self._columns[column](record), record.id

    def walk(self, column: str, *, descending: bool, as_of: int | None = None) -> Iterator[R]:
        """Records in the order of a column, as they were at `as_of` when the list lags."""
        index = self._order(column)
        entries = index.entries(self._records)
        then = self._as_then(as_of)
        if then:
            return self._walk_then(index, entries, then, descending=descending)
        records = self._records
        return (records[id_] for _, id_ in (reversed(entries) if descending else entries))

    def window(self, column: str, start: int, stop: int, *, descending: bool) -> list[R]:
        """A slice of the order of a column, without walking to it."""
        entries = self._order(column).entries(self._records)
        if descending:
            start, stop = max(len(entries) - stop, 0), max(len(entries) - start, 0)
        found = [self._records[id_] for _, id_ in entries[start:stop]]
        return found[::-1] if descending else found

    def walked(self, key: Hashable, start: int, stop: int, begin: Callable[[], Iterable[R]]) -> list[R]:
        """A slice of the list `key` names (what is asked for, and of which version of the data)."""
        walk = self._walks.pop(key, None) or Walk(begin())
        self._walks[key] = walk
        if len(self._walks) > WALKS_KEPT:
            del self._walks[next(iter(self._walks))]
        return walk.window(start, stop)

    def warm(self, *columns: str) -> None:
        """Build orders ahead of the first list."""
        for column in columns:
            self._order(column)

    def _order(self, column: str) -> Order[R]:
        index = self._orders.get(column)
        if index is None:
            index = self._orders[column] = Order(self._columns[column], self._records)
        return index

    def _as_then(self, as_of: int | None) -> dict[str, R | None]:
        """What records changed after `as_of` looked like at that time; None: they did not exist yet."""
        if as_of is None:
            return {}
        while self._past and self._past[0][0] <= as_of:
            self._past.popleft()
        then: dict[str, R | None] = {}
        for _, id_, record in self._past:
            then.setdefault(id_, record)
        return then

    def _walk_then(
        self, index: Order[R], entries: Sequence[tuple[Key, str]], then: Mapping[str, R | None], *, descending: bool
    ) -> Iterator[R]:
        kept = [entry for entry in entries if entry[1] not in then]
        for record in then.values():
            if record is not None:
                insort(kept, index.key(record))
        for _, id_ in reversed(kept) if descending else kept:
            yield then.get(id_) or self._records[id_]

    def records(self) -> Mapping[str, R]:
        return self._records

    def restore(self, records: dict[str, R]) -> None:
        """Take whole content at once (snapshots, seeds); indexes are built at the next use."""
        self._records = records
        self._orders.clear()
        self._look_ups.clear()
        self._past.clear()
        self._walks.clear()
        self.version += 1
