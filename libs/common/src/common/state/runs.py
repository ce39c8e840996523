"""The run ledger: what enters a run, and how it ends, stored in the transaction that makes it so.

A record enters a run when the mapper has judged it; in a day of live changes each *change* enters, because people count those. Its end is
stored by whoever ends it: mapper, intake or writer. Counts are kept by the database as rows change (`flow.run_count`, decision 0026), and
what was let in is counted apart from what became of it: a run whose books do not close has lost something.

A line speaks for one revision of one record. What is written of a revision whose line is closed (somebody changed the target, a neighbour
left) is nobody's change: it enters the day's live changes and ends there. A repeat of anything finds its line closed and counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId, RunId, SyncId
from common.state.pool import DbConnection
from common.state.run_statements import AGAIN, BEGIN, CALLED, ENTER, SPEAK

Did = Literal["", "added", "updated", "removed"]
Ended = Literal["", "unchanged", "skipped", "failed", "superseded"]
LIVE = "live"
OUTCOMES = ("added", "updated", "removed", "unchanged", "skipped", "failed", "superseded", "waiting")


@dataclass(frozen=True, slots=True)
class Run:
    """What begins."""

    id: RunId
    sync: SyncId
    kind: str
    started_by: str = ""
    mapping_version: int | None = None


class LineKey(NamedTuple):
    """One revision of one record of one sync."""

    sync: SyncId
    entity: Entity
    record: RecordId
    revision: int


@dataclass(frozen=True, slots=True)
class Entering:
    """One record that enters a run; with an outcome it ends at once."""

    run: RunId
    key: LineKey
    outcome: str = "waiting"
    reason: str = ""
    otherwise: RunId | None = None
    """Where it enters when it is in the run already; None: nowhere, because a job counts a record once."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a transaction says of one line: what was written of it, and how it ends, if it ends."""

    did: Did = ""
    ended: Ended = ""
    reason: str = ""
    late: bool = False
    """It was written after all: a line that is closed is put right."""

    def and_then(self, later: Spoken) -> Spoken:
        """Both, said of the same line by one transaction."""
        last = later if later.ended else self
        return Spoken(most(self.did, later.did), last.ended, last.reason, self.late or later.late)


def most(one: Did, other: Did) -> Did:
    """A record that was added and changed was added; one that was changed and left elsewhere was changed."""
    words: tuple[Did, ...] = ("added", "updated", "removed", "")
    return min(one, other, key=words.index)


def live_run(sync_name: str, now: datetime) -> RunId:
    """The day's (UTC) live changes of a sync."""
    return RunId(f"{sync_name}.{LIVE}.{now.astimezone(UTC):%Y-%m-%d}")


def version_run(sync_name: str, version: int) -> RunId:
    """The job by which a mapping version judges what is stored."""
    return RunId(f"{sync_name}.v{version}")


def is_job(run: str) -> bool:
    """Whether a run is something that was asked for and ends, and no day of live changes."""
    return run.split(".")[1:2] not in ([], [LIVE])


async def next_number(tx: DbConnection) -> int:
    """For a run that nothing else names."""
    number: int = await tx.fetchval("select nextval('flow.run_number')")
    return number


async def begin(tx: DbConnection, runs: Iterable[Run], now: datetime) -> None:
    """A run is a row from its start; one that has begun stays as it is."""
    ordered = sorted(runs, key=lambda run: run.id)
    await tx.execute(BEGIN, *_run_columns(ordered), now)


async def close(tx: DbConnection, run: RunId, now: datetime) -> None:
    """Nothing enters it any more."""
    await tx.execute("update flow.run set closed_at = $2 where id = $1 and closed_at is null", run, now)


async def enter(
    tx: DbConnection,
    lines: Sequence[Entering],
    now: datetime,
    *,
    runs: Iterable[Run] = (),
    counted: Mapping[tuple[RunId, str], int] | None = None,
) -> None:
    """Lets records in, in one statement; of `runs` those begin that get any.

    `counted` are records without a row, by run and outcome: what needed nothing, or was merged with something newer before it was judged.
    """
    more = counted or {}
    if not lines and not more:
        return
    await tx.execute(
        ENTER,
        *_run_columns(sorted(runs, key=lambda run: run.id)),
        now,
        *_key_columns([line.key for line in lines]),
        [line.run for line in lines],
        [line.outcome for line in lines],
        [line.reason for line in lines],
        ["" if line.otherwise is None else line.otherwise for line in lines],
        [run for run, _ in more],
        [outcome for _, outcome in more],
        list(more.values()),
    )


async def called(tx: DbConnection, calls: Mapping[tuple[RunId, ConnectionId], int], now: datetime) -> None:
    """Calls that were made for records of these runs; of the day's live changes nobody asks that."""
    jobs = {whose: many for whose, many in calls.items() if is_job(whose[0])}
    if jobs:
        columns = [[run for run, _ in jobs], [connection for _, connection in jobs], list(jobs.values())]
        await tx.execute(CALLED, *columns, now)


async def speak(tx: DbConnection, spoken: Mapping[LineKey, Spoken], now: datetime) -> None:
    """Stores what was written and what ended, in one statement; the work items of these records are locked."""
    said = {key: one for key, one in spoken.items() if one.did or one.ended}
    if said:
        await tx.execute(
            SPEAK,
            *_key_columns(said),
            [one.did for one in said.values()],
            [one.ended for one in said.values()],
            [one.reason for one in said.values()],
            [one.late for one in said.values()],
            now,
            f"{now.astimezone(UTC):%Y-%m-%d}",
        )


async def open_again(tx: DbConnection, keys: Iterable[LineKey]) -> None:
    """What had failed is tried once more, in the run where it failed; its work items are locked."""
    await tx.execute(AGAIN, *_key_columns(keys))


def _run_columns(runs: Sequence[Run]) -> list[list[Any]]:
    names = ("id", "sync", "kind", "started_by", "mapping_version")
    return [[getattr(run, name) for run in runs] for name in names]


def _key_columns(keys: Iterable[LineKey]) -> list[list[Any]]:
    listed = list(keys)
    return [[key[at] for key in listed] for at in range(4)]
