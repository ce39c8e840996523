"""Write intents: what was about to be sent, stored before it is sent, one row per record of each call.

R2: an intent `sent` without a stored answer is in flight, whoever holds the lease. It is closed by the answer, or by the one look after
the vendor's horizon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from common.contracts.ids import ConnectionId, Entity, content_hash
from common.state.pool import DbConnection
from vendors.acts import Act, Written
from writing.intent import Closing, Intent
from writing.items import ItemKey, TargetKey, columns, key_of

# Vendors repeat a webhook for 75 minutes or so, and until then it may be the echo of a write.
ECHO_WITHIN = timedelta(minutes=80)
# The longest that a write may take from its intent to its stamp: what is carried out later, and the vendor's horizon after it.
WRITE_TAKES = timedelta(hours=2)
# What is settled is needed by echoes, by late answers and by the audit with its repeated looks (R4). Retention may not be shorter.
NEEDED_FOR = timedelta(days=3)


async def store(tx: DbConnection, intents: Sequence[Intent]) -> None:
    """R3: the caller has locked the rows and checked their tokens in this transaction."""
    if intents:
        await tx.execute(_STORE, *(list(column) for column in zip(*map(_row, intents), strict=True)))


_STORE = """
insert into flow.write_intent (attempt, sync, entity, record, connection, account, place, target_entity, target_key, revision,
                               mapping_version, action, sent, memory, counts_as, before, body_hash, sent_at, hold_until, run, event_id,
                               trace_id, state)
select n.*, 'sent'
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
              $11::int[], $12::text[], $13::jsonb[], $14::jsonb[], $15::text[], $16::jsonb[], $17::text[], $18::timestamptz[],
              $19::timestamptz[], $20::text[], $21::text[], $22::text[]) as n
"""


def _row(one: Intent) -> tuple[Any, ...]:
    act = one.act
    return (
        one.attempt, *one.key, one.connection, *one.target, one.revision, one.mapping_version, act.action, dict(act.values),
        dict(act.memory), act.counts_as, dict(one.before), body_hash(act.values), one.sent_at, one.hold_until, one.run, one.event_id,
        one.trace_id,
    )  # fmt: skip


async def close(tx: DbConnection, closings: Sequence[Closing], now: datetime) -> set[tuple[str, ItemKey]]:
    """Ends intents; returns those that were open until now: only they have something to tell."""
    rows = await tx.fetch(
        """
        update flow.write_intent i set state = n.state, verdict = n.verdict, applied_stamp = n.stamp, closed_at = $6
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $7::text[], $8::timestamptz[])
               as n(attempt, sync, entity, record, state, verdict, stamp)
         where (i.attempt, i.sync, i.entity, i.record) = (n.attempt, n.sync, n.entity, n.record) and i.state = 'sent'
        returning i.attempt, i.sync, i.entity, i.record
        """,
        [one.attempt for one in closings],
        *columns([one.key for one in closings]),
        [one.state for one in closings],
        now,
        [one.verdict for one in closings],
        [one.stamp for one in closings],
    )
    return {(row["attempt"], key_of(row)) for row in rows}


async def open_of(tx: DbConnection, keys: Iterable[ItemKey]) -> list[Intent]:
    """The intents of these records that are in flight, the oldest first."""
    rows = await tx.fetch(
        """
        select i.* from flow.write_intent i
          join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
         where i.state = 'sent' order by i.sent_at
        """,
        *columns(sorted(set(keys))),
    )
    return [_intent(row) for row in rows]


async def open_in(tx: DbConnection, attempt: str) -> list[Intent]:
    """What is still in flight of one call."""
    rows = await tx.fetch(
        "select * from flow.write_intent where attempt = $1 and state = 'sent' order by sync, entity, record", attempt
    )
    return [_intent(row) for row in rows]


async def open_at(tx: DbConnection, targets: Iterable[TargetKey]) -> dict[TargetKey, list[Act]]:
    """What is in flight to these target records, whoever sent it."""
    rows = await tx.fetch(
        """
        select i.* from flow.write_intent i
          join unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, target_key)
            using (account, place, target_entity, target_key)
         where i.state = 'sent'
        """,
        *columns(sorted(set(targets)), 4),
    )
    found: dict[TargetKey, list[Act]] = {}
    for one in map(_intent, rows):
        found.setdefault(one.target, []).append(one.act)
    return found


async def written(tx: DbConnection, targets: Iterable[TargetKey], since: datetime) -> dict[TargetKey, list[Written]]:
    """R17: the applied writes of these target records that an event of this time or later may be the echo of, the newest first."""
    listed = sorted(set(targets))
    rows = await tx.fetch(_WRITTEN, *columns(listed, 4), since - WRITE_TAKES)
    found: dict[TargetKey, list[Written]] = {target: [] for target in listed}
    for row in rows:
        one = _intent(row)
        found[one.target].append(Written(one.act, row["applied_stamp"], one.sent_at, row["closed_at"], one.before))
    return found


# More writes of one record than that within the life of an event would be needed to hide the newest write of a field.
_WRITTEN = """
select i.* from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(account, place, target_entity, target_key)
 cross join lateral (
       select * from flow.write_intent w
        where (w.account, w.place, w.target_entity, w.target_key) = (k.account, k.place, k.target_entity, k.target_key)
          and w.sent_at >= $5 and w.state <> 'sent' and w.verdict = 'applied'
        order by w.sent_at desc limit 100) as i
 order by i.sent_at desc
"""


async def unseen_at(tx: DbConnection, target: TargetKey) -> list[Intent]:
    """What was sent for a target record and never seen to have arrived, the newest first: any of it may land late (R4)."""
    rows = await tx.fetch(
        """
        select * from flow.write_intent
         where account = $1 and place = $2 and target_entity = $3 and target_key = $4
           and (state = 'sent' or verdict in ('not_seen', 'not_looked')) order by sent_at desc limit 100
        """,
        *target,
    )
    return [_intent(row) for row in rows]


async def unseen_of(
    tx: DbConnection, rows: Sequence[tuple[ItemKey, TargetKey]]
) -> dict[tuple[ItemKey, TargetKey], list[Intent]]:
    """What these rows have sent to these target records, and a look has not seen to have arrived, the newest first."""
    found: dict[tuple[ItemKey, TargetKey], list[Intent]] = {}
    for row in await tx.fetch(_UNSEEN_OF, *columns([(*key, *target) for key, target in rows], 7)):
        one = _intent(row)
        found.setdefault((one.key, one.target), []).append(one)
    return found


# With `offset 0` each target record is looked up by its index.
_UNSEEN_OF = """
select i.* from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as k(sync, entity, record, account, place, target_entity, target_key)
 cross join lateral (
       select * from flow.write_intent w
        where (w.account, w.place, w.target_entity, w.target_key) = (k.account, k.place, k.target_entity, k.target_key)
          and (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record) and w.verdict in ('not_seen', 'not_looked')
        order by w.sent_at desc limit 100 offset 0) as i
 order by i.sent_at desc
"""


async def prove(tx: DbConnection, intents: Sequence[Intent], now: datetime) -> set[ItemKey]:
    """These have landed, though a look had not seen them; returns whose nobody had said so of before."""
    rows = await tx.fetch(
        """
        update flow.write_intent i set verdict = 'applied', closed_at = $5
          from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(attempt, sync, entity, record)
         where (i.attempt, i.sync, i.entity, i.record) = (n.attempt, n.sync, n.entity, n.record) and i.verdict in ('not_seen', 'not_looked')
        returning i.sync, i.entity, i.record
        """,
        [one.attempt for one in intents],
        *columns([one.key for one in intents]),
        now,
    )
    return {key_of(row) for row in rows}


async def correct(tx: DbConnection, intent: Intent, now: datetime) -> None:
    """It has landed, though a look had not seen it."""
    await tx.execute(
        """
        update flow.write_intent set state = 'settled', verdict = 'applied', closed_at = $5
         where (attempt, sync, entity, record) = ($1, $2, $3, $4)
        """,
        intent.attempt,
        *intent.key,
        now,
    )


async def correct_not_seen(tx: DbConnection, name: str, key: ItemKey) -> bool:
    """Whether a look has settled this intent as not applied: then the late answer corrects it."""
    word: str | None = await tx.fetchval(
        """
        update flow.write_intent set verdict = 'applied'
         where attempt = $1 and sync = $2 and entity = $3 and record = $4 and verdict in ('not_seen', 'not_looked')
        returning attempt
        """,
        name,
        *key,
    )
    return word is not None


def body_hash(values: Mapping[str, Any]) -> str:
    """The hash of what a write would make so."""
    return content_hash(dict(values))


def _intent(row: Any) -> Intent:
    return Intent(
        attempt=row["attempt"],
        key=key_of(row),
        connection=ConnectionId(row["connection"]),
        target=TargetKey(row["account"], row["place"], Entity(row["target_entity"]), row["target_key"]),
        revision=row["revision"],
        mapping_version=row["mapping_version"],
        act=Act(row["action"], row["target_key"], row["sent"], counts_as=row["counts_as"], memory=row["memory"]),
        before=row["before"],
        sent_at=row["sent_at"],
        hold_until=row["hold_until"],
        run=row["run"],
        event_id=row["event_id"],
        trace_id=row["trace_id"],
    )
