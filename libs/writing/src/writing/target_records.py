"""What is known of target records: one row each, read and locked here, and changed by nothing but the target's own `absorb`.

Lock, absorb, store: never a value that was read earlier, because an event of the target may have told more while we were calling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from common.state.pool import DbConnection
from vendors.absorbing import Doubted
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing.items import TargetKey, columns, target_of


async def read(tx: DbConnection, keys: Iterable[TargetKey]) -> dict[TargetKey, TargetRecord]:
    """What is known of these; nothing is a `TargetRecord` too."""
    return await _select(tx, keys, "")


async def lock(tx: DbConnection, keys: Iterable[TargetKey], now: datetime) -> dict[TargetKey, TargetRecord]:
    """The same, locked until the transaction ends; what nobody knows yet gets a row to lock."""
    listed = sorted(set(keys))
    if not listed:
        return {}
    await tx.execute(
        """
        insert into flow.target_record (account, place, target_entity, key, changed_at)
        select *, $5::timestamptz from unnest($1::text[], $2::text[], $3::text[], $4::text[]) on conflict do nothing
        """,
        *columns(listed, 4),
        now,
    )
    return await _select(tx, listed, "order by t.account, t.place, t.target_entity, t.key for update of t")


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


async def doubt(tx: DbConnection, target: Target, key: TargetKey, now: datetime) -> None:
    """It may not be as we know it: it is looked at before anything is decided."""
    known = (await lock(tx, [key], now))[key]
    await save(tx, {key: target.absorb(known, Doubted()).record}, now)


async def save(tx: DbConnection, known: Mapping[TargetKey, TargetRecord], now: datetime) -> None:
    """Stores what is known now of these records, which the caller has locked."""
    if not known:
        return
    listed = list(known.values())
    await tx.execute(
        """
        insert into flow.target_record (account, place, target_entity, key, target_id, present, met, seen, agreed, memory, doubtful,
                                        changed_at)
        select n.*, $12
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::jsonb[],
                      $9::jsonb[], $10::jsonb[], $11::boolean[]) as n
        on conflict (account, place, target_entity, key) do update
           set target_id = excluded.target_id, present = excluded.present, met = excluded.met, seen = excluded.seen,
               agreed = excluded.agreed, memory = excluded.memory, doubtful = excluded.doubtful, changed_at = excluded.changed_at
        """,
        *columns(known, 4),
        [one.id for one in listed],
        [one.exists for one in listed],
        [one.met for one in listed],
        [dict(one.seen) for one in listed],
        [dict(one.agreed) for one in listed],
        [dict(one.memory) for one in listed],
        [one.doubtful for one in listed],
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
    found = {target_of(row): record_of(row) for row in rows}
    return {key: found.get(key, TargetRecord()) for key in listed}


def record_of(row: Any) -> TargetRecord:
    """What is known, in one row of `flow.target_record`."""
    return TargetRecord(
        exists=row["present"],
        met=row["met"],
        id=row["target_id"],
        seen=row["seen"],
        agreed=row["agreed"],
        memory=row["memory"],
        doubtful=row["doubtful"],
    )
