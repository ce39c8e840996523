"""What a reconciliation finds, in its own tables: whom a page shows, who of ours it lacks, what differs, what is handed over to be repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from common.contracts.ids import RecordId
from common.state.pool import DbConnection
from common.state.reconciliations import LegKey
from vendors.target_record import TargetRecord
from writing.items import TargetKey
from writing.target_records import record_of

AT_A_TIME = 500

Kind = Literal["drifted", "missing", "superfluous"]


class Living(NamedTuple):
    """Who of a leg lives, or has lived, under a key that a page shows, and whether anybody is at work there."""

    key: str
    record: RecordId
    document: Mapping[str, Any]
    known: TargetRecord
    lives: bool
    busy: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that is not as it shall be."""

    record: RecordId
    key: str
    kind: Kind
    fields: tuple[str, ...] = ()


async def living_at(
    tx: DbConnection, leg: LegKey, where: TargetKey, keys: Iterable[str], unmoved_since: datetime
) -> list[Living]:
    """Of each key the record of this leg that would write there now (R13), or that was the last to leave; of other legs nothing."""
    rows = await tx.fetch(_LIVING, where.account, where.place, where.entity, list(keys), *leg, unmoved_since)
    return [
        Living(row["key"], RecordId(row["record"]), row["document"], _known(row), row["lives"], row["busy"])
        for row in rows
    ]


async def keys_of(tx: DbConnection, where: TargetKey, ids: Iterable[str]) -> dict[str, str]:
    """The keys under which records of ours with these ids are linked there."""
    rows = await tx.fetch(
        """
        select right_id, right_key from flow.pair
         where right_id = any($4::text[]) and (right_account, right_place, right_entity) = ($1, $2, $3) and right_key <> ''
        """,
        *where[:3],
        list(ids),
    )
    return {row["right_id"]: row["right_key"] for row in rows}


async def met(tx: DbConnection, leg: LegKey, keys: Iterable[str]) -> set[str]:
    """Those that the listing shows for the first time."""
    rows = await tx.fetch(
        "insert into flow.reconcile_met (sync, entity, key) select $1, $2, * from unnest($3::text[]) on conflict do nothing returning key",
        *leg,
        list(keys),
    )
    return {row["key"] for row in rows}


async def store(tx: DbConnection, leg: LegKey, found: Sequence[Difference]) -> None:
    """A page that is read again finds the same."""
    await tx.execute(
        """
        insert into flow.reconcile_difference (sync, entity, record, key, kind, fields)
        select $1, $2, n.record, n.key, n.kind, coalesce(string_to_array(nullif(n.fields, ''), ' '), '{}')
          from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as n(record, key, kind, fields)
        on conflict (sync, entity, record) do nothing
        """,
        *leg,
        [one.record for one in found],
        [one.key for one in found],
        [one.kind for one in found],
        [" ".join(one.fields) for one in found],
    )


async def owned_keys(tx: DbConnection, leg: LegKey, where: TargetKey, after: str) -> list[str]:
    """Keys under which records of the leg live, some of them, in their order."""
    rows = await tx.fetch(
        """
        select distinct key from flow.target_owner
         where (account, place, target_entity) = ($3, $4, $5) and key > $6 and (sync, entity) = ($1, $2) and standing = 'live'
         order by key limit $7
        """,
        *leg,
        *where[:3],
        after,
        AT_A_TIME,
    )
    return [row["key"] for row in rows]


async def lacking(
    tx: DbConnection, leg: LegKey, where: TargetKey, keys: Sequence[str], unmoved_since: datetime
) -> list[Living]:
    """Of these keys, those that are there as far as we know, and were in no page."""
    rows = await tx.fetch(_LACKING, *leg, *where[:3], list(keys), unmoved_since)
    return [Living(row["key"], RecordId(row["record"]), row["document"], _known(row), True, False) for row in rows]


async def counted(tx: DbConnection, leg: LegKey) -> tuple[dict[str, int], dict[str, int]]:
    """How many differences of each kind there are, and how many records differ in each field."""
    kinds = await tx.fetch(
        "select kind, count(*) as many from flow.reconcile_difference where (sync, entity) = ($1, $2) group by kind",
        *leg,
    )
    fields = await tx.fetch(
        """
        select f as field, count(*) as many from flow.reconcile_difference d, unnest(d.fields) as f
         where (d.sync, d.entity) = ($1, $2) group by f order by many desc, f
        """,
        *leg,
    )
    return {row["kind"]: row["many"] for row in kinds}, {row["field"]: row["many"] for row in fields}


async def to_repair(tx: DbConnection, leg: LegKey) -> list[tuple[RecordId, str]]:
    """Some of those that were not handed over yet, with their keys. What is superfluous was left, and a person has brought it back."""
    rows = await tx.fetch(
        """
        select record, key from flow.reconcile_difference
         where (sync, entity) = ($1, $2) and repaired_at is null and kind <> 'superfluous' order by record limit $3 for update
        """,
        *leg,
        AT_A_TIME,
    )
    return [(RecordId(row["record"]), row["key"]) for row in rows]


async def handed_over(tx: DbConnection, leg: LegKey, records: Sequence[RecordId], now: datetime) -> None:
    """They are planned once more by the ordinary road, as soon as nobody works on them."""
    await tx.execute(
        "insert into flow.recheck (sync, entity, record) select $1, $2, * from unnest($3::text[]) on conflict do nothing",
        *leg,
        list(records),
    )
    await tx.execute(
        "update flow.reconcile_difference set repaired_at = $4 where (sync, entity) = ($1, $2) and record = any($3::text[])",
        *leg,
        list(records),
        now,
    )


def _known(row: Any) -> TargetRecord:
    return record_of(row) if row["memory"] is not None else TargetRecord()


# R13: the smallest live owner that is able to write. Who is at work anywhere under the key makes it busy, and so does who was a moment ago.
_LIVING = """
with owning as (
    select k.key, o.sync, o.entity, o.record, w.rank as of_rank, w.document, o.standing in ('live', 'leaving') as lives,
           w.wish = 'present' and w.state not in ('dead', 'parked', 'awaiting')
             and not (w.state = 'done' and w.outcome = 'skipped' and w.reason <> 'shares_target')
             and exists (select from core.sync s where s.id = o.sync and s.state = 'active') as able,
           o.standing = 'left' and w.wish = 'absent' and w.state = 'done' as left,
           w.state in ('ready', 'leased', 'hold', 'waiting') or w.changed_at >= $7 as busy
      from unnest($4::text[]) as k(key)
      join flow.target_owner o on (o.account, o.place, o.target_entity, o.key) = ($1, $2, $3, k.key)
      join flow.work_item w on (w.sync, w.entity, w.record) = (o.sync, o.entity, o.record)
), judged as (
    select n.*, bool_or(n.busy) over (partition by n.key) as any_busy, bool_or(n.lives) over (partition by n.key) as any_lives,
           row_number() over (partition by n.key order by n.able desc, n.of_rank, n.sync, n.entity, n.record) as rank
      from owning n
)
select j.key, j.record, j.document, j.able as lives, j.any_busy as busy,
       t.target_id, t.present, t.met, t.seen, t.agreed, t.memory, t.doubtful
  from judged j
  left join flow.target_record t on (t.account, t.place, t.target_entity, t.key) = ($1, $2, $3, j.key)
 where (j.sync, j.entity) = ($5, $6) and j.rank = 1 and (j.able or j.left and not j.any_lives)
"""

# Key by key, and each table by its primary key: of one that was small when its statistics were made the planner believes anything, and would
# rather join all of two tables.
_LACKING = """
select k.key, w.record, w.document, t.target_id, t.present, t.met, t.seen, t.agreed, t.memory, t.doubtful
  from unnest($6::text[]) as k(key)
 cross join lateral (
    select o.record from flow.target_owner o
     where (o.account, o.place, o.target_entity, o.key, o.sync, o.entity) = ($3, $4, $5, k.key, $1, $2) and o.standing = 'live' offset 0) as o
 cross join lateral (
    select w.record, w.document from flow.work_item w
     where (w.sync, w.entity, w.record) = ($1, $2, o.record)
       and w.wish = 'present' and w.state = 'done' and w.outcome <> 'skipped' and w.changed_at < $7 offset 0) as w
 cross join lateral (
    select t.* from flow.target_record t
     where (t.account, t.place, t.target_entity, t.key) = ($3, $4, $5, k.key) and t.present offset 0) as t
 where not exists (select from flow.reconcile_met m where (m.sync, m.entity, m.key) = ($1, $2, k.key))
"""
