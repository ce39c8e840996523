"""What we know of target records: stored with every result, every look and every event of the target itself.

All of these change what they have locked, never what they remember: an event may have lowered a member's consent while we were calling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from common.contracts.outcomes import SkipReason
from common.state.pool import DbConnection
from common.state.storable import storable_json
from vendors.target import Act, Done, TargetRecord
from writing.items import TargetKey, columns, target_of

TARGET = "target"
# The stamp of an event is cut to its second, and the vendor's clock is not ours.
SKEW = timedelta(seconds=5)


async def read(tx: DbConnection, keys: Iterable[TargetKey]) -> dict[TargetKey, TargetRecord]:
    """What is known of these; nothing is a `Known` too."""
    return await _select(tx, keys, "")


async def lock(tx: DbConnection, keys: Iterable[TargetKey], now: datetime) -> dict[TargetKey, TargetRecord]:
    """The same, locked until the transaction ends; what nobody knows yet gets a row to lock."""
    listed = sorted(set(keys))
    await tx.execute(
        """
        insert into flow.target_record (account, place, target_entity, key, changed_at)
        select *, $5::timestamptz from unnest($1::text[], $2::text[], $3::text[], $4::text[]) on conflict do nothing
        """,
        *columns(listed, 4),
        now,
    )
    return await _select(tx, listed, "order by t.account, t.place, t.target_entity, t.key for update of t")


async def standing_since(tx: DbConnection, keys: Iterable[TargetKey]) -> dict[TargetKey, datetime | None]:
    """When the standing of each became what it is."""
    rows = await tx.fetch(
        """
        select t.account, t.place, t.target_entity, t.key, t.standing_at from flow.target_record t
          join unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
            using (account, place, target_entity, key)
        """,
        *columns(sorted(set(keys)), 4),
    )
    return {target_of(row): row["standing_at"] for row in rows}


async def changed_since(tx: DbConnection, target: TargetKey, at: datetime) -> bool:
    """Whether something was learnt about it since then."""
    changed: bool | None = await tx.fetchval(
        """
        select changed_at >= $5 from flow.target_record where (account, place, target_entity, key) = ($1, $2, $3, $4)
        """,
        *target,
        at,
    )
    return bool(changed)


async def doubt(tx: DbConnection, target: TargetKey, now: datetime) -> None:
    """It may not be as we know it: it is looked at before anything is decided."""
    await tx.execute(
        """
        update flow.target_record set doubtful = true, changed_at = $5
         where (account, place, target_entity, key) = ($1, $2, $3, $4)
        """,
        *target,
        now,
    )


async def _select(tx: DbConnection, keys: Iterable[TargetKey], how: str) -> dict[TargetKey, TargetRecord]:
    listed = sorted(set(keys))
    rows = await tx.fetch(
        f"""
        select t.* from flow.target_record t
          join unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, key)
            using (account, place, target_entity, key) {how}
        """,  # noqa: S608 - two constants of ours
        *columns(listed, 4),
    )
    found = {target_of(row): _known(row) for row in rows}
    return {key: found.get(key, TargetRecord()) for key in listed}


def guarded(
    current: TargetRecord, learnt: TargetRecord, asked_at: datetime, lower: Callable[[str, str], str]
) -> TargetRecord:
    """What an answer tells of consent, unless the target itself has told less since we asked: consent is never raised by accident."""
    told = current.told_at
    if told is None or told <= asked_at - SKEW or learnt.standing in ("", current.standing):
        return replace(learnt, told_at=told if learnt.standing == current.standing else None)
    kept = lower(current.standing, learnt.standing)
    return replace(learnt, standing=kept, told_at=told if kept == current.standing else None)


async def save(
    tx: DbConnection,
    known: Mapping[TargetKey, TargetRecord],
    now: datetime,
    by: str,
    *,
    reason: str = "",
    at: datetime | None = None,
) -> None:
    """Stores what is known now; a standing that did not change keeps its time, its author and its reason.

    `at` is the vendor's own time of the change, where it told it.
    """
    if not known:
        return
    listed = list(known.values())
    await tx.execute(
        """
        insert into flow.target_record as t (account, place, target_entity, key, target_id, present, met, values, ours, standing,
                                             former, born_of, barred, doubtful, memory, standing_at, standing_by, standing_reason,
                                             changed_at)
        select n.account, n.place, n.target_entity, n.key, n.target_id, n.present, n.met, n.values, n.ours::jsonb, n.standing,
               n.former, n.born_of, n.barred, n.doubtful, n.memory, case when n.standing = '' then null else $16::timestamptz end,
               case when n.standing = '' then '' else $17 end, case when n.standing = '' then '' else $18 end, $19
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::jsonb[],
                      $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[], $15::jsonb[])
               as n(account, place, target_entity, key, target_id, present, met, values, ours, standing, former, born_of, barred, doubtful,
                    memory)
        on conflict (account, place, target_entity, key) do update
           set target_id = excluded.target_id, present = excluded.present, met = excluded.met, values = excluded.values,
               ours = excluded.ours, standing = excluded.standing, former = excluded.former, born_of = excluded.born_of,
               barred = excluded.barred, doubtful = excluded.doubtful, memory = excluded.memory, changed_at = excluded.changed_at,
               standing_at = case when t.standing = excluded.standing then t.standing_at else excluded.standing_at end,
               standing_by = case when t.standing = excluded.standing then t.standing_by else excluded.standing_by end,
               standing_reason = case when t.standing = excluded.standing then t.standing_reason else excluded.standing_reason end
        """,
        *columns(known, 4),
        [one.id for one in listed],
        [one.exists for one in listed],
        [one.met for one in listed],
        [dict(one.values) for one in listed],
        # As text: an array of lists would be an array of two dimensions.
        [storable_json(list(one.ours)).decode() for one in listed],
        [one.standing for one in listed],
        [one.former for one in listed],
        [one.born_of for one in listed],
        [one.barred.value if one.barred else "" for one in listed],
        [one.doubtful for one in listed],
        [dict(one.memory) for one in listed],
        at or now,
        by,
        reason,
        now,
    )


def after(known: TargetRecord, act: Act, done: Done) -> TargetRecord:
    """What is known once an act is done."""
    ours = tuple(sorted({*known.ours, *done.gave} - set(done.took)))
    return replace(
        known,
        exists=done.exists,
        met=True,
        values={**known.values, **act.values, **done.values},
        ours=ours,
        standing=done.standing or act.standing or known.standing,
        born_of=act.born_of or known.born_of,
        doubtful=False,
        id=done.id or known.id,
    )


def doubted(known: TargetRecord) -> TargetRecord:
    """Something may have changed it that nobody saw: it is looked at before anything is decided."""
    return replace(known, doubtful=True)


def after_look(known: TargetRecord, seen: TargetRecord) -> TargetRecord:
    """A look replaces what was agreed (R2). Which tags are ours, and what we did to it, no look can tell."""
    present = {str(tag).casefold() for tag in seen.values.get("tags", ())}
    return replace(
        seen,
        met=known.met or bool(seen.exists),
        ours=tuple(tag for tag in known.ours if tag.casefold() in present),
        former=known.former,
        born_of=known.born_of,
        barred=known.barred,
        doubtful=False,
        memory=known.memory,
    )


def _known(row: Any) -> TargetRecord:
    return TargetRecord(
        exists=row["present"],
        met=row["met"],
        values=row["values"],
        ours=tuple(row["ours"]),
        standing=row["standing"],
        former=row["former"],
        born_of=row["born_of"],
        barred=SkipReason(row["barred"]) if row["barred"] else None,
        doubtful=row["doubtful"],
        id=row["target_id"],
        memory=row["memory"],
        told_at=row["standing_at"] if row["standing_by"] == TARGET else None,
    )
