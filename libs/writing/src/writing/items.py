"""Work items: the newest wish of each record of each sync, who works on it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import Lane
from common.failures import FAILURES, Failure, FailureClass
from common.state.pool import DbConnection

State = Literal["ready", "leased", "hold", "waiting", "parked", "dead", "done"]
PRIORITY: Mapping[Lane, int] = {Lane.LIVE: 0, Lane.REPLAY: 1, Lane.BACKFILL: 2}


class ItemKey(NamedTuple):
    """One record of one sync; transactions lock in the order of these keys, so that two never wait for each other."""

    sync: SyncId
    entity: Entity
    record: RecordId


class TargetKey(NamedTuple):
    """One record at the target, whichever connection leads to its account."""

    account: str
    place: str
    entity: Entity
    key: str


@dataclass(frozen=True, slots=True)
class Item:
    """A work item as it was when somebody took it."""

    key: ItemKey
    source: ConnectionId
    source_account: str
    connection: ConnectionId
    """The one to call through."""
    account: str
    place: str
    target_entity: Entity
    revision: int
    wish: Literal["present", "absent", "keep"]
    skip: str
    document: Mapping[str, Any]
    mapping_version: int
    target_key: str
    lane: Lane
    run: str
    event_id: str
    happened_at: datetime
    traceparent: str
    attempts: int
    result_so_far: str
    token: UUID
    looks: int = 0
    """Looks that failed in a row since it went on hold."""
    call_group: str = ""
    """The call that broke for all of its rows, this one among them; empty for a row above suspicion."""
    hold_until: datetime | None = None
    failure: Failure | None = None
    """What people were shown last."""

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35] if len(self.traceparent) >= 55 else ""

    @property
    def stays(self) -> bool:
        """Wished away, and its target record is marked or left as it is: it keeps living there until it really leaves."""
        return self.wish == "absent" and self.document.get("how") in ("tag", "leave")

    def target(self, key: str) -> TargetKey:
        """The target record that a key names, where this item is written to."""
        return TargetKey(self.account, self.place, self.target_entity, key)


class Locked(NamedTuple):
    """What may have changed about an item since it was taken."""

    revision: int
    state: State
    token: UUID | None
    attempts: int


@dataclass(frozen=True, slots=True)
class NextState:
    """What becomes of an item; `failure` is what people are shown."""

    state: State
    due_at: datetime
    hold_until: datetime | None = None
    attempts: int = 0
    result_so_far: str = ""
    outcome: str = ""
    reason: str = ""
    failure: Failure | None = None
    looks: int = 0
    call_group: str = ""

    def overtaken(self, now: datetime) -> NextState:
        """R1: a newer revision came meanwhile, so the row is ready, whatever the verdict on the old one was."""
        return NextState("ready", now)


# Read with every row of `flow.work_item as w`; an account that was learnt meanwhile counts from now on.
ACCOUNTS = """(select c.account from core.connection c where c.id = w.connection) as account,
              (select c.account from core.connection c where c.id = w.source) as source_account"""


def item_of(row: Any) -> Item:
    """The item in one row of `flow.work_item` with its `ACCOUNTS`."""
    return Item(
        key=key_of(row),
        source=ConnectionId(row["source"]),
        source_account=row["source_account"] or row["source"],
        connection=ConnectionId(row["connection"]),
        account=row["account"] or row["connection"],
        place=row["place"],
        target_entity=Entity(row["target_entity"]),
        revision=row["revision"],
        wish=row["wish"],
        skip=row["skip"],
        document=row["document"],
        mapping_version=row["mapping_version"],
        target_key=row["target_key"],
        lane=Lane(row["lane"]),
        run=row["run"],
        event_id=row["event_id"],
        happened_at=row["happened_at"],
        traceparent=row["traceparent"],
        attempts=row["attempts"],
        result_so_far=row["did"],
        token=row["token"],
        looks=row["looks"],
        call_group=row["call_group"],
        hold_until=row["hold_until"],
        failure=_failure_of(row),
    )


def _failure_of(row: Any) -> Failure | None:
    if not row["code"]:
        return None
    return FAILURES[FailureClass(row["kind"])](
        row["code"], row["message"], vendor_status=row["vendor_status"], vendor_code=row["vendor_code"],
        vendor_words=row["vendor_words"], vendor_request_id=row["vendor_request"],
    )  # fmt: skip


def key_of(row: Any) -> ItemKey:
    return ItemKey(SyncId(row["sync"]), Entity(row["entity"]), RecordId(row["record"]))


def target_of(row: Any) -> TargetKey:
    return TargetKey(row["account"], row["place"], Entity(row["target_entity"]), row["key"])


def columns(keys: Iterable[tuple[str, ...]], width: int = 3) -> list[list[str]]:
    """Keys as the parallel arrays that `unnest` takes."""
    listed = list(keys)
    return [[key[at] for key in listed] for at in range(width)]


async def lock(tx: DbConnection, keys: Iterable[ItemKey]) -> dict[ItemKey, Locked]:
    """Locks the rows until the transaction ends."""
    rows = await tx.fetch(
        """
        select w.sync, w.entity, w.record, w.revision, w.state, w.token, w.attempts from flow.work_item w
          join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
         order by w.sync, w.entity, w.record for update of w
        """,
        *columns(sorted(set(keys))),
    )
    return {key_of(row): Locked(row["revision"], row["state"], row["token"], row["attempts"]) for row in rows}


async def upsert(tx: DbConnection, rows: Sequence[tuple[Any, ...]], now: datetime) -> None:
    """Stores wishes, the latest of each record; one row per record."""
    if rows:
        await tx.execute(_UPSERT, *(list(column) for column in zip(*rows, strict=True)), now)


# R1: state, lease and attempts of a row that is leased or on hold belong to whoever works on it; only the wish is replaced.
# R8: an equal revision opens a dead, parked or done row again, and changes nothing else.
_UPSERT = """
insert into flow.work_item as w (sync, entity, record, source, connection, place, revision, wish, skip, document, mapping_version,
                                 target_entity, target_key, lane, priority, run, event_id, replay, happened_at, traceparent,
                                 state, due_at, received_at, changed_at)
select n.*, 'ready', $21, $21, $21
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
              $10::jsonb[], $11::int[], $12::text[], $13::text[], $14::text[], $15::smallint[], $16::text[], $17::text[],
              $18::text[], $19::timestamptz[], $20::text[]) as n
on conflict (sync, entity, record) do update
   set source = excluded.source, connection = excluded.connection, place = excluded.place, revision = excluded.revision,
       wish = excluded.wish, skip = excluded.skip, document = excluded.document, mapping_version = excluded.mapping_version,
       target_entity = excluded.target_entity,
       -- A record that is kept as it is stays under the key that it has.
       target_key = case when excluded.wish = 'keep' then w.target_key else excluded.target_key end,
       run = excluded.run, event_id = excluded.event_id, replay = excluded.replay,
       happened_at = excluded.happened_at, traceparent = excluded.traceparent, changed_at = excluded.changed_at,
       lane = case when w.state in ('done', 'dead', 'parked') or excluded.priority < w.priority then excluded.lane else w.lane end,
       priority = case when w.state in ('done', 'dead', 'parked') then excluded.priority else least(excluded.priority, w.priority) end,
       state = case when w.state in ('leased', 'hold') then w.state else 'ready' end,
       due_at = case when w.state in ('leased', 'hold') then w.due_at else excluded.due_at end,
       attempts = case when w.state in ('leased', 'hold') then w.attempts else 0 end,
       call_group = case when w.state in ('leased', 'hold') then w.call_group else '' end,
       did = case when w.state in ('leased', 'hold') then w.did else '' end,
       outcome = case when w.state in ('leased', 'hold') then w.outcome else '' end,
       reason = case when w.state in ('leased', 'hold') then w.reason else '' end
 where excluded.revision > w.revision
    or (excluded.revision = w.revision and w.state in ('dead', 'parked', 'done'))
"""


async def settle(tx: DbConnection, fates: Mapping[ItemKey, NextState], now: datetime) -> None:
    """Stores what becomes of locked rows and takes their leases off."""
    if not fates:
        return
    listed = list(fates.values())
    failures = [next_state.failure for next_state in listed]
    await tx.execute(
        """
        update flow.work_item w
           set state = n.state, due_at = n.due_at, hold_until = n.hold_until, token = null, lease_until = null,
               attempts = n.attempts, did = n.did, outcome = n.outcome, reason = n.reason, code = n.code, kind = n.kind,
               message = n.message, vendor_status = n.vendor_status, vendor_code = n.vendor_code,
               vendor_words = n.vendor_words, vendor_request = n.vendor_request, looks = n.looks, call_group = n.call_group,
               failed_first_at = case when n.code = '' then null else coalesce(w.failed_first_at, $18) end,
               failed_last_at = case when n.code = '' then null else $18 end,
               changed_at = $18
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[],
                      $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int[], $15::text[],
                      $16::text[], $17::text[], $19::int[], $20::text[])
               as n(sync, entity, record, state, due_at, hold_until, attempts, did, outcome, reason, code, kind, message,
                    vendor_status, vendor_code, vendor_words, vendor_request, looks, call_group)
         where (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record)
        """,
        *columns(fates),
        [next_state.state for next_state in listed],
        [next_state.due_at for next_state in listed],
        [next_state.hold_until for next_state in listed],
        [next_state.attempts for next_state in listed],
        [next_state.result_so_far for next_state in listed],
        [next_state.outcome for next_state in listed],
        [next_state.reason for next_state in listed],
        [failure.code if failure else "" for failure in failures],
        [failure.kind.value if failure else "" for failure in failures],
        [failure.message if failure else "" for failure in failures],
        [failure.vendor_status if failure else None for failure in failures],
        [failure.vendor_code if failure else "" for failure in failures],
        [failure.vendor_words if failure else "" for failure in failures],
        [failure.vendor_request_id if failure else "" for failure in failures],
        now,
        [next_state.looks for next_state in listed],
        [next_state.call_group for next_state in listed],
    )


async def reopen(tx: DbConnection, keys: Sequence[ItemKey], now: datetime) -> None:
    """Makes closed rows ready: somebody else's change concerns them too. Leased and held rows are left alone (R1).

    So are those that are kept as they are: they do nothing whatever others do, and two of them would wake each other for ever.
    """
    await tx.execute(
        """
        update flow.work_item w
           set state = 'ready', due_at = $4, attempts = 0, did = '', outcome = '', reason = '', call_group = '', changed_at = $4
          from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
         where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record) and w.state in ('done', 'waiting', 'ready')
           and w.wish <> 'keep'
        """,
        *columns(sorted(set(keys))),
        now,
    )
