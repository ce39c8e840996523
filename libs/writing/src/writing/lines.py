"""Lines: live work, replays and backfill of a connection have one each for their calls, so that nobody stands behind what is less urgent.

A line fills its calls (decision 30): of each place at most two claims are on their way to a call that their rows share, and rows that come
meanwhile gather behind them. Nobody waits here for company by the clock: the first goes at once, and so does the second. Who is in no hurry has
waited before it comes here (`company.py`).

Rows that go one by one, and would go together if they were many, do not keep others from gathering (decision 40): while so many of a place
are under way, what comes meanwhile waits for its turn in the queue instead of in the line, and is taken as one.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from common.contracts.ids import ConnectionId, Entity

Lines = defaultdict[tuple[ConnectionId, int], "Line"]

# Shared calls of one place at a time: one under way, and one on its way.
SHARED = 2
# Rows of one place that go one by one and need not: behind these others gather.
ONE_BY_ONE = 50
_Where = tuple[Entity, str]


class Line:
    """One class of work of one connection: how many rows are under way, and the places for their calls."""

    def __init__(self, at_once: int) -> None:
        self.calls = asyncio.Semaphore(at_once)
        self.rows = 0
        self._sharing: Counter[_Where] = Counter()
        self._one_by_one: Counter[str] = Counter()

    @contextmanager
    def carrying(self, rows: int) -> Iterator[None]:
        self.rows += rows
        try:
            yield
        finally:
            self.rows -= rows

    def sharing(self, where: Iterable[_Where], freed: Callable[[], None]) -> Share:
        """For a claim whose rows may share calls there."""
        return Share(self._sharing, self._one_by_one, frozenset(where), freed)

    @property
    def full(self) -> list[str]:
        """Where rows gather behind calls that are under way."""
        shared = {place for (_, place), claims in self._sharing.items() if claims >= SHARED}
        return sorted(shared | {place for place, rows in self._one_by_one.items() if rows >= ONE_BY_ONE})


class Share:
    """What one claim takes of the shared calls of its places: from the claim on, and as long as its rows may still share one."""

    def __init__(
        self, sharing: Counter[_Where], one_by_one: Counter[str], where: frozenset[_Where], freed: Callable[[], None]
    ) -> None:
        self._sharing = sharing
        self._one_by_one = one_by_one
        self._mine: Counter[str] = Counter()
        self._where = where
        self._freed = freed
        self._taken = False
        self.may_share(True)

    def may_share(self, may: bool) -> None:
        """Whether a call that several rows share is still to come."""
        if may == self._taken:
            return
        self._taken = may
        self._sharing.update(dict.fromkeys(self._where, 1 if may else -1))
        if not may:
            self._freed()

    def goes_one_by_one(self, rows: Counter[str]) -> None:
        """How many rows of each place do, until it is said again."""
        fewer = sum(rows.values()) < sum(self._mine.values())
        self._one_by_one.update(rows)
        self._one_by_one.subtract(self._mine)
        self._mine = rows
        if fewer:
            self._freed()

    def over(self) -> None:
        """The claim has ended, however it did."""
        self.may_share(False)
        self.goes_one_by_one(Counter())


def lines(at_once: int) -> Lines:
    """One for each connection and class of work. Each may use all places there are: the budget gives the next one to whoever is most urgent."""
    return defaultdict(lambda: Line(at_once))
