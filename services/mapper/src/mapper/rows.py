"""The mapper's tables: record states and wanted documents, read and written a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from common.contracts.ids import CommandId, ConnectionId, Entity, EventId, RecordId, RunId, SyncId
from common.contracts.messages import Lane, WriteCommand
from common.contracts.syncs import Sync
from common.state.pool import DbConnection
from mapper.state import RecordState
from mapper.wish import DesiredDocument


class Key(NamedTuple):
    """One source record; batches lock in the order of these keys, so that two never wait for each other."""

    connection: ConnectionId
    entity: Entity
    record: RecordId


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a wish be judged: carried into the command, so that it can be followed."""

    happened_at: datetime
    lane: Lane = Lane.LIVE
    run: RunId | None = None
    event: EventId | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Raised:
    """A wish that differs from the one stored, with the revision that makes it newer."""

    sync: Sync
    key: Key
    revision: int
    wish: DesiredDocument
    cause: Cause
    mapping_version: int


class StoredWish(NamedTuple):
    """The stored wish of one (sync, record), as far as judging needs it."""

    revision: int
    content: str


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
    rows = await tx.fetch(
        """
        select s.* from flow.record_state s
          join unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record) using (connection, entity, record)
         order by s.connection, s.entity, s.record for update of s
        """,
        *columns,
    )
    return {_key(row): state_of(row) for row in rows}


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
               existence_at = n.existence_at, changed_at = $9
          from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[], $7::boolean[], $8::timestamptz[])
               as n(connection, entity, record, fields, told, sequence, deleted, existence_at)
         where (s.connection, s.entity, s.record) = (n.connection, n.entity, n.record)
        """,
        *(list(column) for column in zip(*keys, strict=True)),
        [dict(states[key].fields) for key in keys],
        [dict(states[key].told) for key in keys],
        [states[key].sequence for key in keys],
        [states[key].deleted for key in keys],
        [states[key].existence_at for key in keys],
        now,
    )


async def known(tx: DbConnection, keys: Sequence[Key]) -> dict[tuple[SyncId, Key], StoredWish]:
    """The stored wishes of these records; the lock on the record's state covers them."""
    if not keys:
        return {}
    rows = await tx.fetch(
        """
        select w.sync, w.connection, w.entity, w.record, w.revision, w.content from flow.wanted w
          join unnest($1::text[], $2::text[], $3::text[]) as k(connection, entity, record) using (connection, entity, record)
        """,
        *(list(column) for column in zip(*keys, strict=True)),
    )
    return {(row["sync"], _key(row)): StoredWish(row["revision"], row["content"]) for row in rows}


async def raise_revisions(tx: DbConnection, raised: Sequence[Raised], now: datetime) -> None:
    """R9: stores the new wishes under their new revisions; what is stored here is what will be published."""
    await tx.executemany(
        """
        insert into flow.wanted (sync, entity, record, connection, revision, wish, skip, document, content, mapping_version,
                                 lane, run, event_id, happened_at, traceparent, changed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (sync, entity, record) do update
           set revision = excluded.revision, wish = excluded.wish, skip = excluded.skip, document = excluded.document,
               content = excluded.content, mapping_version = excluded.mapping_version, lane = excluded.lane,
               run = excluded.run, event_id = excluded.event_id, happened_at = excluded.happened_at,
               traceparent = excluded.traceparent, changed_at = excluded.changed_at
        """,
        [_stored(item, now) for item in sorted(raised, key=lambda r: (r.sync.id, r.key))],
    )


class Unpublished(NamedTuple):
    """A stored wish whose command is not known to be on the topic."""

    command: WriteCommand
    traceparent: str


async def unpublished(
    tx: DbConnection, syncs: Mapping[SyncId, Sync], keys: Sequence[Key] | None, count: int
) -> list[Unpublished]:
    """Wishes to publish: of these records, or the oldest of all."""
    if keys is None:
        rows = await tx.fetch(_OLDEST, list(syncs), count)
    else:
        chosen = sorted(set(keys))
        columns = [[key[at] for key in chosen] for at in range(3)]
        rows = await tx.fetch(_OF_RECORDS, list(syncs), count, *columns)
    return [Unpublished(_command(row, syncs[row["sync"]]), row["traceparent"]) for row in rows]


# Of each sync that is owed something its share, the oldest first: a large one holds nobody up, and what is owed where nobody can
# publish is not passed over again and again.
_OLDEST = """
with hungry as materialized (
    select s.id from unnest($1::text[]) as s(id) cross join lateral (
        select from flow.wanted v where v.sync = s.id and v.revision > v.published_revision limit 1) as owed
), share as materialized (
    select ceil($2::numeric / greatest(count(*), 1))::bigint as most from hungry
)
select w.* from hungry cross join lateral (
    select * from flow.wanted v where v.sync = hungry.id and v.revision > v.published_revision
     order by v.changed_at limit (select most from share)) as w
 order by w.changed_at limit $2::bigint
"""

_OF_RECORDS = """
select w.* from unnest($3::text[], $4::text[], $5::text[]) as k(connection, entity, record)
  join flow.wanted w using (connection, entity, record)
 where w.revision > w.published_revision and w.sync = any($1::text[]) order by w.changed_at limit $2
"""


async def mark_published(tx: DbConnection, commands: Sequence[WriteCommand]) -> None:
    """These revisions are on the topic; a newer one that came meanwhile stays to be published."""
    await tx.execute(
        """
        update flow.wanted w set published_revision = greatest(w.published_revision, p.revision)
          from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as p(sync, entity, record, revision)
         where (w.sync, w.entity, w.record) = (p.sync, p.entity, p.record)
        """,
        [c.sync for c in commands],
        [c.entity for c in commands],
        [c.record for c in commands],
        [c.revision for c in commands],
    )


def _key(row: Any) -> Key:
    return Key(row["connection"], row["entity"], row["record"])


def state_of(row: Any) -> RecordState:
    """The state in one row of `flow.record_state`."""
    return RecordState(row["fields"], row["told"], row["sequence"], row["deleted"], row["existence_at"])


def _stored(item: Raised, now: datetime) -> tuple[Any, ...]:
    key, wish, cause = item.key, item.wish, item.cause
    return (
        item.sync.id, key.entity, key.record, key.connection, item.revision, wish.wish, (wish.skip or "").__str__(),
        wish.document, wish.content, item.mapping_version, cause.lane.value, cause.run or "", cause.event or "",
        cause.happened_at, cause.traceparent, now,
    )  # fmt: skip


def _command(row: Any, sync: Sync) -> WriteCommand:
    identity = (SyncId(row["sync"]), Entity(row["entity"]), RecordId(row["record"]))
    return WriteCommand(
        id=CommandId(WriteCommand.derive_id(*identity, row["revision"])),
        sync=identity[0], entity=identity[1], record=identity[2],
        source=sync.source, target=sync.target, place=sync.place,
        revision=row["revision"], mapping_version=row["mapping_version"],
        wish=row["wish"], document=row["document"], skip=row["skip"], lane=Lane(row["lane"]),
        run=row["run"] or None, event=row["event_id"] or None, happened_at=row["happened_at"],
    )  # fmt: skip
