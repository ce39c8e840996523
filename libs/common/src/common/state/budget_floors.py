"""The durable floor under the rate meters: rows of `flow.budget_window` and `flow.budget_day`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.state import pool as state

KEPT = timedelta(days=40)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Calls of one day under one limit; `cap` is what is ours of that day."""

    limit_id: str
    day: date
    cap: int


@dataclass(frozen=True, slots=True)
class Block:
    """What was taken of a day, and what is left to take."""

    taken: int
    rest: int


@dataclass(frozen=True, slots=True)
class Pace:
    """One limit's turn while Redis is away: a call holds it for `hold`, then nobody has it for `spacing`."""

    limit_id: str
    hold: timedelta
    spacing: timedelta


class BudgetFloors:
    """Written ahead of every use, so a crash between here and Redis only wastes, never exceeds."""

    def __init__(self, pool: state.Pool) -> None:
        self._pool = pool

    async def active(self, limit_id: str, until: datetime) -> datetime | None:
        """Announces use until then; returns what was announced before, None if nothing ever was."""
        async with state.transaction(self._pool) as tx:
            known: datetime | None = await tx.fetchval(
                "select active_until from flow.budget_window where limit_id = $1 and active_until > '-infinity' for update",
                limit_id,
            )
            await tx.execute(
                """
                insert into flow.budget_window as w (limit_id, active_until) values ($1, $2)
                on conflict (limit_id) do update set active_until = greatest(w.active_until, excluded.active_until)
                """,
                limit_id,
                until,
            )
            return known

    async def take(self, ticket: Ticket, wanted: int) -> Block:
        """Takes up to so many calls of a day; nothing is ever taken beyond the cap."""
        async with state.transaction(self._pool) as tx:
            return await _take(tx, ticket, wanted)

    async def exhausted(self, ticket: Ticket) -> None:
        """The vendor said that the day is used up: nobody takes any more of it."""
        async with state.transaction(self._pool) as tx:
            await tx.execute(
                """
                insert into flow.budget_day (limit_id, day, granted, exhausted) values ($1, $2, 0, true)
                on conflict (limit_id, day) do update set exhausted = true
                """,
                ticket.limit_id,
                ticket.day,
            )

    async def given(self, ticket: Ticket) -> tuple[int, bool]:
        """Calls of a day that were ever given out, and whether the vendor called it exhausted."""
        async with state.connection(self._pool) as link:
            row = await link.fetchrow(
                "select granted, exhausted from flow.budget_day where limit_id = $1 and day = $2",
                ticket.limit_id,
                ticket.day,
            )
            return (row["granted"], row["exhausted"]) if row else (0, False)

    async def take_turn(
        self, paces: Sequence[Pace], tickets: Sequence[Ticket], now: datetime, behind: int
    ) -> datetime | None:
        """One call without Redis: None when it may go now, else when to ask again. Whoever stands `behind` waits for a turn that
        nobody before it wanted."""
        async with state.transaction(self._pool) as tx:
            later = await _turn(tx, paces, now, behind)
            if later is not None:
                return later
            for ticket in tickets:
                if (await _take(tx, ticket, 1)).taken == 0:
                    raise DayUsedUp(ticket)
            for pace in _in_order(paces):
                await _set_turn(tx, pace, now + pace.hold + pace.spacing)
            return None

    async def end_turn(self, paces: Sequence[Pace], now: datetime, *, used: bool) -> None:
        """The call without Redis is over."""
        async with state.transaction(self._pool) as tx:
            for pace in _in_order(paces):
                await _set_turn(tx, pace, now + pace.spacing if used else now)


class DayUsedUp(Exception):
    """Nothing is left of the day; rolls back what else was taken for the call."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(ticket.limit_id, ticket.day.isoformat())
        self.ticket = ticket


async def _take(tx: state.DbConnection, ticket: Ticket, wanted: int) -> Block:
    fresh = await tx.execute(
        "insert into flow.budget_day (limit_id, day, granted) values ($1, $2, 0) on conflict do nothing",
        ticket.limit_id,
        ticket.day,
    )
    if fresh == "INSERT 0 1":
        await tx.execute(
            "delete from flow.budget_day where limit_id = $1 and day < $2", ticket.limit_id, ticket.day - KEPT
        )
    granted, exhausted = await tx.fetchrow(
        "select granted, exhausted from flow.budget_day where limit_id = $1 and day = $2 for update",
        ticket.limit_id,
        ticket.day,
    )
    rest = 0 if exhausted else max(0, ticket.cap - granted)
    taken = min(wanted, rest)
    await tx.execute(
        "update flow.budget_day set granted = granted + $3 where limit_id = $1 and day = $2",
        ticket.limit_id,
        ticket.day,
        taken,
    )
    return Block(taken, rest - taken)


async def _turn(tx: state.DbConnection, paces: Sequence[Pace], now: datetime, behind: int) -> datetime | None:
    """When the latest of the turns comes, None when all are here; locks the rows in one order for everybody."""
    found: datetime | None = None
    for pace in _in_order(paces):
        await tx.execute("insert into flow.budget_window (limit_id) values ($1) on conflict do nothing", pace.limit_id)
        # The row is locked also while nobody has had a turn yet: two first ones would both go.
        free: datetime | None = await tx.fetchval(
            "select nullif(pace_next, '-infinity') from flow.budget_window where limit_id = $1 for update",
            pace.limit_id,
        )
        # A clock that was set back must not close the way for longer than a call takes.
        mine = None if free is None else min(free, now + pace.hold + pace.spacing) + behind * pace.spacing
        if mine is not None and mine > now:
            found = mine if found is None else max(found, mine)
    return found


async def _set_turn(tx: state.DbConnection, pace: Pace, at: datetime) -> None:
    await tx.execute("update flow.budget_window set pace_next = $2 where limit_id = $1", pace.limit_id, at)


def _in_order(paces: Sequence[Pace]) -> list[Pace]:
    """One order for everybody who locks these rows: two that meet in opposite orders would wait for each other."""
    return sorted(paces, key=lambda pace: pace.limit_id)
