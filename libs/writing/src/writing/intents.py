"""Write intents: what was about to be sent, stored before it is sent, one row per record of each call.

R2: an intent `sent` without a stored answer is in flight, whoever holds the lease. It is closed by the answer, or by the one look after
the vendor's horizon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from common.contracts.ids import ConnectionId, Entity, content_hash
from common.state.pool import Connection
from vendors.target import Act
from writing.items import Item, ItemKey, TargetKey, columns, key_of


@dataclass(frozen=True, slots=True)
class Intent:
    """One record's part in one call; `attempt` names the call."""

    attempt: str
    key: ItemKey
    connection: ConnectionId
    """The one it was sent through."""
    target: TargetKey
    revision: int
    mapping_version: int
    act: Act
    before: Mapping[str, Any]
    sent_at: datetime
    hold_until: datetime
    run: str = ""
    event_id: str = ""
    trace_id: str = ""


class Closing(NamedTuple):
    """How an intent ends: `settled` for good, `answered` when only a look tells the rest."""

    attempt: str
    key: ItemKey
    state: str
    verdict: str


def intent_of(attempt: str, item: Item, act: Act, before: Mapping[str, Any], at: datetime, until: datetime) -> Intent:
    target = item.target(act.key)
    return Intent(
        attempt, item.key, item.connection, target, item.revision, item.mapping_version, act, before, at, until,
        item.run, item.event_id, item.trace_id,
    )  # fmt: skip


async def store(tx: Connection, intents: Sequence[Intent]) -> None:
    """R3: the caller has locked the rows and checked their tokens in this transaction."""
    await tx.executemany(
        """
        insert into flow.write_intent (attempt, sync, entity, record, connection, account, place, target_entity, target_key, revision,
                                       mapping_version, action, sent, standing, before, body_hash, state, sent_at, hold_until, run,
                                       event_id, trace_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'sent', $17, $18, $19, $20, $21)
        """,
        [
            (
                one.attempt, *one.key, one.connection, *one.target, one.revision, one.mapping_version, one.act.action, dict(one.act.values),
                one.act.standing, dict(one.before), body_hash(one.act.values), one.sent_at, one.hold_until, one.run, one.event_id,
                one.trace_id,
            )
            for one in intents
        ],
    )  # fmt: skip


async def close(tx: Connection, closings: Sequence[Closing], now: datetime) -> set[tuple[str, ItemKey]]:
    """Ends intents; returns those that were open until now: only they have something to tell."""
    rows = await tx.fetch(
        """
        update flow.write_intent i set state = n.state, verdict = n.verdict, closed_at = $6
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $7::text[])
               as n(attempt, sync, entity, record, state, verdict)
         where (i.attempt, i.sync, i.entity, i.record) = (n.attempt, n.sync, n.entity, n.record) and i.state = 'sent'
        returning i.attempt, i.sync, i.entity, i.record
        """,
        [one.attempt for one in closings],
        *columns([one.key for one in closings]),
        [one.state for one in closings],
        now,
        [one.verdict for one in closings],
    )
    return {(row["attempt"], key_of(row)) for row in rows}


async def open_of(tx: Connection, keys: Iterable[ItemKey]) -> list[Intent]:
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


async def recent(tx: Connection, target: TargetKey, since: datetime) -> list[Intent]:
    """What was sent for a target record lately, whatever came of it: an echo is recognised by it."""
    rows = await tx.fetch(
        """
        select * from flow.write_intent
         where account = $1 and place = $2 and target_entity = $3 and target_key = $4 and sent_at >= $5 order by sent_at desc limit 50
        """,
        *target,
        since,
    )
    return [_intent(row) for row in rows]


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
        act=Act(row["action"], row["target_key"], row["sent"], standing=row["standing"]),
        before=row["before"],
        sent_at=row["sent_at"],
        hold_until=row["hold_until"],
        run=row["run"],
        event_id=row["event_id"],
        trace_id=row["trace_id"],
    )
