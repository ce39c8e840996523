"""Reads by id that somebody asked for: the mapper asks in its transaction, ingest leases, reads and answers on the changes topic.

A request asked again while it is being answered stays: `asked` counts, and an answer removes only what it saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state.pool import DbConnection

# Told with every request, when its transaction is committed.
READS = "reads"


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One record that has to be read, and why."""

    connection: ConnectionId
    entity: Entity
    record: RecordId
    reason: str
    not_before: datetime
    traceparent: str = ""
    asked: int = 1
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """A request that has no answer yet: when it is read again, and whether this turn counts as an attempt."""

    request: ReadRequest
    until: datetime
    free: bool


async def ask(tx: DbConnection, requests: Sequence[ReadRequest], now: datetime) -> None:
    """Adds the requests, and tells whoever reads; one that stands already is counted up, so that an answer under way does not remove it."""
    merged = {(r.connection, r.entity, r.record): r for r in requests}
    ordered = [merged[key] for key in sorted(merged)]
    await tx.execute(
        f"""
        with asked as (
        insert into flow.read_request (connection, entity, record, reason, not_before, traceparent, asked_at)
        select *, $7::timestamptz from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
        on conflict (connection, entity, record) do update
           set asked = flow.read_request.asked + 1, reason = excluded.reason, asked_at = excluded.asked_at,
               not_before = greatest(flow.read_request.not_before, excluded.not_before) returning 1)
        select pg_notify('{READS}', '') where exists (select from asked)
        """,  # noqa: S608 - a constant of ours
        [r.connection for r in ordered],
        [r.entity for r in ordered],
        [r.record for r in ordered],
        [r.reason for r in ordered],
        [r.not_before for r in ordered],
        [r.traceparent for r in ordered],
        now,
    )


async def lease(
    tx: DbConnection, now: datetime, *, count: int, within: timedelta, but_of: Sequence[ConnectionId] = ()
) -> tuple[UUID, list[ReadRequest]]:
    """Takes due requests of connections without a gate (one of a single place holds no reads); a lease that runs out gives them back.

    `but_of` are the connections that are read already. Business time decides what is due, the database's own what is leased.
    """
    token = uuid4()
    rows = await tx.fetch(
        """
        with due as (
            select connection, entity, record from flow.read_request r
             where not_before <= $1 and connection <> all($5::text[]) and (lease_until is null or lease_until < clock_timestamp())
               and not exists (select from core.gate g where g.connection = r.connection and g.place = '' and (g.until is null or g.until > $1))
             order by not_before for update skip locked limit $2
        )
        update flow.read_request r
           set lease = $3, lease_until = clock_timestamp() + $4, attempts = attempts + 1
          from due where (r.connection, r.entity, r.record) = (due.connection, due.entity, due.record)
        returning r.*
        """,
        now,
        count,
        token,
        within,
        list(but_of),
    )
    return token, [
        ReadRequest(
            ConnectionId(row["connection"]), Entity(row["entity"]), RecordId(row["record"]), row["reason"],
            row["not_before"], row["traceparent"], row["asked"], row["attempts"],
        )
        for row in rows
    ]  # fmt: skip


async def renew(tx: DbConnection, tokens: Iterable[UUID], within: timedelta) -> None:
    """Their readers live and go on; a lease that has run out may be somebody else's by now."""
    await tx.execute(
        """
        update flow.read_request set lease_until = clock_timestamp() + $2
         where lease = any($1::uuid[]) and lease_until > clock_timestamp()
        """,
        list(tokens),
        within,
    )


async def answered(tx: DbConnection, token: UUID, requests: Sequence[ReadRequest]) -> list[ReadRequest]:
    """Removes what was answered, unless it was asked again meanwhile; then it is due again, as a new one. Returns what is removed."""
    rows = await _each(
        tx,
        """
        delete from flow.read_request r using unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) as a(c, e, r, n)
         where (r.connection, r.entity, r.record, r.asked, r.lease) = (a.c, a.e, a.r, a.n, $1)
        returning r.connection, r.entity, r.record
        """,
        token,
        requests,
    )
    await _each(
        tx,
        """
        update flow.read_request r set lease = null, lease_until = null, attempts = 0
          from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) as a(c, e, r, n)
         where (r.connection, r.entity, r.record, r.lease) = (a.c, a.e, a.r, $1)
        """,
        token,
        requests,
    )
    removed = {tuple(row) for row in rows}
    return [one for one in requests if (one.connection, one.entity, one.record) in removed]


async def postpone(tx: DbConnection, token: UUID, later: Sequence[Later]) -> None:
    """Gives requests back, each to be read again at its own time; one that is free pays no attempt for this turn."""
    await _each(
        tx,
        """
        update flow.read_request r
           set lease = null, lease_until = null, not_before = greatest(not_before, a.until),
               attempts = greatest(0, r.attempts - case when a.free then 1 else 0 end)
          from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::boolean[])
               as a(c, e, r, n, until, free)
         where (r.connection, r.entity, r.record, r.lease) = (a.c, a.e, a.r, $1)
        """,
        token,
        [one.request for one in later],
        [one.until for one in later],
        [one.free for one in later],
    )


async def _each(
    tx: DbConnection, statement: str, token: UUID, requests: Sequence[ReadRequest], *more: object
) -> Sequence[Any]:
    rows: Sequence[Any] = await tx.fetch(
        statement,
        token,
        [r.connection for r in requests],
        [r.entity for r in requests],
        [r.record for r in requests],
        [r.asked for r in requests],
        *more,
    )
    return rows
