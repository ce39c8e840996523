"""The latest state of every source record as rows: locked, read and saved a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state.pool import DbConnection
from mapper.state import RecordState


class Key(NamedTuple):
    """One source record; batches lock in the order of these keys, so that two never wait for each other."""

    connection: ConnectionId
    entity: Entity
    record: RecordId


async def judging(tx: DbConnection, keys: Sequence[Key]) -> None:
    """R9: says until the transaction ends that records of these connections are being judged, by a version read after this."""
    await tx.execute(
        "select pg_advisory_xact_lock_shared(hashtextextended('judging:' || c, 0)) from unnest($1::text[]) as c",
        sorted({key.connection for key in keys}),
    )


async def judged_so_far(tx: DbConnection, connection: ConnectionId) -> None:
    """R9: waits for everybody who judges records of this connection; whoever comes later reads what is committed by now."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('judging:' || $1, 0))", connection)


async def lock(tx: DbConnection, keys: Sequence[Key], now: datetime) -> dict[Key, RecordState]:
    """The states of these records, locked until the transaction ends; a record never seen has an empty one."""
    ordered = sorted(set(keys))
    columns = [list(column) for column in zip(*ordered, strict=True)]
    await tx.execute(
        """
        insert into flow.record_state (connection, entity, record, first_at, changed_at)
        select *, $4::timestamptz, $4::timestamptz from unnest($1::text[], $2::text[], $3::text[])
        on conflict do nothing
        """,
        *columns,
        now,
    )
    rows = await tx.fetch(_LOCK, *columns)
    return {_key(row): state_of(row) for row in rows}


async def lock_known(tx: DbConnection, keys: Sequence[Key]) -> dict[Key, RecordState]:
    """The same for those that were ever seen; none is made."""
    rows = await tx.fetch(_LOCK, *([key[at] for key in sorted(set(keys))] for at in range(3)))
    return {_key(row): state_of(row) for row in rows}


async def forgotten(tx: DbConnection, keys: Collection[Key]) -> frozenset[Key]:
    """Those of them that somebody has asked us to forget; nothing is locked."""
    rows = await tx.fetch(_FORGOTTEN, *([key[at] for key in keys] for at in range(3)))
    return frozenset(_key(row) for row in rows)


_FORGOTTEN = """
select connection, entity, record from flow.record_state
  join unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record) using (connection, entity, record)
 where redacted <> ''
"""
_LOCK = """
select s.* from flow.record_state s
  join unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record) using (connection, entity, record)
 order by s.connection, s.entity, s.record for update of s
"""


async def lock_page(
    tx: DbConnection, connection: ConnectionId, entity: Entity, after: str, count: int
) -> dict[Key, RecordState]:
    """The next records of one connection, locked; for a job that goes through all of them."""
    rows = await tx.fetch(
        """
        select * from flow.record_state where connection = $1 and entity = $2 and record > $3
         order by record limit $4 for update
        """,
        connection,
        entity,
        after,
        count,
    )
    return {_key(row): state_of(row) for row in rows}


async def save(tx: DbConnection, states: Mapping[Key, RecordState], now: datetime) -> None:
    """Stores states that changed; their rows are locked."""
    keys = list(states)
    await tx.execute(
        """
        update flow.record_state s
           set fields = n.fields, told = n.told, sequence = n.sequence, deleted = n.deleted,
               existence_at = n.existence_at, place = n.place, detail = n.detail, changed_at = $11
          from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[], $7::boolean[], $8::timestamptz[],
                      $9::text[], $10::text[]) as n(connection, entity, record, fields, told, sequence, deleted, existence_at, place, detail)
         where (s.connection, s.entity, s.record) = (n.connection, n.entity, n.record)
        """,
        *(list(column) for column in zip(*keys, strict=True)),
        [dict(states[key].fields) for key in keys],
        [dict(states[key].field_versions) for key in keys],
        [states[key].sequence for key in keys],
        [states[key].deleted for key in keys],
        [states[key].existence_at for key in keys],
        [states[key].place for key in keys],
        [states[key].detail for key in keys],
        now,
    )


def state_of(row: Any) -> RecordState:
    """The state in one row of `flow.record_state`."""
    return RecordState(
        row["fields"], row["told"], row["sequence"], row["deleted"], row["existence_at"], row["place"], row["detail"], row["redacted"] != "",
        row["first_at"],
    )  # fmt: skip


def _key(row: Any) -> Key:
    return Key(row["connection"], row["entity"], row["record"])
