"""The durable floor under the rate meters: rows of `flow.budget_window`, `flow.budget_day` and `flow.budget_use`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.state import budget_turns
from common.state import pool as state
from common.state.budget_turns import Pace

KEPT = timedelta(days=40)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Calls of one day under one limit, or of a month by its first day; `cap` is what is ours of it."""

    limit_id: str
    day: date
    cap: int
    takes: int = 1
    """How much of it one call takes."""
    used_on: date | None = None
    """Of a month: the day on which they are taken."""


@dataclass(frozen=True, slots=True)
class Block:
    """What was taken of a day, and what is left to take."""

    taken: int
    rest: int


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

    async def days(self, limit_id: str, since: date) -> Mapping[date, int]:
        """What was taken of a month, by the day."""
        async with state.connection(self._pool) as link:
            rows = await link.fetch(
                "select day, taken from flow.budget_use where limit_id = $1 and day >= $2", limit_id, since
            )
            return {row["day"]: row["taken"] for row in rows}

    async def take_turn(
        self, paces: Sequence[Pace], tickets: Sequence[Ticket], now: datetime, behind: int
    ) -> datetime | None:
        """One call without Redis: None when it may go now, else when to ask again. Whoever stands `behind` waits for a turn that
        nobody before it wanted."""
        async with state.transaction(self._pool) as tx:
            later = await budget_turns.next_turn(tx, paces, now, behind)
            if later is not None:
                return later
            for ticket in tickets:
                if (await _take(tx, ticket, ticket.takes)).taken < ticket.takes:
                    raise DayUsedUp(ticket)
            await budget_turns.take(tx, paces, now)
            return None

    async def end_turn(self, free: Mapping[str, datetime]) -> None:
        """The call without Redis is over; the next one under each limit may go then."""
        async with state.transaction(self._pool) as tx:
            await budget_turns.end(tx, free)

    async def in_progress(self, process: str, calls: Mapping[str, int], now: datetime) -> None:
        """Calls of a process that the meters do not hear of, by limit."""
        async with state.transaction(self._pool) as tx:
            await budget_turns.tell(tx, process, calls, now)


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
    if ticket.used_on is not None and taken:
        await tx.execute(
            """
            insert into flow.budget_use as u (limit_id, day, taken) values ($1, $2, $3)
            on conflict (limit_id, day) do update set taken = u.taken + excluded.taken
            """,
            ticket.limit_id,
            ticket.used_on,
            taken,
        )
    return Block(taken, rest - taken)
