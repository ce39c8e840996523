"""Syncs as people see and switch them: list, show, pause, resume, disable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.ids import ConnectionId, RunId, SyncId
from common.contracts.syncs import OnDisable, SyncState
from common.state import pool as state
from common.state import reconciliations, run_ends, runs
from common.state.runs import Run, version_run
from common.state.turns import alone
from console import sync_codes
from console.state import queues, record_marks
from console.state import syncs as rows
from console.state import unread_sources as failed_readings
from console.state.queues import Queued
from console.state.syncs import SyncRow, VersionRow
from console.use_cases import own_syncs, two_ways
from console.use_cases.drafting import Drafting
from console.use_cases.hooks import Hooks, wanted_hooks
from console.use_cases.problems import refuse_if_any
from console.use_cases.unread_sources import UnreadSource, sources_of, unread_sources
from mapper.mapping.problems import Problem


@dataclass(frozen=True, slots=True)
class ShownSync:
    """A sync with its queue and the gates that hold it back."""

    row: SyncRow
    queued: Queued
    reconciliations: Sequence[Mapping[str, Any]] = ()
    """Where one sync is shown: how both sides of its legs were last compared."""
    unread: tuple[UnreadSource, ...] = ()
    """What it reads and cannot."""

    @property
    def standing(self) -> str:
        """One of the words that people see: Draft, Paused, Disabled, Blocked, Needs attention, Running, Healthy."""
        if self.row.state != "active":
            return {"draft": "Draft", "paused": "Paused", "disabled": "Disabled"}[self.row.state]
        if self.queued.gates:
            return "Blocked" if {"needs_reauth", "refused"} & set(self.queued.gates) else "Paused"
        asks = self.queued.stuck or self.queued.missing or self.queued.drifted or self.queued.asked
        if asks or any(one.needs_a_person for one in self.unread):
            return "Needs attention"
        return "Running" if self.queued.waiting else "Healthy"


@dataclass(frozen=True, slots=True)
class SyncPage:
    """Some syncs, and where the next ones begin."""

    items: Sequence[ShownSync]
    after: tuple[str] | None


class Syncs:
    """Reads syncs and switches them."""

    def __init__(self, pool: state.Pool, drafting: Drafting, hooks: Hooks, clock: Clock) -> None:
        self._pool = pool
        self._drafting = drafting
        self._hooks = hooks
        self._clock = clock

    async def page(self, after: str, limit: int) -> SyncPage:
        """The syncs in the order of their names."""
        async with state.connection(self._pool) as link:
            found = await rows.page(link, after, limit + 1)
            shown = found[:limit]
            waits = await queues.of_syncs(link, [row.id for row in shown])
            failed = await failed_readings.of(link, sorted({one for row in shown for one in sources_of(row)}))
        items = [ShownSync(row, waits[row.id], unread=unread_sources(row, failed)) for row in shown]
        return SyncPage(items, (shown[-1].name,) if len(found) > limit else None)

    async def row(self, name: str) -> SyncRow:
        """The stored sync."""
        async with state.connection(self._pool) as link:
            found = await rows.named(link, name)
        if found is None:
            raise unknown_sync(name)
        return found

    async def show(self, name: str) -> ShownSync:
        """One sync."""
        row = await self.row(name)
        async with state.connection(self._pool) as link:
            waits = await queues.of_syncs(link, [row.id])
            compared = await reconciliations.shown(link, row.id)
            failed = await failed_readings.of(link, sources_of(row))
        return ShownSync(row, waits[row.id], compared, unread_sources(row, failed))

    async def versions(self, name: str) -> Sequence[VersionRow]:
        """All versions of its mapping, newest first."""
        row = await self.row(name)
        async with state.connection(self._pool) as link:
            return await rows.versions(link, row.id)

    async def pause(self, name: str) -> ShownSync:
        """Changes are still received and judged; what they ask for waits."""
        await self._switch(name, ("active", "paused"), "paused")
        return await self.show(name)

    async def disable(self, name: str, by: str, on_disable: OnDisable = "keep") -> ShownSync:
        """Nothing is judged or written any more; links, history and what waits stay. The target records stay too, or are archived."""
        await self._switch(name, ("draft", "active", "paused", "disabled"), "disabled", on_disable, by)
        return await self.show(name)

    async def resume(self, name: str, by: str) -> ShownSync:
        """What waited goes on, in its order. After a disabled time everything is judged again, because nothing was meanwhile."""
        row = await self.row(name)
        await self._refuse_if_kept_by_others(row)
        if row.state in ("active", "paused"):
            await self._start(row, by)
            return await self.show(name)
        # Until the sync is active nobody else works at these settings: an audit would find webhooks that no sync wants.
        async with alone(self._pool, [row.source, row.target]):
            await self._listen(row)
            await self._start(row, by)
        return await self.show(name)

    async def _refuse_if_kept_by_others(self, row: SyncRow) -> None:
        ends = [await self._drafting.open(id) for id in (row.source, row.target)]
        refuse_if_any(await own_syncs.problems(self._pool, ends, row.legs))

    async def _start(self, row: SyncRow, by: str) -> None:
        async with state.transaction(self._pool) as tx:
            await rows.exclude_others(tx, row.name)
            there = await rows.named(tx, row.id, lock=True)
            if there is None or not there.mapped:
                raise not_now(row, "it has no mapping yet")
            await two_ways.refuse_if_shared(tx, there.name, there.legs)
            if not await rows.usable(tx, [row.source, row.target]):
                raise Refusal(409, sync_codes.SYNC_CONNECTION_NOT_READY)
            now = self._clock.now()
            await record_marks.untell(tx, [row.source, row.target], now)
            if there.state == "disabled":
                await self._judge_again(tx, there, by, now)
            await rows.mark(tx, there.id, "active", now)

    async def _judge_again(self, tx: state.DbConnection, there: SyncRow, by: str, now: datetime) -> None:
        again = {str(leg.name): leg.mapping for leg in there.legs if leg.mapping is not None}
        version, note = there.version + 1, f"judged again after version {there.version} was disabled"
        await rows.add_version(tx, there.id, version, again, note, by, now)
        run = Run(version_run(there.name, version), SyncId(there.id), "resume", by, version)
        await runs.begin(tx, [run], now)

    async def _listen(self, row: SyncRow) -> None:
        """Webhooks were taken away while nobody listened."""
        ends = {ConnectionId(id): await self._drafting.open(id) for id in sorted({row.source, row.target})}
        wanted = wanted_hooks(ends, row.legs)
        problems: list[Problem] = []
        # Whom a plan leaves it to is told by `channel list`; the sync runs, and is read.
        await self._hooks.ensure(wanted, problems, [])
        refuse_if_any(problems)

    async def _switch(
        self,
        name: str,
        allowed: Sequence[SyncState],
        wanted: SyncState,
        on_disable: OnDisable = "keep",
        by: str = "",
    ) -> None:
        async with state.transaction(self._pool) as tx:
            there = await rows.named(tx, name, lock=True)
            if there is None:
                raise unknown_sync(name)
            if there.state not in allowed:
                raise not_now(there, f"it cannot be {wanted}")
            now = self._clock.now()
            await rows.mark(tx, there.id, wanted, now)
            if wanted == "disabled":
                await run_ends.stop(tx, SyncId(there.id), there.name, now)
            if wanted == "disabled" and await rows.on_disable(tx, there.id, on_disable, there.state, now):
                await _begin_disabling(tx, there, on_disable, by, now)


async def _begin_disabling(tx: state.DbConnection, row: SyncRow, on_disable: OnDisable, by: str, now: datetime) -> None:
    """Archiving takes what the sync owns; a sync that keeps its records in place has nobody enter."""
    kind = "archive" if on_disable == "archive" else "disable"
    run = Run(RunId(f"{row.name}.{kind}.{await runs.next_number(tx)}"), SyncId(row.id), kind, by)
    await runs.begin(tx, [run], now)
    if kind == "disable":
        await runs.close(tx, run.id, now)


def unknown_sync(given: str) -> Refusal:
    return Refusal(404, sync_codes.SYNC_UNKNOWN, f"There is no sync {given[:64]}.")


def not_now(row: SyncRow, why: str) -> Refusal:
    return Refusal(409, sync_codes.SYNC_STATE, f"{row.name} is {row.state}; {why}.")
