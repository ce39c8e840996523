"""Lines: live work, replays and backfill of a connection have one each for their calls, so that nobody stands behind what is less urgent.

A line fills its calls (decision 30): of each place at most two claims are on their way to a call that their rows share, and rows that come
meanwhile gather behind them. Who comes alone goes at once, and so does the next one. After a claim of several rows that shared a call the next
one waits for so many more, by the rule of every other stage (`common/patience.py`): whether the first is still on its way or not, a call costs
the same for three as for three hundred. Who is in no hurry has waited before it comes here (`company.py`).

Rows that go one by one, and would go together if they were many, do not keep others from gathering (decision 40): while so many of a place
are under way, what comes meanwhile waits for its turn in the queue instead of in the line, and is taken as one.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from common.clock import monotonic
from common.contracts.ids import ConnectionId, Entity
from common.patience import Patience

Lines = defaultdict[tuple[ConnectionId, int], "Line"]

# Shared calls of one place at a time: one under way, and one on its way.
SHARED = 2
# Rows of one place that go one by one and need not: behind these others gather.
ONE_BY_ONE = 50
# What gathers behind a call that was shared; more than a consumer's batches, because a call is what a vendor counts.
PATIENCE = Patience(each_s=0.010, longest_s=0.400)
# So many are company enough: where they come in such numbers, calls fill while two are under way.
ENOUGH = 200
_Where = tuple[Entity, str]


class Line:
    """One class of work of one connection: how many rows are under way, and the places for their calls."""

    def __init__(self, at_once: int, *, clock: Callable[[], float] = monotonic) -> None:
        self.calls = asyncio.Semaphore(at_once)
        self.rows = 0
        self._clock = clock
        self._sharing: Counter[_Where] = Counter()
        self._until: dict[_Where, float] = {}
        self._one_by_one: Counter[str] = Counter()

    @contextmanager
    def carrying(self, rows: int) -> Iterator[None]:
        self.rows += rows
        try:
            yield
        finally:
            self.rows -= rows

    def sharing(self, rows: Mapping[_Where, int], freed: Callable[[], None]) -> Share:
        """For a claim of so many rows that may share calls there."""
        return Share(self, rows, freed)

    def takes(self, where: Iterable[_Where], many: int) -> None:
        """So many claims more, or fewer, are on their way to a call there that is shared."""
        self._sharing.update(dict.fromkeys(where, many))

    def gathers(self, rows: Mapping[_Where, int]) -> float:
        """Behind a call of so many; for how long at most."""
        waits = {where: PATIENCE.after(many) for where, many in rows.items() if many < ENOUGH}
        now = self._clock()
        for where, wait in waits.items():
            self._until[where] = max(now + wait, self._until.get(where, now))
        return max(waits.values(), default=0.0)

    def single(self, rows: Counter[str], before: Counter[str]) -> None:
        """So many rows of each place go one by one, instead of so many."""
        self._one_by_one.update(rows)
        self._one_by_one.subtract(before)

    @property
    def full(self) -> list[str]:
        """Where rows gather behind calls that are under way."""
        now = self._clock()
        self._until = {where: until for where, until in self._until.items() if until > now}
        shared = {place for (_, place), claims in self._sharing.items() if claims >= SHARED}
        shared |= {place for _, place in self._until}
        return sorted(shared | {place for place, rows in self._one_by_one.items() if rows >= ONE_BY_ONE})


class Share:
    """What one claim takes of the shared calls of its places: from the claim on, and as long as its rows may still share one."""

    def __init__(self, line: Line, rows: Mapping[_Where, int], freed: Callable[[], None]) -> None:
        self._line = line
        self._rows = rows
        self._freed = freed
        self._single: Counter[str] = Counter()
        self._taken = self._shared = False
        self._take(True)

    def may_share(self, may: bool) -> None:
        """Whether a call that several rows share is still to come."""
        if may and not self._shared:
            # Only now it is known that they do: rows that go one by one keep nobody waiting.
            self._shared = True
            if (wait := self._line.gathers(self._rows)) > 0:
                asyncio.get_running_loop().call_later(wait, self._freed)
        self._take(may)

    def _take(self, may: bool) -> None:
        if may == self._taken:
            return
        self._taken = may
        self._line.takes(self._rows, 1 if may else -1)
        if not may:
            self._freed()

    def goes_one_by_one(self, rows: Counter[str]) -> None:
        """How many rows of each place do, until it is said again."""
        fewer = sum(rows.values()) < sum(self._single.values())
        self._line.single(rows, self._single)
        self._single = rows
        if fewer:
            self._freed()

    def over(self) -> None:
        """The claim has ended, however it did."""
        self.may_share(False)
        self.goes_one_by_one(Counter())


def lines(at_once: int) -> Lines:
    """One for each connection and class of work. Each may use all places there are: the budget gives the next one to whoever is most urgent."""
    return defaultdict(lambda: Line(at_once))
