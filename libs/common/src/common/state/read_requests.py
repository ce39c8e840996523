"""Reads by id that somebody asked for: the mapper asks in its transaction, ingest leases, reads and answers on the changes topic.

A request asked again while it is being answered stays: `asked` counts, and an answer removes only what it saw. What a listing lacks is asked
for once a version, and may be as many records as there are: such a request is one of its lane, and never stands in another one's way.
A webhook that told of a record, but not all there is, leaves what it told here: the answer completes it (decision 57).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.messages import Lane
from common.state.pool import DbConnection

# Told with every request, when its transaction is committed.
READS = "reads"
UNCOVERED = "uncovered"
"""The reason of whoever wants fields that no listing carries."""


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
    lane: Lane = Lane.LIVE
    version: str = ""
    """The one that a listing or a webhook has told of, where that is why."""
    job: str = ""
    """The reading that has listed the record, by its name without the sync's."""
    heard: Mapping[str, Any] | None = None
    """What a webhook has told of this version; None: all of the record has to be read."""

    @property
    def whose(self) -> ReadRecord:
        return (self.connection, self.entity, self.record)


@dataclass(frozen=True, slots=True)
class Later:
    """A request that has no answer yet: when it is read again, and whether this turn counts as an attempt."""

    request: ReadRequest
    until: datetime
    free: bool


async def ask(tx: DbConnection, requests: Sequence[ReadRequest], now: datetime) -> None:
    """Adds the requests, and tells whoever reads; one that stands already is counted up, so that an answer under way does not remove it."""
    ordered = _merged(requests)
    await tx.execute(
        f"""
        with asked as (
        insert into flow.read_request as r (connection, entity, record, reason, not_before, traceparent, lane, version, job, heard,
                                             asked_at)
        select *, $11::timestamptz from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
                                               $8::text[], $9::text[], $10::jsonb[])
        on conflict (connection, entity, record) do update set
               asked = r.asked + case when excluded.reason = '{UNCOVERED}' and excluded.version <= r.version then 0
                                      when excluded.version < r.version and excluded.heard is not null and r.heard is not null then 0
                                      when (excluded.version, excluded.heard) = (r.version, r.heard) then 0 else 1 end,
               -- It is of the version beside it, or nothing: of two that differ all has to be read.
               heard = case when excluded.reason = '{UNCOVERED}' then case when excluded.version > r.version then null else r.heard end
                            when excluded.heard is null or r.heard is null then null
                            when excluded.version > r.version then excluded.heard
                            when excluded.version < r.version or excluded.heard = r.heard then r.heard end,
               job = case when excluded.version > r.version then excluded.job else r.job end,
               reason = case when excluded.reason = '{UNCOVERED}' then r.reason else excluded.reason end,
               lane = case when 'live' in (r.lane, excluded.lane) then 'live' else excluded.lane end,
               not_before = case when r.lane <> excluded.lane then case when r.lane = 'live' then r.not_before else excluded.not_before end
                                 else greatest(r.not_before, excluded.not_before) end,
               version = greatest(r.version, excluded.version), asked_at = excluded.asked_at
        returning 1)
        select pg_notify('{READS}', '') where exists (select from asked)
        """,  # noqa: S608 - constants of ours
        [r.connection for r in ordered],
        [r.entity for r in ordered],
        [r.record for r in ordered],
        [r.reason for r in ordered],
        [r.not_before for r in ordered],
        [r.traceparent for r in ordered],
        [r.lane.value for r in ordered],
        [r.version for r in ordered],
        [r.job for r in ordered],
        [None if r.heard is None else dict(r.heard) for r in ordered],
        now,
    )


def _merged(requests: Sequence[ReadRequest]) -> list[ReadRequest]:
    """One of each record, in the order in which all lock them; of what was heard the newest."""
    merged: dict[ReadRecord, ReadRequest] = {}
    for one in requests:
        merged[one.whose] = _both(merged[one.whose], one) if one.whose in merged else one
    return [merged[key] for key in sorted(merged)]


def _both(before: ReadRequest, now: ReadRequest) -> ReadRequest:
    if before.heard is None or now.heard is None or (before.version == now.version and before.heard != now.heard):
        return replace(now, heard=None)
    return now if now.version > before.version else before


async def known(tx: DbConnection, requests: Sequence[ReadRequest]) -> set[ReadRecord]:
    """The records of which all there is was told of this version already, or of a newer one: a stamp is a second."""
    rows = await tx.fetch(
        """
        select s.connection, s.entity, s.record from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as a(c, e, r, version)
          join flow.record_state s on (s.connection, s.entity, s.record) = (a.c, a.e, a.r)
         where not s.deleted and split_part(s.detail, '.', 1) >= split_part(a.version, '.', 1)
        """,
        [r.connection for r in requests],
        [r.entity for r in requests],
        [r.record for r in requests],
        [r.version for r in requests],
    )
    return {(ConnectionId(row["connection"]), Entity(row["entity"]), RecordId(row["record"])) for row in rows}


ReadRecord = tuple[ConnectionId, Entity, RecordId]
Turn = tuple[ConnectionId, Lane]
"""What is read together: the requests of a connection in one lane."""


async def lease(
    tx: DbConnection, now: datetime, *, count: int, within: timedelta, but_of: Sequence[Turn] = (), listed: int = 0
) -> tuple[UUID, list[ReadRequest]]:
    """Takes due requests of connections without a gate (one of a single place holds no reads); a lease that runs out gives them back.

    `listed` is how many of those that a backfill wants are taken besides. `but_of` is what is read already. Business time decides what is
    due, the database's own what is leased.
    """
    token = uuid4()
    rows = await tx.fetch(
        """
        with due as (
            select n.* from (values ('live', $2::bigint), ('backfill', $7::bigint)) as l(lane, most) cross join lateral (
                select connection, entity, record from flow.read_request r
                 where r.lane = l.lane and not_before <= $1 and (connection, lane) not in (select * from unnest($5::text[], $6::text[]))
                   and (lease_until is null or lease_until < clock_timestamp())
                   and not exists (select from core.gate g
                                    where g.connection = r.connection and g.place = '' and (g.until is null or g.until > $1))
                 order by not_before for update skip locked limit l.most) as n
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
        [connection for connection, _ in but_of],
        [lane.value for _, lane in but_of],
        listed,
    )
    return token, [
        ReadRequest(
            ConnectionId(row["connection"]), Entity(row["entity"]), RecordId(row["record"]), row["reason"],
            row["not_before"], row["traceparent"], row["asked"], row["attempts"], Lane(row["lane"]), row["version"], row["job"],
            row["heard"],
        )
        for row in rows
    ]  # fmt: skip


async def renew(tx: DbConnection, tokens: Iterable[UUID], within: timedelta) -> None:
    """Their readers live and go on; a lease that has run out may be somebody else's by now."""
    await tx.execute(
        """
        with living as (
            select connection, entity, record from flow.read_request where lease = any($1::uuid[]) and lease_until > clock_timestamp()
             order by connection, entity, record for update)
        update flow.read_request r set lease_until = clock_timestamp() + $2
          from living l where (r.connection, r.entity, r.record) = (l.connection, l.entity, l.record)
        """,
        list(tokens),
        within,
    )


async def answered(tx: DbConnection, token: UUID, requests: Sequence[ReadRequest]) -> list[ReadRequest]:
    """Removes what was answered, unless it was asked again meanwhile; then it is due again, as a new one. Returns what is removed."""
    await _lock(tx, token)
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
    await _lock(tx, token)
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


async def not_today(tx: DbConnection, connection: ConnectionId, until: datetime) -> None:
    """Nothing is left of the day for what a backfill wants to be read of this connection."""
    await tx.execute(
        """
        update flow.read_request set not_before = $2
         where connection = $1 and lane = 'backfill' and not_before < $2 and lease is null
        """,
        connection,
        until,
    )


async def _lock(tx: DbConnection, token: UUID) -> None:
    """In the order in which all lock them: whoever asks for several meanwhile is waited for, and never waits for us as well."""
    await tx.execute(
        "select from flow.read_request where lease = $1 order by connection, entity, record for update", token
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
