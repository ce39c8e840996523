"""Which record of the source is which record of the target, by which rule, since when: data that people can see.

A link is `reserved` before the first call for its key and `linked` once the vendor has it. It survives a disconnect, so a full
re-sync after a reconnect creates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from common.state.pool import DbConnection
from writing.items import Item, ItemKey, columns


class Link(NamedTuple):
    """One record's counterpart."""

    target_key: str
    target_id: str
    state: str
    rule: str
    since: datetime


async def reserve(tx: DbConnection, items: Sequence[Item], rule: str, now: datetime) -> None:
    """Before the first call for a key: whoever comes later knows that it may exist."""
    await tx.execute(
        """
        insert into flow.record_link as l (sync, entity, record, account, place, target_entity, target_key, state, rule, since)
        select n.*, 'reserved', $8, $9
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) as n
        on conflict (sync, entity, record) do update
           set account = excluded.account, place = excluded.place, target_entity = excluded.target_entity,
               target_key = excluded.target_key, target_id = '', state = 'reserved', rule = excluded.rule, since = excluded.since
         where (l.account, l.place, l.target_entity, l.target_key)
            <> (excluded.account, excluded.place, excluded.target_entity, excluded.target_key)
        """,
        *columns([item.key for item in items]),
        *columns([item.target(item.target_key) for item in items], 4),
        rule,
        now,
    )


async def link(tx: DbConnection, ids: Mapping[ItemKey, str]) -> list[ItemKey]:
    """The vendor has them; returns those that are new."""
    rows = await tx.fetch(
        """
        update flow.record_link l set state = 'linked', target_id = n.id
          from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(sync, entity, record, id)
         where (l.sync, l.entity, l.record) = (n.sync, n.entity, n.record) and l.state = 'reserved'
        returning l.sync, l.entity, l.record
        """,
        *columns(ids),
        list(ids.values()),
    )
    return [ItemKey(row["sync"], row["entity"], row["record"]) for row in rows]


async def unlink(tx: DbConnection, keys: Sequence[ItemKey]) -> None:
    """The record has left the target."""
    await tx.execute(
        """
        delete from flow.record_link l using unnest($1::text[], $2::text[], $3::text[]) as n(sync, entity, record)
         where (l.sync, l.entity, l.record) = (n.sync, n.entity, n.record)
        """,
        *columns(sorted(set(keys))),
    )


async def of_record(tx: DbConnection, key: ItemKey) -> Link | None:
    """The counterpart of one record, for people."""
    row = await tx.fetchrow("select * from flow.record_link where sync = $1 and entity = $2 and record = $3", *key)
    return Link(row["target_key"], row["target_id"], row["state"], row["rule"], row["since"]) if row else None
