"""Records that need others: a document waits for its customer, in a state of its own, without attempts and without being asked again (R23).

Whoever finds that a record is needed which is not linked yet writes down who waits for what, and makes the work item `awaiting`. The
transaction that makes that link takes these rows away and opens the work items (`common/state/awaiting.py`).

A crash before either commit leaves things as they were. A record that ends without a link says so on all that wait for it, in words; they
go on waiting, because a person may have it tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.state.pool import DbConnection
from writing import work_items
from writing.items import ACCOUNTS, Item, ItemKey, Locked, columns, item_of, key_of


class Awaited(NamedTuple):
    """A record that somebody waits for."""

    source: ConnectionId
    ref: RecordRef


class Linked(NamedTuple):
    """What a record that is needed is at the target."""

    id: str
    entity: Entity


async def linked(tx: DbConnection, wanted: Sequence[tuple[Item, RecordRef]]) -> dict[ItemKey, dict[RecordRef, Linked]]:
    """What these records need and is there."""
    found: dict[ItemKey, dict[RecordRef, Linked]] = {item.key: {} for item, _ in wanted}
    if not wanted:
        return found
    rows = await tx.fetch(
        _LINKED,
        list(range(len(wanted))),
        *columns([(item.source_account, ref.entity, ref.record, item.account, item.place) for item, ref in wanted], 5),
    )
    for row in rows:
        item, ref = wanted[row["at"]]
        found[item.key][ref] = Linked(row["id"], Entity(row["right_entity"]))
    return found


async def lock_with_waiting(tx: DbConnection, keys: Iterable[ItemKey]) -> dict[ItemKey, Locked]:
    """Locks these and whoever waits for them, which goes on, or is told, in the same transaction: all in the one order of everybody."""
    wanted = sorted(set(keys))
    waiting = await tx.fetch(
        """
        select n.sync, n.entity, n.record from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
          join core.leg l on (l.sync, l.name) = (k.sync, k.entity)
          join flow.work_need n on (n.need_entity, n.need_record) = (l.source_entity, k.record)
        """,
        *columns(wanted),
    )
    return await work_items.lock(tx, [*wanted, *map(key_of, waiting)])


async def store(tx: DbConnection, missing: Mapping[ItemKey, Sequence[Awaited]]) -> None:
    """Who waits for what from now on."""
    await forget(tx, missing)
    rows = [(key, one) for key, several in missing.items() for one in dict.fromkeys(several)]
    await tx.execute(
        """
        insert into flow.work_need (sync, entity, record, source, need_entity, need_record)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
        """,
        *columns([key for key, _ in rows]),
        *columns([(one.source, one.ref.entity, one.ref.record) for _, one in rows]),
    )


async def forget(tx: DbConnection, keys: Iterable[ItemKey]) -> None:
    """These wait for nothing any more."""
    if not (listed := sorted(set(keys))):
        return
    await tx.execute(
        """
        delete from flow.work_need n using unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
         where (n.sync, n.entity, n.record) = (k.sync, k.entity, k.record)
        """,
        *columns(listed),
    )


async def waiting_for(tx: DbConnection, parents: Iterable[ItemKey]) -> list[tuple[Item, ItemKey]]:
    """Who waits for each of these."""
    rows = await tx.fetch(_WAITING_FOR, *columns(sorted(set(parents))))
    return [(item_of(row), ItemKey(row["p_sync"], row["p_entity"], row["p_record"])) for row in rows]


async def say(tx: DbConnection, words: Mapping[ItemKey, str], now: datetime) -> None:
    """What people read of those who wait."""
    if not words:
        return
    await tx.execute(
        """
        update flow.work_item w set message = k.words, changed_at = $5
          from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(sync, entity, record, words)
         where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record) and w.state = 'awaiting'
        """,
        *columns(words),
        list(words.values()),
        now,
    )


async def parents(tx: DbConnection, wanted: Iterable[Awaited]) -> dict[Awaited, str]:
    """In words, how those ended that are waited for; nothing of those who are still at work, or were never seen."""
    listed = sorted(set(wanted), key=str)
    rows = await tx.fetch(_PARENTS, *columns([(one.source, one.ref.entity, one.ref.record) for one in listed]))
    return {
        Awaited(ConnectionId(row["source"]), RecordRef(entity=Entity(row["entity"]), record=RecordId(row["record"]))): words
        for row in rows
        if (words := how_it_ended(row["state"], row["outcome"], row["reason"], row["message"]))
    }  # fmt: skip


def how_it_ended(state: str, outcome: str, reason: str, message: str) -> str:
    """Empty while it is at work, or when it has what it wants, itself or with whom it shares (R13)."""
    if state in ("dead", "parked") or (state == "done" and outcome == "failed"):
        return f"which failed: {message or reason}"
    skipped = state == "done" and outcome == "skipped" and reason != SkipReason.SHARES_TARGET.value
    return f"which is skipped: {reason}" if skipped else ""


def words(entity: Entity, record: RecordId, ended: str = "") -> str:
    """For people."""
    return f"Waits for {entity} {record}, {ended}" if ended else f"Waits for {entity} {record}."


_LINKED = """
with wanted as (
    select * from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
               as k(at, source_account, entity, record, account, place)
), found as (
    select k.at, true as own, p.since, p.right_id, p.right_account, p.right_place, p.right_entity, p.right_key
      from wanted k
      join flow.pair p on (p.left_account, p.left_entity, p.left_id, p.right_account, p.right_place, p.state)
                        = (k.source_account, k.entity, k.record, k.account, k.place, 'linked')
    union all
    -- The same link, from its other side: a leg that leads back needs it too.
    select k.at, true, p.since, p.left_id, p.left_account, p.left_place, p.left_entity, p.left_key
      from wanted k
      join flow.pair p on (p.right_account, p.right_entity, p.right_id, p.left_account, p.left_place, p.state)
                        = (k.source_account, k.entity, k.record, k.account, k.place, 'linked')
     where p.exclusive
    union all
    -- R13: a record that shares its target is there as soon as whoever writes it is.
    select k.at, false, p.since, p.right_id, p.right_account, p.right_place, p.right_entity, p.right_key
      from wanted k
      join flow.target_owner o on (o.source_account, o.record, o.account, o.place, o.standing)
                                = (k.source_account, k.record, k.account, k.place, 'live')
      join core.leg l on (l.sync, l.name, l.source_entity) = (o.sync, o.entity, k.entity)
      join flow.work_item w on (w.sync, w.entity, w.record, w.wish) = (o.sync, o.entity, o.record, 'present')
      join flow.pair p on (p.right_account, p.right_place, p.right_entity, p.right_key, p.state)
                        = (o.account, o.place, o.target_entity, o.key, 'linked')
)
select p.at, coalesce(nullif(p.right_id, ''), t.target_id) as id, p.right_entity
  from found p
  left join flow.target_record t on (t.account, t.place, t.target_entity, t.key) = (p.right_account, p.right_place, p.right_entity, p.right_key)
 where coalesce(nullif(p.right_id, ''), t.target_id, '') <> ''
 order by p.own, p.since
"""

_WAITING_FOR = f"""
select w.*, {ACCOUNTS}, p.sync as p_sync, p.entity as p_entity, p.record as p_record
  from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
  join flow.work_item p using (sync, entity, record)
  join core.leg l on (l.sync, l.name) = (p.sync, p.entity)
  join flow.work_need n on (n.source, n.need_entity, n.need_record) = (p.source, l.source_entity, p.record)
  join flow.work_item w on (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record) and w.state = 'awaiting' and w.connection = p.connection
 order by n.sync, n.entity, n.record
"""  # noqa: S608 - a constant of ours

_PARENTS = """
select distinct on (k.source, k.entity, k.record) k.source, k.entity, k.record, p.state, p.outcome, p.reason, p.message
  from unnest($1::text[], $2::text[], $3::text[]) as k(source, entity, record)
  join core.leg l on l.source_entity = k.entity
  join flow.work_item p on (p.sync, p.entity, p.source, p.record) = (l.sync, l.name, k.source, k.record)
 order by k.source, k.entity, k.record, p.state in ('dead', 'parked') or p.outcome = 'skipped'
"""
