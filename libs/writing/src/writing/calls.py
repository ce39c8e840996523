"""One call as its two transactions see it: with its intents before, and with its answer after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from common.clock import monotonic
from common.state.pool import DbConnection
from vendors.acts import Act
from vendors.target import Target
from writing import target_records
from writing.caller import Answers
from writing.claimed import Claimed
from writing.items import ItemKey

Batch = Sequence[tuple[Claimed, Act]]


class Intended(NamedTuple):
    """A call whose intents are stored: with the rows that are still ours."""

    name: str
    batch: Batch
    at: datetime
    """When that was, in business time."""
    stored_at: datetime
    """The same by the database's own time, by which holds are measured, and by our monotonic clock."""
    began: float

    def now(self) -> datetime:
        """This moment by the database's time."""
        return self.stored_at + timedelta(seconds=monotonic() - self.began)


class Sent(NamedTuple):
    """One call and its answer, row by row."""

    call: Intended
    answers: Answers
    answered_at: datetime
    """By the database's time: one moment for all of its rows, so that they stay together."""
    split: bool = False
    """Refused whole, and nothing of it was applied: its rows go on in parts, and none of them is to blame yet."""
    outage: bool = False
    """The vendor as a whole is away: no attempt."""
    later: bool = False
    """It was a deferred call: nobody works on its rows, and nothing of it is on its way any more."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The vendor's horizon for calls that nobody saw the end of (R2), its read lag (R24), and how long a lease lasts."""

    horizon: timedelta
    read_lag: timedelta
    lease: timedelta


def first_bodies(target: Target, batch: Batch) -> dict[ItemKey, Mapping[str, Any]]:
    """R24: what the creates among them carry, of records that are made once and were not tried before; from now on it is repeated."""
    if target.mode != "once":
        return {}
    first = [(row, act) for row, act in batch if row.first_body is None and target.brings(act)]
    for row, act in first:
        row.first_body = act.values
    return {row.item.key: act.values for row, act in first}


async def refresh(tx: DbConnection, keys: Sequence[tuple[Claimed, str]], now: datetime) -> None:
    """What is known now, locked: an event may have told more than what was known when the rows were taken."""
    current = await target_records.lock(tx, [row.target(key) for row, key in keys], now)
    for row, key in keys:
        row.known[key] = current[row.target(key)]


def batches(acts: Sequence[tuple[Claimed, Act]]) -> Iterator[Batch]:
    """Acts of one batch and one place share a call, as many as it takes; an act without a batch goes alone.

    Rows whose last call broke as a whole stay among themselves: whoever is guilty takes nobody else along.
    """
    together: defaultdict[tuple[str, str, str], list[tuple[Claimed, Act]]] = defaultdict(list)
    for row, act in acts:
        if act.batch:
            together[row.item.place, act.batch, row.call_group].append((row, act))
        else:
            yield [(row, act)]
    for group in together.values():
        most = group[0][1].most
        for at in range(0, len(group), most):
            yield group[at : at + most]
