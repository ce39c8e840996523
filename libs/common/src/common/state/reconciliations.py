"""Reconciliations: one row for each leg whose two sides are compared: when it is due, how far it is, what the last one came to.

One process works at a row at a time, by a lease of the database's time that each page renews; everything else is business time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

from common.contracts.ids import Entity, SyncId
from common.state.pool import DbConnection

# Longer than one list call may take.
LEASE = timedelta(minutes=5)

ReconciliationState = Literal["resting", "listing", "repairing", "asked"]


class LegKey(NamedTuple):
    """One leg of one sync."""

    sync: SyncId
    entity: Entity


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One that somebody works at."""

    leg: LegKey
    state: ReconciliationState
    began_at: datetime | None
    cursor: str
    attempts: int
    token: UUID


@dataclass(frozen=True, slots=True)
class PageCompared:
    """What one page came to, besides its differences."""

    cursor: str
    compared: int
    moved: int


async def want(tx: DbConnection, due: Mapping[LegKey, datetime]) -> None:
    """Legs that are new here are compared for the first time then."""
    await tx.execute(
        """
        insert into flow.reconciliation (sync, entity, due_at)
        select * from unnest($1::text[], $2::text[], $3::timestamptz[]) on conflict do nothing
        """,
        *_columns(due),
        list(due.values()),
    )


async def ask(tx: DbConnection, legs: Sequence[LegKey], by: str, now: datetime, *, repair: bool) -> None:
    """Somebody wants them to be compared now. `repair` answers a question that is open, and else the one that may come of it."""
    await want(tx, dict.fromkeys(legs, now))
    await tx.execute(_ASK, *_columns(legs), by, now, repair)


async def take(tx: DbConnection, legs: Iterable[LegKey], now: datetime) -> Reconciliation | None:
    """One that is due, that nobody works at, and whose target has no gate."""
    row = await tx.fetchrow(_TAKE, *_columns(sorted(legs)), now, uuid4(), LEASE)
    return _reconciliation(row) if row is not None else None


async def begin(tx: DbConnection, one: Reconciliation, now: datetime) -> None:
    """What the one before has found is its business no more."""
    await tx.execute("delete from flow.reconcile_met where (sync, entity) = ($1, $2)", *one.leg)
    await tx.execute("delete from flow.reconcile_difference where (sync, entity) = ($1, $2)", *one.leg)
    await tx.execute(
        """
        update flow.reconciliation
           set state = 'listing', began_by = coalesce(nullif(asked_by, ''), 'schedule'), asked_by = '', began_at = $4, cursor = '', pages = 0,
               compared = 0, moved = 0
         where (sync, entity) = ($1, $2) and lease = $3
        """,
        *one.leg,
        one.token,
        now,
    )


async def holds(tx: DbConnection, one: Reconciliation) -> bool:
    """Whether it is still ours, and stays so until the transaction ends; else nothing of it may be stored."""
    mine = await tx.fetchval(
        "select true from flow.reconciliation where (sync, entity) = ($1, $2) and lease = $3 for update",
        *one.leg,
        one.token,
    )
    return bool(mine)


async def advance(tx: DbConnection, one: Reconciliation, page: PageCompared) -> None:
    """So far it is compared; whoever compares lives."""
    await tx.execute(
        """
        update flow.reconciliation set cursor = $3, pages = pages + 1, compared = compared + $4, moved = moved + $5, attempts = 0, words = '',
               lease_until = clock_timestamp() + $6
         where (sync, entity) = ($1, $2)
        """,
        *one.leg,
        page.cursor,
        page.compared,
        page.moved,
        LEASE,
    )


async def totals(tx: DbConnection, leg: LegKey) -> tuple[int, int, int, bool]:
    """So many were compared, so many had moved, so many calls; and whether everything is repaired that is found."""
    row = await tx.fetchrow(
        "select compared, moved, pages, over_cap from flow.reconciliation where (sync, entity) = ($1, $2)", *leg
    )
    return row["compared"], row["moved"], row["pages"], row["over_cap"]


async def listed(tx: DbConnection, one: Reconciliation, state: ReconciliationState, result: Mapping[str, Any]) -> None:
    """The listing has ended, and this is what it came to."""
    await tx.execute(
        "update flow.reconciliation set state = $3, result = $4 where (sync, entity) = ($1, $2)",
        *one.leg,
        state,
        dict(result),
    )
    await tx.execute("delete from flow.reconcile_met where (sync, entity) = ($1, $2)", *one.leg)


async def rest(
    tx: DbConnection, one: Reconciliation, state: ReconciliationState, now: datetime, next_at: datetime
) -> None:
    """It is over, or waits for a person; a wish that came meanwhile stands."""
    await tx.execute(
        """
        update flow.reconciliation set state = $4, ended_at = $5::timestamptz, over_cap = false,
               due_at = case when asked_by = '' then $6 else $5::timestamptz end,
               lease = null, lease_until = null
         where (sync, entity) = ($1, $2) and lease = $3
        """,
        *one.leg,
        one.token,
        state,
        now,
        next_at,
    )


async def postpone(tx: DbConnection, one: Reconciliation, until: datetime, words: str) -> None:
    """It goes on later, from where it is stored."""
    await tx.execute(
        """
        update flow.reconciliation set due_at = $4, words = $5, attempts = attempts + 1, lease = null, lease_until = null
         where (sync, entity) = ($1, $2) and lease = $3
        """,
        *one.leg,
        one.token,
        until,
        words,
    )


async def shown(tx: DbConnection, sync: str) -> Sequence[Mapping[str, Any]]:
    """How those of a sync stand, and what has become of what they handed over."""
    return [dict(row) for row in await tx.fetch(_SHOWN, sync)]


def _columns(legs: Iterable[LegKey]) -> tuple[list[str], list[str]]:
    listed = list(legs)
    return [one.sync for one in listed], [one.entity for one in listed]


def _reconciliation(row: Any) -> Reconciliation:
    leg = LegKey(SyncId(row["sync"]), Entity(row["entity"]))
    return Reconciliation(leg, row["state"], row["began_at"], row["cursor"], row["attempts"], row["lease"])


_ASK = """
update flow.reconciliation r
   set state = case when r.state = 'asked' and $5 then 'repairing' else r.state end,
       asked_by = case when r.state = 'asked' and $5 then '' else $3 end,
       over_cap = r.over_cap or $5, due_at = least(r.due_at, $4)
  from unnest($1::text[], $2::text[]) as l(sync, entity) where (r.sync, r.entity) = (l.sync, l.entity)
"""

_TAKE = """
with due as (
    select r.sync, r.entity from flow.reconciliation r
      join unnest($1::text[], $2::text[]) as w(sync, entity) on (r.sync, r.entity) = (w.sync, w.entity)
      join core.leg l on (l.sync, l.name) = (r.sync, r.entity)
     where r.due_at <= $3 and (r.lease_until is null or r.lease_until < clock_timestamp())
       and not exists (select from core.gate g where g.connection = l.target_connection and g.place in ('', l.target_place)
                                                 and (g.until is null or g.until > $3))
     order by r.due_at for update of r skip locked limit 1
)
update flow.reconciliation r set lease = $4, lease_until = clock_timestamp() + $5
  from due where (r.sync, r.entity) = (due.sync, due.entity)
returning r.*
"""

_SHOWN = """
select r.entity as leg, r.state, r.asked_by <> '' as asked, r.began_at, r.began_by, r.ended_at, r.due_at, r.words, r.result, h.*
  from flow.reconciliation r
  cross join lateral (
    select count(*) filter (where w.state = 'done' and w.changed_at > d.repaired_at and w.outcome <> 'skipped') as repaired,
           count(*) filter (where w.state = 'done' and w.changed_at > d.repaired_at and w.outcome = 'skipped') as left_alone,
           count(*) filter (where w.state in ('dead', 'parked')) as failed,
           count(*) filter (where w.state not in ('done', 'dead', 'parked')
                               or w.state = 'done' and w.changed_at <= d.repaired_at) as waiting
      from flow.reconcile_difference d join flow.work_item w using (sync, entity, record)
     where (d.sync, d.entity) = (r.sync, r.entity) and d.repaired_at is not null) as h
 where r.sync = $1 order by r.entity
"""
