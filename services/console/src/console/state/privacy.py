"""Requests of persons as rows, and what is kept of one: read when it is asked for, stored nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.state.pool import DbConnection

WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PrivacyRequestRow:
    """One request; whose records they are is told by the export alone."""

    id: str
    connection: str
    name: str
    kind: str
    reference: str
    records: int
    redacted: int
    state: str
    words: str
    received_at: datetime
    due_at: datetime
    closed_at: datetime | None
    closed_by: str


async def page(link: DbConnection, after: tuple[datetime, str] | None, limit: int) -> Sequence[PrivacyRequestRow]:
    """The newest first."""
    rows = await link.fetch(
        f"{_SELECT} where $1::timestamptz is null or (p.received_at, p.id) < ($1, $2) order by p.received_at desc, p.id desc limit $3",
        *(after or (None, "")), limit,
    )  # fmt: skip
    return [_row(row) for row in rows]


async def of(link: DbConnection, id: str) -> PrivacyRequestRow | None:
    row = await link.fetchrow(f"{_SELECT} where p.id = $1", id)
    return _row(row) if row else None


async def kept(link: DbConnection, id: str) -> Sequence[Any]:
    """Every record that was named, and every order of the person's that was not: its values, the records it became elsewhere, and what was
    told of it there."""
    return list(await link.fetch(_KEPT, id))


async def close(tx: DbConnection, id: str, who: str, now: datetime) -> None:
    """An export is done when a person says so."""
    connection = await tx.fetchval(
        "update flow.privacy_request set state = 'done', closed_at = $3, closed_by = $2 where id = $1 and state = 'open' returning connection",
        id, who, now,
    )  # fmt: skip
    if connection is not None:
        await tx.execute(
            "update core.notification set resolved_at = $3 where connection = $1 and code = $2 and resolved_at is null",
            connection, id, now,
        )  # fmt: skip


def _row(row: Any) -> PrivacyRequestRow:
    return PrivacyRequestRow(due_at=row["received_at"] + WITHIN, **dict(row))


_SELECT = """
select p.id, p.connection, c.name, p.kind, p.reference, cardinality(p.records) as records, p.redacted, p.state, p.words, p.received_at,
       p.closed_at, p.closed_by
  from flow.privacy_request p join core.connection c on c.id = p.connection
"""
_KEPT = """
with named as (
    select p.connection, n.entity, n.record from flow.privacy_request p cross join lateral unnest(p.entities, p.records) as n(entity, record)
     where p.id = $1
), meant as (
    select connection, entity, record from named
    union
    select s.connection, s.entity, s.record from named n
      join flow.record_state s on s.connection = n.connection and n.entity = 'customer' and s.entity <> 'customer'
       and s.fields ->> 'customer_id' = n.record
)
select m.entity, m.record, s.fields, s.first_at, s.changed_at, coalesce(e.elsewhere, '[]') as elsewhere, coalesce(t.activity, '[]') as activity
  from meant m
  join flow.record_state s using (connection, entity, record)
  join core.connection c on c.id = m.connection
  left join lateral (
       select jsonb_agg(jsonb_build_object('account', p.right_account, 'entity', p.right_entity, 'id', p.right_id, 'since', p.since)) as elsewhere
         from flow.pair p
        where (p.left_id, p.left_account, p.left_entity) = (m.record, coalesce(nullif(c.account, ''), c.id), m.entity)) as e on true
  left join lateral (
       select jsonb_agg(jsonb_build_object('at', a.at, 'kind', a.kind, 'reason', a.reason, 'fields', a.fields, 'account', a.account, 'place', a.place,
                                           'member', a.key) order by a.at, a.event_id) as activity
         from flow.activity a where (a.connection, a.entity, a.record) = (m.connection, m.entity, m.record)) as t on true
 order by m.entity, m.record
"""
