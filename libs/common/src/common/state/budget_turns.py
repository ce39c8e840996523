"""Turns while Redis is away: one call at a time for all processes under each limit; rows of `flow.budget_window` and `flow.budget_in_progress`.

A turn that a call has is over when the call is, and nobody knows when: it is asked for again soon. The pause after it ends at a known time.
Of a limit of calls at once, what was in progress before still counts: whoever has such calls tells it here as long as the meters do not
hear it, and no turn comes before everybody had the time to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.state.pool import DbConnection

ASKED_AGAIN = timedelta(seconds=0.5)
# Who lives tells every second what it has in progress.
ALL_HAVE_TOLD = timedelta(seconds=5)
# Whoever waits asks more often than this: after such a silence Redis was there in between.
_SILENCE = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Pace:
    """One limit's turn: a call has it for `hold` at most, then nobody has it for `spacing`."""

    limit_id: str
    hold: timedelta
    spacing: timedelta
    lingers: timedelta = timedelta(0)
    """So much longer has a call the turn that nobody saw the end of."""
    at_once: int | None = None
    """Of a limit of calls at once: how many are ours."""


async def next_turn(tx: DbConnection, paces: Iterable[Pace], now: datetime, behind: int) -> datetime | None:
    """When it is worth asking again, None when all turns are here; locks the rows in one order for everybody."""
    asked_again = [await _later(tx, pace, now, behind) for pace in in_order(paces)]
    return max((at for at in asked_again if at is not None), default=None)


async def take(tx: DbConnection, paces: Iterable[Pace], now: datetime) -> None:
    """A call has them now."""
    for pace in in_order(paces):
        await _set(tx, pace.limit_id, now + pace.hold + pace.spacing)


async def end(tx: DbConnection, free: Mapping[str, datetime]) -> None:
    """The call is over; the next one may go then."""
    for limit_id in sorted(free):
        await _set(tx, limit_id, free[limit_id])


async def tell(tx: DbConnection, process: str, calls: Mapping[str, int], now: datetime) -> None:
    """So many calls of each limit this process has in progress: true for some seconds, unless it says so again."""
    await tx.execute(
        """
        insert into flow.budget_in_progress (limit_id, process, calls, until) select limit_id, $3, calls, $4
          from unnest($1::text[], $2::int[]) as c(limit_id, calls)
        on conflict (limit_id, process) do update set calls = excluded.calls, until = excluded.until
        """,
        list(calls),
        list(calls.values()),
        process,
        now + ALL_HAVE_TOLD,
    )


async def _later(tx: DbConnection, pace: Pace, now: datetime, behind: int) -> datetime | None:
    row = await _asked(tx, pace, now)
    free: datetime | None = row["free"]
    if free is not None and free - pace.spacing > now:
        return min(free, now + ASKED_AGAIN)
    if free is not None and (mine := free + behind * pace.spacing) > now:
        return mine
    return None if pace.at_once is None else await _until_there_is_room(tx, pace, pace.at_once, row, now)


async def _asked(tx: DbConnection, pace: Pace, now: datetime) -> Any:
    """The row, locked also while nobody has had a turn yet: two first ones would both go."""
    await tx.execute("insert into flow.budget_window (limit_id) values ($1) on conflict do nothing", pace.limit_id)
    longest = now + max(pace.hold, pace.lingers) + pace.spacing
    # A clock that was set back must not close the way for longer than a call takes.
    return await tx.fetchrow(
        """
        update flow.budget_window
           set pace_next = least(pace_next, $2),
               turns_since = case when turns_asked between $3::timestamptz - $4::interval and $3 then turns_since else $3 end, turns_asked = $3
         where limit_id = $1
        returning nullif(pace_next, '-infinity') as free, nullif(active_until, '-infinity') as used_until, turns_since as since
        """,
        pace.limit_id,
        longest,
        now,
        _SILENCE,
    )


async def _until_there_is_room(tx: DbConnection, pace: Pace, at_once: int, row: Any, now: datetime) -> datetime | None:
    """None when nothing that was let go before can have all places."""
    if row["used_until"] is None or row["used_until"] + pace.hold <= now:
        return None
    all_told: datetime = row["since"] + ALL_HAVE_TOLD
    if all_told > now:
        return all_told
    calls: int = await tx.fetchval(
        "select coalesce(sum(calls), 0) from flow.budget_in_progress where limit_id = $1 and until > $2",
        pace.limit_id,
        now,
    )
    return None if calls < at_once else now + ASKED_AGAIN


async def _set(tx: DbConnection, limit_id: str, at: datetime) -> None:
    await tx.execute("update flow.budget_window set pace_next = $2 where limit_id = $1", limit_id, at)


def in_order(paces: Iterable[Pace]) -> list[Pace]:
    """One order for everybody who locks these rows: two that meet in opposite orders would wait for each other."""
    return sorted(paces, key=lambda pace: pace.limit_id)
