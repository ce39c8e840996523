"""Channels: by which connections vendors shall call us, when each was last held against the vendor's own list, and what came of it.

One audit at a time: a lease, renewed while its process lives, by the database's own time. Business time says what is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from common.contracts.ids import ConnectionId
from common.state.pool import DbConnection

# Whoever changes what is wanted, and whoever has done with an audit, change the same rows in different orders.
_ALONE = "select pg_advisory_xact_lock(hashtextextended('millrace:channels', 0))"
# What a sync was just applied with was registered by that: it is looked at a little later.
FIRST_AFTER = timedelta(seconds=60)


class HeardSubject(NamedTuple):
    """What is heard of a connection: one kind of its records, or one of its places."""

    connection: ConnectionId
    subject: str


@dataclass(frozen=True, slots=True)
class DueAudit:
    """A channel whose audit is one process's now."""

    connection: ConnectionId
    attempts: int
    token: UUID
    was_cut_short: bool
    """Whoever had it before has died in it."""


async def want(tx: DbConnection, wanted: Iterable[HeardSubject], now: datetime) -> None:
    """What active syncs want to hear; what nobody wants any more is removed at once."""
    ordered = sorted(set(wanted))
    columns = [[one.connection for one in ordered], [one.subject for one in ordered]]
    await tx.execute(_ALONE)
    await tx.execute(
        "delete from flow.channel c where not exists (select from core.connection k where k.id = c.connection and k.state <> 'deleted')"
    )
    await tx.execute(
        "insert into flow.channel (connection, next_at) select distinct n, $2::timestamptz from unnest($1::text[]) n on conflict do nothing",
        columns[0],
        now + FIRST_AFTER,
    )
    await tx.execute(_WANT_NO_MORE, *columns, now)
    await tx.execute(_WANT, *columns, now, now + FIRST_AFTER)


async def moved(tx: DbConnection, public_url: str, now: datetime) -> None:
    """Vendors that have another address of ours are told this one now."""
    await tx.execute(
        "update flow.channel set next_at = least(next_at, $2) where base <> '' and not starts_with(base, $1 || '/hooks/')",
        public_url,
        now,
    )


async def soon(tx: DbConnection, connections: Sequence[ConnectionId], now: datetime) -> None:
    """Somebody says that the vendor lets us in no more: the next audit asks it."""
    await tx.execute(
        "update flow.channel set next_at = least(next_at, $2) where connection = any($1::text[])",
        list(connections),
        now,
    )


async def lease(
    tx: DbConnection, now: datetime, *, most: int, within: timedelta, busy: Iterable[ConnectionId]
) -> list[DueAudit]:
    """Takes channels that are due and have no gate; `busy` are those that the caller still audits, whatever became of its lease."""
    rows = await tx.fetch(_LEASE, now, most, uuid4(), within, list(busy))
    return [DueAudit(ConnectionId(r["connection"]), r["attempts"], r["lease"], r["was_leased"]) for r in rows]


async def renew(tx: DbConnection, tokens: Sequence[UUID], within: timedelta) -> None:
    """Whoever audits them lives."""
    await tx.execute(
        "update flow.channel set lease_until = clock_timestamp() + $2 where lease = any($1::uuid[]) and lease_until > clock_timestamp()",
        list(tokens),
        within,
    )


async def subjects(tx: DbConnection, connection: ConnectionId) -> Mapping[str, bool]:
    """Every subject that is or was wanted, and whether it is."""
    rows = await tx.fetch("select subject, wanted from flow.channel_subject where connection = $1", connection)
    return {row["subject"]: row["wanted"] for row in rows}


async def audited(
    tx: DbConnection, due: DueAudit, base: str, found: Sequence[str], left: Sequence[str], now: datetime, next_at: datetime
) -> bool:  # fmt: skip
    """The vendor's list is as it shall be. False: somebody else audits by now."""
    await tx.execute(_ALONE)
    mine = await tx.fetchval(_AUDITED, due.connection, due.token, base, list(found), now, next_at)
    if mine:
        await tx.execute(
            "delete from flow.channel_subject where connection = $1 and subject = any($2::text[]) and not wanted",
            due.connection,
            list(left),
        )
        await tx.execute(
            "delete from flow.channel c where connection = $1 and not exists (select from flow.channel_subject s where s.connection = c.connection)",
            due.connection,
        )
    return bool(mine)


async def postpone(tx: DbConnection, due: DueAudit, until: datetime, state: str, code: str, words: str) -> None:
    """It could not be seen to its end: the state says whether that takes patience or a person."""
    await tx.execute(
        """
        update flow.channel set lease = null, lease_until = null, next_at = $3, state = $4, code = $5, words = $6, attempts = attempts + 1
         where connection = $1 and lease = $2
        """,
        due.connection,
        due.token,
        until,
        state,
        code,
        words,
    )


async def release(tx: DbConnection, due: DueAudit, until: datetime) -> None:
    """Nothing was looked at: somebody else works at these settings just now."""
    await tx.execute(
        "update flow.channel set lease = null, lease_until = null, next_at = $3 where connection = $1 and lease = $2",
        due.connection,
        due.token,
        until,
    )


async def heard(tx: DbConnection, deliveries: Mapping[HeardSubject, datetime]) -> None:
    """The newest webhook of each that was verified."""
    ordered = sorted(deliveries)
    await tx.execute(
        """
        update flow.channel_subject s set heard_at = greatest(s.heard_at, n.at)
          from unnest($1::text[], $2::text[], $3::timestamptz[]) as n(connection, subject, at)
         where (s.connection, s.subject) = (n.connection, n.subject)
        """,
        [one.connection for one in ordered],
        [one.subject for one in ordered],
        [deliveries[one] for one in ordered],
    )


_WANT_NO_MORE = """
with gone as (
    update flow.channel_subject s set wanted = false
     where s.wanted and not exists (select from unnest($1::text[], $2::text[]) as n(connection, subject)
                                     where (n.connection, n.subject) = (s.connection, s.subject))
    returning s.connection
)
update flow.channel set next_at = least(next_at, $3) where connection in (select connection from gone)
"""

_WANT = """
with fresh as (
    insert into flow.channel_subject as s (connection, subject, since)
    select n.*, $3 from unnest($1::text[], $2::text[]) as n(connection, subject)
    on conflict (connection, subject) do update set wanted = true, since = excluded.since where not s.wanted
    returning connection
)
update flow.channel set next_at = least(next_at, $4) where connection in (select connection from fresh)
"""

_LEASE = """
with due as (
    select c.connection, c.lease is not null as was_leased from flow.channel c
      join core.connection k on k.id = c.connection and k.state = 'active'
     where c.next_at <= $1 and (c.lease_until is null or c.lease_until < clock_timestamp()) and c.connection <> all($5::text[])
       and not exists (select from core.gate g where g.connection = c.connection and g.place = '' and (g.until is null or g.until > $1))
     order by c.next_at for update of c skip locked limit $2
)
update flow.channel c set lease = $3, lease_until = clock_timestamp() + $4
  from due where c.connection = due.connection
returning c.connection, c.attempts, c.lease, due.was_leased
"""

_AUDITED = """
update flow.channel set base = $3, state = 'kept', audited_at = $5, next_at = $6, attempts = 0, code = '', words = '',
       found = case when cardinality($4::text[]) > 0 then $4 else found end,
       found_at = case when cardinality($4::text[]) > 0 then $5 else found_at end, lease = null, lease_until = null
 where connection = $1 and lease = $2 returning true
"""
