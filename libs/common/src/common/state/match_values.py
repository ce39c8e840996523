"""What records are matched by, as rows of `flow.match_value`, and which legs are ready to be matched (decision 69).

Whoever looks for counterparts takes the lock of the sync first and looks then: so of two batches that tell of both ends of one thing, one
comes after the other. Rows of one record are written only by who has its state locked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.state.pairs import PairEnd
from common.state.pool import DbConnection

Side = Literal["left", "right"]
HERE = ""
"""The rule of the row that says that a record is in the leg."""
MOST = 20
"""More records with one value are named by their number alone."""


class Teller(NamedTuple):
    """Who tells values of a leg's side: a record of itself (no entity), or one of others."""

    sync: SyncId
    leg: Entity
    side: Side
    entity: str
    record: RecordId


class MatchValue(NamedTuple):
    """What it tells, of whom."""

    by: Teller
    record: str
    rule: str
    value: str


class Sought(NamedTuple):
    """A record without a counterpart, and, where records belong to others, the ids of these at both sides."""

    sync: SyncId
    leg: Entity
    side: Side
    record: RecordId
    parents: tuple[str, str] | None


class Ready(NamedTuple):
    """By which versions both sides of a leg were gone through last, and since when they are known."""

    versions: str
    since: datetime


async def keep(tx: DbConnection, tellers: Collection[Teller], told: Iterable[MatchValue]) -> list[tuple[str, ...]]:
    """What these tell from now on. Returns the sync, leg, side, rule, value and record of whatever was not so before."""
    if not tellers:
        return []
    rows = [(*one.by, one.record, one.rule, one.value) for one in set(told)]
    by = [[one[at] for one in sorted(tellers)] for at in range(5)]
    return [tuple(row) for row in await tx.fetch(_KEEP, *by, *([row[at] for row in rows] for at in range(8)))]


async def ready(tx: DbConnection, syncs: Iterable[SyncId]) -> dict[tuple[SyncId, Entity], Ready]:
    """The legs of these that were ever ready."""
    rows = await tx.fetch(
        "select sync, leg, versions, since from flow.match_ready where sync = any($1::text[])", sorted(set(syncs))
    )
    return {(row["sync"], row["leg"]): Ready(row["versions"], row["since"]) for row in rows}


async def counterparts(tx: DbConnection, ends: Sequence[tuple[Side, PairEnd, PairEnd]]) -> dict[int, str]:
    """The ids of the counterparts of those that are linked, as far as anybody has stored; nothing is locked."""
    rows = await tx.fetch(_PAIRED, *_ends(ends))
    return {row["at"]: row["other"] for row in rows if row["linked"]}


async def alone(tx: DbConnection, syncs: Iterable[SyncId]) -> None:
    """Until the transaction ends nobody else looks for counterparts in these."""
    await tx.execute(
        "select pg_advisory_xact_lock(hashtextextended('matching:' || s, 0)) from unnest($1::text[]) as s",
        sorted(set(syncs)),
    )


async def shared(tx: DbConnection, sought: Sequence[Sought]) -> list[tuple[int, str, str, Side, str]]:
    """Whoever has a value of these, themselves included: by the number of who is looked for, rule, value, side and record."""
    rows = await tx.fetch(
        _SHARED, list(range(len(sought))), *([one[at] for one in sought] for at in range(4)),
        [one.parents[0] if one.parents else None for one in sought], [one.parents[1] if one.parents else None for one in sought],
        MOST + 1,
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def sharing(tx: DbConnection, changed: Collection[tuple[str, ...]]) -> list[tuple[str, str, Side, str]]:
    """Whom it concerns that these (sync, leg, side, rule, value, record) are so, or are no more: the records themselves, and whoever has the same
    value, of legs that are ready; as sync, leg, side and record."""
    listed = sorted(one for one in set(changed) if one[3] != HERE)
    if not listed:
        return []
    return [tuple(row) for row in await tx.fetch(_SHARING, *([one[at] for one in listed] for at in range(6)), MOST + 1)]


async def children(
    tx: DbConnection, of: Sequence[tuple[SyncId, Entity, Side, str]]
) -> list[tuple[str, str, Side, str]]:
    """Records of these legs that belong to these ones."""
    return [tuple(row) for row in await tx.fetch(_CHILDREN, *([one[at] for one in of] for at in range(4)))]


async def again(tx: DbConnection, records: Collection[tuple[str, str, Side, str]]) -> None:
    """These (sync, leg, side, record) have to be judged once more."""
    if records:
        await tx.execute(_AGAIN, *([one[at] for one in sorted(records)] for at in range(4)))


async def again_alone(tx: DbConnection, sync: SyncId, leg: Entity, side: Side, own: PairEnd, there: PairEnd) -> None:
    """The same for all records of one side of a leg that have no counterpart."""
    await tx.execute(_AGAIN_ALONE, sync, leg, side, *own[:3], *there[:3])


async def take_again(tx: DbConnection, count: int) -> list[tuple[SyncId, Entity, Side, RecordId]]:
    """Those who are judged once more in this transaction."""
    return [tuple(row) for row in await tx.fetch(_TAKE_AGAIN, count)]


class FillJob(NamedTuple):
    """The records of one source that are gone through for one leg."""

    sync: SyncId
    leg: Entity
    versions: str
    connection: ConnectionId
    entity: Entity


async def fill_at(tx: DbConnection, job: FillJob) -> tuple[str, bool] | None:
    """How far it is, and whether that is the end; None before it has begun."""
    row = await tx.fetchrow(
        "select cursor, finished_at is not null as over from flow.match_fill where (sync, leg, versions, connection, entity) = ($1, $2, $3, $4, $5)",
        *job,
    )
    return (row["cursor"], row["over"]) if row is not None else None


async def fill_to(tx: DbConnection, job: FillJob, cursor: str, finished_at: datetime | None) -> None:
    await tx.execute(_FILL_TO, *job, cursor, finished_at)


async def now_ready(tx: DbConnection, sync: SyncId, leg: Entity, versions: str, now: datetime) -> None:
    """Both sides are known by these versions; what was gone through for others is forgotten."""
    await tx.execute(_NOW_READY, sync, leg, versions, now)
    await tx.execute("delete from flow.match_fill where (sync, leg) = ($1, $2) and versions <> $3", sync, leg, versions)


def _ends(ends: Sequence[tuple[Side, PairEnd, PairEnd]]) -> list[list[Any]]:
    own, there = (
        [[own[at] for _, own, _ in ends] for at in range(4)],
        [[there[at] for _, _, there in ends] for at in range(3)],
    )
    return [list(range(len(ends))), [side for side, _, _ in ends], *own, *there]


_KEEP = """
with tells as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as t(sync, leg, side, told_entity, told_record)
), told as (
    select * from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
               as n(sync, leg, side, told_entity, told_record, record, rule, value)
), gone as (
    delete from flow.match_value v using tells t
     where (v.sync, v.leg, v.side, v.told_entity, v.told_record) = (t.sync, t.leg, t.side, t.told_entity, t.told_record)
       and (v.sync, v.leg, v.side, v.told_entity, v.told_record, v.record, v.rule, v.value) not in (select * from told)
    returning v.*
), new as (
    insert into flow.match_value (sync, leg, side, told_entity, told_record, record, rule, value) select * from told
    on conflict do nothing returning *
)
select sync, leg, side, rule, value, record from gone union all select sync, leg, side, rule, value, record from new
"""

_PAIRED = """
select n.at, p.left_id <> '' and p.right_id <> '' and p.state = 'linked' as linked,
       case n.side when 'left' then p.right_id else p.left_id end as other
  from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
       as n(at, side, account, place, entity, id, other_account, other_place, other_entity)
 cross join lateral (
    select q.* from flow.pair q
     where n.side = 'left' and (q.left_id, q.left_account, q.left_entity, q.left_place) = (n.id, n.account, n.entity, n.place)
       and (q.right_account, q.right_place, q.right_entity) = (n.other_account, n.other_place, n.other_entity)
    union all
    select q.* from flow.pair q
     where n.side = 'right' and q.right_id <> ''
       and (q.right_id, q.right_account, q.right_entity, q.right_place) = (n.id, n.account, n.entity, n.place)
       and (q.left_account, q.left_place, q.left_entity) = (n.other_account, n.other_place, n.other_entity)) as p
 where p.exclusive and p.state <> 'unlinked'
"""

_AGAIN = "insert into flow.match_again (sync, leg, side, record) select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])"

_AGAIN_ALONE = """
insert into flow.match_again (sync, leg, side, record)
select $1, $2, $3, case $3 when 'left' then left_id else right_id end from flow.pair
 where exclusive and state = 'alone' and case $3 when 'left' then left_id else right_id end <> ''
   and case $3 when 'left' then (left_account, left_place, left_entity, right_account, right_place, right_entity)
               else (right_account, right_place, right_entity, left_account, left_place, left_entity) end = ($4, $5, $6, $7, $8, $9)
"""

_TAKE_AGAIN = """
delete from flow.match_again where id in (select id from flow.match_again order by id limit $1 for update skip locked)
returning sync, leg, side, record
"""

_SHARED = """
select distinct k.at, v.rule, v.value, m.side, m.record
  from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as k(at, sync, leg, side, record, left_parent, right_parent)
  join flow.match_value v on (v.sync, v.leg, v.side, v.record) = (k.sync, k.leg, k.side, k.record) and v.rule <> ''
 cross join lateral (
    select s.side, x.record from (values ('left', k.left_parent), ('right', k.right_parent)) as s(side, parent)
     cross join lateral (
        select distinct o.record from flow.match_value o
          join flow.match_value h on (h.sync, h.leg, h.side, h.record, h.rule) = (o.sync, o.leg, o.side, o.record, '')
         where (o.sync, o.leg, o.rule, o.value, o.side) = (k.sync, k.leg, v.rule, v.value, s.side)
           and (s.parent is null or h.value = s.parent)
         order by o.record limit $8) as x) as m
"""

_SHARING = """
select distinct k.sync, k.leg, o.side, o.record
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as k(sync, leg, side, rule, value, record)
  join flow.match_ready r on (r.sync, r.leg) = (k.sync, k.leg)
 cross join lateral (
    select k.side, k.record
    union all
    (select v.side, v.record from flow.match_value v where (v.sync, v.leg, v.rule, v.value) = (k.sync, k.leg, k.rule, k.value) limit $7)) as o
"""

_CHILDREN = """
select k.sync, k.leg, v.side, v.record from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(sync, leg, side, parent)
  join flow.match_value v on (v.sync, v.leg, v.rule, v.value, v.side) = (k.sync, k.leg, '', k.parent, k.side)
"""

_FILL_TO = """
insert into flow.match_fill (sync, leg, versions, connection, entity, cursor, finished_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (sync, leg, versions, connection, entity) do update set cursor = excluded.cursor, finished_at = excluded.finished_at
"""

_NOW_READY = """
insert into flow.match_ready (sync, leg, versions, since) values ($1, $2, $3, $4)
on conflict (sync, leg) do update set versions = excluded.versions
"""
