"""What was judged enters its run, in the transaction that judged it: each change of a day, each record of a job, exactly once.

A change that told nothing new (a repeat, an outdated one) is no change; several of one record in one batch are judged once, and all but the
newest of them are superseded. What needs nothing is counted without a row. A job that comes over the changes' topic (a poll, a backfill)
counts a record that it read once, however often its messages are read again; what changes once more meanwhile is a live change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import Entity, RunId, SyncId
from common.contracts.messages import ChangeEvent
from common.state import runs
from common.state.configuration import Configuration
from common.state.pool import DbConnection
from common.state.runs import LIVE, Entering, LineKey, Run
from mapper.state import Verdict
from mapper.state_rows import Key


class JudgedBySync(NamedTuple):
    """One record, judged by one sync."""

    sync: SyncId
    sync_name: str
    entity: Entity
    """As the sync names it."""
    key: Key
    revision: int
    """The one that was raised; 0: nothing new is wanted."""
    skip: str
    aside: bool = False
    """By a leg that no listing is for: it counts in no job."""


Jobs = Sequence[RunId | None]
"""What made a record be judged, the oldest first: a job's name, or None for a live change."""


def run_of(sync_name: str, job: RunId | None, now: datetime) -> RunId:
    """The run of a sync that a job, or a live change, counts in."""
    return runs.live_run(sync_name, now) if job is None else RunId(f"{sync_name}.{job}")


def counts(change: ChangeEvent, verdict: Verdict, before: Jobs) -> bool:
    """Whether a change is one for people, after those of the same batch; a job counts what it read, new or not, and once."""
    if change.run is None:
        return verdict is Verdict.RECEIVED
    # What a listing only names is read by id, and counted then.
    return change.kind != "asked" and change.run not in before


async def enter_changes(
    tx: DbConnection, judged: Iterable[JudgedBySync], heard: Mapping[Key, Jobs], now: datetime
) -> None:
    """What a batch of changes was judged to be; repeatable, because a repeat tells nothing new and a job has its line already."""
    book = _Book(now)
    for one in judged:
        jobs = [None] if one.aside else heard[one.key]
        if one.aside and not one.revision:
            continue
        *merged, last = jobs or [None]
        if jobs or one.revision:
            book.enter(one, last)
        for job in merged:
            book.superseded(one, job)
    await book.store(tx)


async def enter_lost(
    tx: DbConnection, configuration: Configuration, lost: Iterable[tuple[ChangeEvent, str]], now: datetime
) -> None:
    """What became a dead letter has failed in the job that read it, for every leg that would have judged it; the code says why.

    Tried again by a person it is a live change: the job is over, and its books are closed.
    """
    book = _Book(now)
    for change, code in lost:
        key = Key(change.connection, change.entity, change.record)
        for leg in configuration.legs_of(key.connection, key.entity) if change.run is not None else ():
            if leg.is_aside:
                continue
            sync = configuration.syncs[leg.sync]
            book.failed(JudgedBySync(leg.sync, sync.name, leg.name, key, 0, ""), change.run, code)
    await book.store(tx)


async def enter_page(tx: DbConnection, judged: Iterable[JudgedBySync], run: Run, now: datetime) -> None:
    """A page of what is stored; its cursor is saved in the same transaction, so that no record comes twice."""
    book = _Book(now, {run.id: run})
    for one in judged:
        live = book.live(one)
        if one.revision:
            book.lines.append(Entering(run.id, _key(one), otherwise=live))
        elif one.skip:
            book.lines.append(Entering(run.id, _key(one), "skipped", one.skip, otherwise=live))
        else:
            book.counted[run.id, "unchanged"] += 1
    await book.store(tx)


@dataclass(slots=True)
class _Book:
    """The lines of one transaction, and the runs that begin with them."""

    now: datetime
    runs: dict[RunId, Run] = field(default_factory=dict)
    lines: list[Entering] = field(default_factory=list)
    counted: Counter[tuple[RunId, str]] = field(default_factory=Counter)
    _named: dict[tuple[str, RunId | None], RunId] = field(default_factory=dict)

    def enter(self, one: JudgedBySync, job: RunId | None) -> None:
        run, live = self._run(one, job), self.live(one)
        if one.revision:
            self.lines.append(Entering(run, _key(one), otherwise=live))
        elif job is not None or one.skip:
            ended = "skipped" if one.skip else "unchanged"
            self.lines.append(Entering(run, _key(one), ended, one.skip, otherwise=None if job else live))
        else:
            self.counted[run, "unchanged"] += 1

    def superseded(self, one: JudgedBySync, job: RunId | None) -> None:
        run = self._run(one, job)
        if job is None:
            self.counted[run, "superseded"] += 1
        else:
            self.lines.append(Entering(run, _key(one._replace(revision=0)), "superseded"))

    def failed(self, one: JudgedBySync, job: RunId | None, code: str) -> None:
        self.lines.append(Entering(self._run(one, job), _key(one), "failed", code))

    def live(self, one: JudgedBySync) -> RunId:
        return self._run(one, None)

    def _run(self, one: JudgedBySync, job: RunId | None) -> RunId:
        whose = (one.sync_name, job)
        if whose not in self._named:
            id = self._named[whose] = run_of(one.sync_name, job, self.now)
            kind, by = (LIVE, "webhook") if job is None else (job.partition(".")[0], "schedule")
            self.runs.setdefault(id, Run(id, one.sync, kind, by))
        return self._named[whose]

    async def store(self, tx: DbConnection) -> None:
        counted: Mapping[tuple[RunId, str], int] = self.counted
        await runs.enter(tx, self.lines, self.now, runs=self.runs.values(), counted=counted)


def _key(one: JudgedBySync) -> LineKey:
    return LineKey(one.sync, one.entity, one.key.record, one.revision)
