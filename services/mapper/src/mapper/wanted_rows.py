"""Wanted documents as rows: what each leg wants of each record, under which revision, and how far that is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from common.contracts.ids import CommandId, Entity, EventId, RecordId, RunId, SyncId
from common.contracts.messages import Lane, WriteCommand
from common.contracts.syncs import Leg, Sync
from common.state.pool import DbConnection
from common.version import build
from mapper.state_rows import Key
from mapper.wish import DesiredDocument


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a wish be judged: carried into the command, so that it can be followed."""

    happened_at: datetime
    lane: Lane = Lane.LIVE
    run: RunId | None = None
    """The job that it is part of, by its name without the sync's; None for a live change."""
    event: EventId | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Raised:
    """A wish that differs from the one stored, with the revision that makes it newer."""

    leg: Leg
    key: Key
    revision: int
    wish: DesiredDocument
    cause: Cause
    mapping_version: int
    run: RunId


class WantedKey(NamedTuple):
    """One record as one leg of a sync wants it; leg and record are the rest of every key from here on to the target."""

    sync: SyncId
    leg: Entity
    record: RecordId


class StoredWish(NamedTuple):
    """The stored wish of one leg for one record, as far as judging needs it."""

    revision: int
    content: str
    skip: str = ""
    judged_by: str = ""


def judged_by(mapping_version: int) -> str:
    """By what a wish follows from a state: the same code and the same mapping say the same of the same record."""
    return f"{build()}/{mapping_version}"


async def stored(tx: DbConnection, wanted: Sequence[WantedKey]) -> dict[WantedKey, StoredWish]:
    """The wishes that are there; the lock on the record's state covers them."""
    if not wanted:
        return {}
    rows = await tx.fetch(
        """
        select w.sync, w.entity, w.record, w.revision, w.content, w.skip, w.judged_by from flow.wanted w
          join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
        """,
        *([key[at] for key in wanted] for at in range(3)),
    )
    return {WantedKey(*row[:3]): StoredWish(*row[3:]) for row in rows}


async def judged_again(tx: DbConnection, found: Mapping[WantedKey, str]) -> None:
    """These were found to be as they are stored, by whom is told with each; the lock on the record's state covers them."""
    if found:
        await tx.execute(
            """
            update flow.wanted w set judged_by = n.judged_by
              from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(sync, entity, record, judged_by)
             where (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record)
            """,
            *([key[at] for key in found] for at in range(3)),
            list(found.values()),
        )


async def raise_revisions(tx: DbConnection, raised: Sequence[Raised], now: datetime) -> None:
    """R9: stores the new wishes under their new revisions; what is stored here is what will be published."""
    if not raised:
        return
    rows = [_row(item) for item in sorted(raised, key=lambda r: (r.leg.sync, r.leg.name, r.key))]
    await tx.execute(
        """
        insert into flow.wanted (sync, entity, record, connection, revision, wish, skip, document, content, mapping_version,
                                 lane, run, event_id, happened_at, traceparent, judged_by, rank, changed_at)
        select n.*, $18
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::jsonb[], $9::text[],
                      $10::int[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::text[], $17::smallint[]) as n
        on conflict (sync, entity, record) do update
           set revision = excluded.revision, wish = excluded.wish, skip = excluded.skip, document = excluded.document,
               content = excluded.content, mapping_version = excluded.mapping_version, lane = excluded.lane,
               run = excluded.run, event_id = excluded.event_id, happened_at = excluded.happened_at,
               traceparent = excluded.traceparent, judged_by = excluded.judged_by, rank = excluded.rank, changed_at = excluded.changed_at
        """,
        *(list(column) for column in zip(*rows, strict=True)),
        now,
    )


class Unpublished(NamedTuple):
    """A stored wish whose command is not known to be on the topic."""

    command: WriteCommand
    traceparent: str
    source: Key
    """The record at its source, by the source's own name of its entity."""


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
    return [_unpublished(row, syncs[row["sync"]]) for row in rows]


# Of each sync that is owed something its share, the oldest first: a large one holds nobody up, and what is owed where nobody can
# publish is not passed over again and again. What was stored a moment ago is being published by whoever stored it.
_OLDEST = """
with hungry as materialized (
    select s.id from unnest($1::text[]) as s(id) cross join lateral (
        select from flow.wanted v where v.sync = s.id and v.revision > v.published_revision limit 1) as owed
), share as materialized (
    select ceil($2::numeric / greatest(count(*), 1))::bigint as most from hungry
)
select w.* from hungry cross join lateral (
    select * from flow.wanted v
     where v.sync = hungry.id and v.revision > v.published_revision and v.changed_at < now() - interval '2 seconds'
     order by v.changed_at limit (select most from share)) as w
 order by w.changed_at limit $2::bigint
"""

# The syncs are those of the legs: asked of each record, their list would be searched once for each. With its limit each wish is looked up by
# its key: the index of what is owed keeps all that was owed since it was vacuumed, and would be read once a record.
_OF_RECORDS = """
select w.* from unnest($3::text[], $4::text[], $5::text[]) as k(connection, entity, record)
  join core.leg l on (l.source_connection, l.source_entity) = (k.connection, k.entity)
 cross join lateral (
       select * from flow.wanted v where (v.sync, v.entity, v.record) = (l.sync, l.name, k.record) limit 1) as w
 where w.revision > w.published_revision and l.sync = any($1::text[]) order by w.changed_at limit $2
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


def _row(item: Raised) -> tuple[Any, ...]:
    leg, wish, cause = item.leg, item.wish, item.cause
    return (
        leg.sync, leg.name, item.key.record, leg.source, item.revision, wish.wish, (wish.skip or "").__str__(),
        wish.document, wish.content, item.mapping_version, cause.lane.value, item.run, cause.event or "",
        cause.happened_at, cause.traceparent, judged_by(item.mapping_version), wish.rank,
    )  # fmt: skip


def _unpublished(row: Any, sync: Sync) -> Unpublished:
    leg = sync.legs[row["entity"]]
    source = Key(leg.source, leg.source_entity, RecordId(row["record"]))
    side = leg.writes if sync.way_back(leg) is not None else ""
    return Unpublished(_command(row, leg, side), row["traceparent"], source)


def _command(row: Any, leg: Leg, side: Literal["", "left", "right"]) -> WriteCommand:
    identity = (leg.sync, leg.name, RecordId(row["record"]))
    return WriteCommand(
        id=CommandId(WriteCommand.derive_id(*identity, row["revision"])),
        sync=identity[0], entity=identity[1], record=identity[2],
        source=leg.source, target=leg.target, place=leg.target_place, target_entity=leg.target_entity, mode=leg.mode, side=side,
        revision=row["revision"], mapping_version=row["mapping_version"],
        wish=row["wish"], document=row["document"], skip=row["skip"], rank=row["rank"], lane=Lane(row["lane"]),
        run=row["run"] or None, event=row["event_id"] or None, happened_at=row["happened_at"],
    )  # fmt: skip
