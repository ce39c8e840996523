"""One reading of a source as a job: what it is called, which runs it counts in, how it begins and how it ends.

A job has a run in each sync whose legs start at its source. It begins there before its first page, except for a look at what changed:
nearly all of these find nothing, and the mapper begins their run with the first record. One of which a page tells of many begins it before that
page is told, so that whoever writes the first of them knows that others come. When the listing has ended, the run knows how
many records were read and where the last of them is on its topic, and is over once the mapper is there.

R12: a record that a whole listing lacks may be gone. It is read by id, and only that read decides. Many at once are a question for a person
first: an account that was moved, or a right that was taken away, looks the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.clock import Clock
from common.contracts.connections import Connection
from common.contracts.ids import RecordId, RunId
from common.contracts.messages import Lane
from common.contracts.syncs import Sync
from common.contracts.topics import changes
from common.http.call import Priority
from common.state import feeding, missing_records, polls, read_requests, run_ends, runs
from common.state.polls import NextLook, Poll
from common.state.pool import DbConnection, Pool, transaction
from common.state.read_requests import ReadRequest
from common.state.run_ends import Listed
from common.state.runs import Run
from ingest import schedule
from vendors.registry import vendor_named

# So many may be missing at once before a person is asked.
MISSING_AT_ONCE = 300
# A page that tells of so many is one of a look that has found much.
MANY_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Listener:
    """A sync that starts at a source, and by how many legs: each of them judges every record."""

    sync: Sync
    legs: int


@dataclass(frozen=True, slots=True)
class PollReading:
    """One reading of a source."""

    poll: Poll
    connection: Connection
    listeners: Sequence[Listener]
    changes_only: bool = False
    """It is read back: what has changed every so often, never everything, and no sync enters records by it."""

    @property
    def kind(self) -> str:
        return self.poll.job.partition(".")[0]

    @property
    def lists_everything(self) -> bool:
        """Or only what has changed."""
        return self.kind != "poll"

    @property
    def whole_every(self) -> timedelta:
        return vendor_named(self.connection.vendor).reads.whole_every

    @property
    def lane(self) -> Lane:
        """What changed a moment ago goes before what has been so for years."""
        return Lane.BACKFILL if self.lists_everything else Lane.LIVE

    @property
    def priority(self) -> Priority:
        return "backfill" if self.lists_everything else "live"

    def runs(self) -> Sequence[Run]:
        """One in each sync."""
        by = self.poll.asked_by or "schedule"
        return [Run(RunId(f"{one.sync.name}.{self.poll.job}"), one.sync.id, self.kind, by) for one in self.listeners]


class Jobs:
    """Begins and ends readings."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def begin(self, reading: PollReading) -> PollReading | None:
        """A job that was cut short goes on under its own name. None: somebody else reads by now."""
        poll, now = reading.poll, self._clock.now()
        if poll.job:
            return reading
        async with transaction(self._pool) as tx:
            kind = "poll" if reading.changes_only else schedule.kind(poll, now, reading.whole_every)
            job = poll.asked or f"{kind}.{await runs.next_number(tx)}"
            begun = replace(reading, poll=replace(poll, job=job, began_at=now, sent={}))
            if begun.lists_everything:
                begun = replace(begun, poll=replace(begun.poll, cursor=""))
            if not await polls.begin(tx, poll, job, begun.poll.cursor, now):
                return None
            if begun.lists_everything or poll.asked:
                await self._begin_runs(tx, begun, now)
        return begun

    async def finds(self, reading: PollReading, many: int) -> None:
        """So many changes are about to be told."""
        if many >= MANY_AT_ONCE and not (reading.changes_only or reading.lists_everything or reading.poll.asked):
            async with transaction(self._pool) as tx:
                await self._begin_runs(tx, reading, self._clock.now())

    async def _begin_runs(self, tx: DbConnection, reading: PollReading, now: datetime) -> None:
        await runs.begin(tx, reading.runs(), now)
        await run_ends.will_read(tx, [run.id for run in reading.runs()], [reading.poll.polled])

    async def end(self, reading: PollReading, look: NextLook, sent: Mapping[int, int], *, whole: bool) -> None:
        """The listing has ended; everything it told of is on the topic, before these offsets."""
        poll, now = reading.poll, self._clock.now()
        async with transaction(self._pool) as tx:
            lacking = await missing_records.lacking(tx, poll) if whole else []
            asked = lacking if len(lacking) > MISSING_AT_ONCE else []
            read = await polls.records_read(tx, poll.polled) if reading.lists_everything else None
            # What was not read to its end answers no question, and asks none.
            if not await polls.end(tx, poll, now, look, everything=read, missing=len(asked) if whole else None):
                return
            if whole:
                await missing_records.set_aside(tx, poll, asked)
            if not asked:
                await read_requests.ask(tx, [_missing(poll, record, now) for record in lacking], now)
            if read is not None:
                await feeding.listed(tx, poll.polled, poll.job, poll.began_at, read)
            await self._close(tx, reading, sent, now)
            await polls.forget_met(tx, poll.polled)

    async def _close(self, tx: DbConnection, reading: PollReading, sent: Mapping[int, int], now: datetime) -> None:
        """A look that found nothing leaves no run behind, unless a person asked for it."""
        if reading.changes_only:
            return
        poll, runs = reading.poll, reading.runs()
        read = await polls.records_read(tx, poll.polled)
        if not (read or reading.lists_everything or poll.asked):
            return
        await self._begin_runs(tx, reading, now)
        late = await self._late(tx, reading)
        per_run = {
            run.id: None if run.id in late else read * one.legs
            for run, one in zip(runs, reading.listeners, strict=True)
        }
        await run_ends.has_read(tx, Listed(poll.polled, changes(reading.connection.vendor).name, sent, per_run), now)

    async def _late(self, tx: DbConnection, reading: PollReading) -> set[RunId]:
        """Runs of syncs that came while everything was being listed. A look at changes is over at once, and has its run from the mapper."""
        if not reading.lists_everything or reading.poll.began_at is None:
            return set()
        return await run_ends.begun_since(tx, [run.id for run in reading.runs()], reading.poll.began_at)


def _missing(poll: Poll, record: RecordId, now: datetime) -> ReadRequest:
    return ReadRequest(poll.polled.connection, poll.polled.entity, record, "missing", now)
