"""Runs as people see them: a day of live changes, a mapping version over what was stored, a sync that was switched off or on.

Its books close: Total = Added + Updated + Removed + Unchanged + Skipped + Failed + Superseded + Waiting. Total is what was let in, the others
are how each record ended, so a record that was lost in between makes a run that does not close. Where a source was read for a run, as many must
have been let in as were read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.ids import RunId
from common.state import pool as state
from common.state.runs import LIVE, OUTCOMES
from console import codes, record_codes
from console.state import details, run_listings, run_waits
from console.state import runs as rows
from console.state.run_waits import WaitsFor
from console.state.runs import Count, RecordPlace, RunRecord, RunRow
from console.use_cases.detail_costs import DetailCost, detail_cost
from console.use_cases.listing_left import Forecasts, ListingLeft, listing_left
from console.use_cases.run_pace import RunPace
from console.use_cases.syncs import Syncs
from vendors.registry import vendor_named

ENDS = tuple(name for name in OUTCOMES if name != "waiting")


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run with what its counts come to at this moment."""

    row: RunRow
    total: int
    counts: Mapping[str, int]
    """What waits without anybody who will end it is in none of them."""
    over: bool
    """Nothing enters it any more."""
    wait: WaitsFor | None = None
    """Why nothing moves, of a run that is not finished."""
    details: DetailCost | None = None
    """Of records that it has listed and written as far as they are known: those that are still to be read one by one."""
    seconds_left: float | None = None
    """How long it will take, if it goes on as it has gone so far; None while nobody can tell."""
    expected: int | None = None
    """About how many records it will have, while its sources are listed and that can be told."""

    @property
    def name(self) -> str:
        """What it is called within its sync."""
        return self.row.id.removeprefix(f"{self.row.sync_name}.")

    @property
    def unaccounted(self) -> int:
        """Let in, and nobody knows or will tell how they ended."""
        return max(0, self.total - sum(self.counts.values())) + self.not_let_in

    @property
    def not_let_in(self) -> int:
        """Read, and never judged."""
        if self.read is None or not self.over:
            return 0
        return max(0, self.read - self.total)

    @property
    def read(self) -> int | None:
        """How many records were read for it."""
        return None if self.row.stopped else self.row.listed

    @property
    def closes(self) -> bool:
        """Whether every record that was read was let in, and is in one of the counts."""
        return self.total == sum(self.counts.values()) and not self.not_let_in

    @property
    def state(self) -> str:
        """One of the words that people see."""
        if not self.over:
            return "Reading"
        if self.counts["waiting"]:
            return "Writing"
        if self.row.stopped:
            return "Stopped"
        return "Completed with errors" if self.counts["failed"] else "Completed"

    @property
    def finished_at(self) -> datetime | None:
        """When the last record had its end; None as long as one waits, or may come."""
        if not self.over or self.counts["waiting"]:
            return None
        ends = [one.last_at for one in self.row.counts if one.last_at is not None]
        return max([*ends, self.row.closed_at or self.row.started_at])

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls its records have cost, by vendor: lists, looks and writes."""
        found = Counter({vendor: int(many) for vendor, many in self.row.called.items() if many})
        found.update({one.reason: one.records for one in self.row.counts if one.outcome == "called"})
        return dict(sorted(found.items()))

    def reasons(self, outcome: str) -> dict[str, int]:
        """Why records were skipped, or failed: by reason, the most frequent first."""
        found = {one.reason: one.records for one in self.row.counts if one.outcome == outcome and one.reason}
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, the newest first, and where older ones begin."""

    items: Sequence[ShownRun]
    after: tuple[str, str] | None
    since: datetime | None = None
    """Of one sync: every run since then is kept."""


class Runs:
    """Reads the ledger."""

    def __init__(self, pool: state.Pool, syncs: Syncs, clock: Clock, forecasts: Forecasts | None = None) -> None:
        self._pool = pool
        self._syncs = syncs
        self._clock = clock
        self._forecasts = forecasts

    async def of_sync(self, name: str, limit: int, after: tuple[str, ...] | None = None) -> RunPage:
        """A sync's history."""
        sync = await self._syncs.row(name)
        async with state.transaction(self._pool) as link:
            since = await rows.oldest(link, sync.id) or sync.created_at
            return await self._page(link, sync.id, limit, after, since)

    async def page(self, limit: int, after: tuple[str, ...] | None = None) -> RunPage:
        """Of all syncs."""
        async with state.transaction(self._pool) as link:
            return await self._page(link, None, limit, after, None)

    async def show(self, id: str) -> ShownRun:
        """One run."""
        async with state.transaction(self._pool) as link:
            row = await rows.one(link, id)
            if row is None:
                raise _unknown(id)
            return (await self._shown(link, [row]))[0]

    async def records(
        self, id: str, outcomes: Iterable[str], limit: int, after: tuple[str, ...] | None = None
    ) -> tuple[Sequence[RunRecord], tuple[str, ...] | None]:
        """Its records with one of these ends (any, when none is named), and where the next ones begin."""
        place = _place(after) if after else None
        async with state.transaction(self._pool) as link:
            if await rows.one(link, id) is None:
                raise _unknown(id)
            found = await rows.records(link, id, sorted(set(outcomes) or OUTCOMES), place, limit + 1)
        shown = found[:limit]
        return shown, _cursor(shown[-1].place) if len(found) > limit else None

    async def _page(
        self,
        link: state.DbConnection,
        sync: str | None,
        limit: int,
        after: tuple[str, ...] | None,
        since: datetime | None,
    ) -> RunPage:
        found = await rows.page(link, sync, _before(after) if after else None, limit + 1)
        shown = await self._shown(link, found[:limit])
        last = (shown[-1].row.started_at.isoformat(), shown[-1].row.id) if len(found) > limit else None
        return RunPage(shown, last, since)

    async def _shown(self, link: state.DbConnection, found: Sequence[RunRow]) -> list[ShownRun]:
        now = self._clock.now()
        waiting = [row.id for row in found if any(one.outcome == "waiting" for one in row.counts)]
        lost = await rows.lost(link, waiting, now) if waiting else {}
        shown = [_shown(row, lost.get(row.id, 0), now) for row in found]
        open_ones = [one.row.id for one in shown if one.finished_at is None and one.row.kind != LIVE]
        waits = await run_waits.of(link, open_ones, now) if open_ones else {}
        reads = await self._details(link, [row.id for row in found if row.kind != LIVE], now)
        shown = [replace(one, details=reads.get(one.row.id)) for one in shown]
        listed = await self._listed(link, [one.row.id for one in shown if one.row.id in open_ones and not one.over])
        return [
            _with_rest(one, waits.get(one.row.id), listed.get(one.row.id), now) if one.row.id in open_ones else one
            for one in shown
        ]

    async def _listed(self, link: state.DbConnection, reading: Sequence[RunId]) -> Mapping[RunId, ListingLeft]:
        return await listing_left(await run_listings.of(link, reading), self._forecasts) if reading else {}

    async def _details(self, link: state.DbConnection, runs: Sequence[RunId], now: datetime) -> dict[str, DetailCost]:
        found: dict[str, DetailCost] = {}
        for one in await details.awaited(link, runs) if runs else ():
            cost = detail_cost(vendor_named(one.connection.vendor), one.connection, one.records, now)
            found[one.run] = found.get(one.run, DetailCost()) + cost
        return found


def _shown(row: RunRow, lost: int, now: datetime) -> ShownRun:
    counts = {name: _sum(row.counts, name) for name in OUTCOMES}
    counts["waiting"] -= lost
    today = row.started_at.astimezone(UTC).date() >= now.astimezone(UTC).date()
    over = not today if row.kind == LIVE else row.closed_at is not None
    return ShownRun(row, _sum(row.counts, "entered"), counts, over)


def _with_rest(run: ShownRun, wait: WaitsFor | None, listing: ListingLeft | None, now: datetime) -> ShownRun:
    expected = max(run.total, listing.expected) if listing is not None and run.read is None else None
    waiting = replace(run, wait=wait, expected=expected)
    return replace(waiting, seconds_left=_seconds_left(waiting, listing.seconds if listing is not None else 0.0, now))


def _seconds_left(run: ShownRun, listing_s: float, now: datetime) -> float | None:
    """While a source is still listed, only what is known of its length tells how many there will be."""
    pace = RunPace(run.row.started_at, run.total - run.counts["waiting"], _last_end(run))
    pause = run.wait.until if run.wait is not None else None
    if run.expected is not None and listing_s and (pause is None or (run.wait and run.wait.reason == "quota")):
        return pace.while_listed(run.expected, run.total, now, listing_s)
    if run.read is None and run.expected is None and not run.over:
        return None
    return pace.seconds_left(max(run.total, run.read or 0, run.expected or 0), now, pause)


def _last_end(run: ShownRun) -> datetime | None:
    """When something last had its end."""
    ends = [one.last_at for one in run.row.counts if one.last_at is not None and one.outcome in ENDS]
    return max(ends, default=None)


def _sum(counts: Sequence[Count], outcome: str) -> int:
    return sum(one.records for one in counts if one.outcome == outcome)


def _before(after: tuple[str, ...]) -> tuple[datetime, str]:
    try:
        started = datetime.fromisoformat(after[0])
    except ValueError:
        raise Refusal(422, codes.CURSOR_INVALID) from None
    if started.tzinfo is None:
        raise Refusal(422, codes.CURSOR_INVALID)
    return started, after[1]


def _cursor(place: RecordPlace) -> tuple[str, ...]:
    return place.outcome, place.entity, place.record, str(place.revision), str(place.round)


def _place(after: tuple[str, ...]) -> RecordPlace:
    outcome, entity, record, revision, round = after
    if not (revision.isdecimal() and round.isdecimal() and len(revision) < 19 and len(round) < 5):
        raise Refusal(422, codes.CURSOR_INVALID)
    return RecordPlace(outcome, entity, record, int(revision), int(round))


def _unknown(id: str) -> Refusal:
    return Refusal(404, record_codes.RUN_UNKNOWN, f"There is no run {id[:150]}.")
