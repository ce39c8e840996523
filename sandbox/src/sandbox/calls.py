"""The activity log and the counts: each call, and every record it applied."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from sandbox.simulator import Applied

KEPT = 200_000
SECRET = re.compile(r"((?:client_secret|refresh_token|access_token|code|token|apikey)=)[^&]*")


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the activity log."""

    at: str
    mono_ns: int
    vendor: str
    account: str
    method: str
    path: str
    query: str
    status: int  # 0: the connection was reset
    request_id: str
    operator: bool
    applied: Sequence[Applied]
    route: str
    fault: str

    def row(self, seq: int) -> dict[str, object]:
        row: dict[str, object] = {"seq": seq}
        row.update({name: getattr(self, name) for name in self.__slots__})
        row["applied"] = [{"kind": kind, "id": id_, "op": op} for kind, id_, op in self.applied]
        return row


@dataclass(slots=True)
class Count:
    """Calls of one route; `writes` are calls that changed something, `records` what they changed."""

    calls: int = 0
    writes: int = 0
    records: int = 0
    throttled: int = 0


Dumped = tuple[list[Call], int, dict[tuple[str, str, str], Count]]


class CallLog:
    """Calls in order, numbered without gaps; numbers go on after a reset and after a restart."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._next = 1
        self._counts: dict[tuple[str, str, str], Count] = {}

    def add(self, call: Call) -> None:
        self._calls.append(call)
        self._next += 1
        if not call.operator:
            self._count(call)

    def _count(self, call: Call) -> None:
        count = self._counts.setdefault((call.vendor, call.account, call.route), Count())
        changed = sum(1 for applied in call.applied if applied.op != "noop")
        count.calls += 1
        count.writes += changed > 0
        count.records += changed
        count.throttled += call.status == 429

    def since(self, seq: int) -> tuple[list[dict[str, object]], int]:
        """The calls after number `seq`, and the number to ask with next time: that of the last call."""
        first = self._next - len(self._calls)
        start = max(seq + 1, first)
        rows = [call.row(start + at) for at, call in enumerate(islice(self._calls, start - first, None))]
        return rows, self._next - 1

    def last(self, many: int) -> list[Call]:
        """The newest calls, newest first."""
        return list(islice(reversed(self._calls), many))

    def counts(self) -> list[dict[str, object]]:
        return [
            {
                "vendor": vendor,
                "account": account,
                "route": route,
                "calls": count.calls,
                "writes": count.writes,
                "records": count.records,
                "429s": count.throttled,
            }
            for (vendor, account, route), count in sorted(self._counts.items())
        ]

    def reset(self) -> None:
        self._calls.clear()
        self._counts.clear()

    def dump(self) -> object:
        return list(self._calls), self._next, self._counts

    def load(self, dumped: object) -> None:
        calls, self._next, self._counts = cast(Dumped, dumped)
        self._calls = deque(calls, maxlen=KEPT)


def masked(query: str) -> str:
    """A query without the values of its secrets."""
    return SECRET.sub(r"\1***", query)
