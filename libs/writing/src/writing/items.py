"""Work items: the newest wish of each record of each sync, who works on it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import Lane, RecordRef
from common.failures import FAILURES, Failure, FailureClass
from common.state.gates import Spot
from common.state.runs import Did, LineKey

State = Literal["ready", "leased", "hold", "waiting", "awaiting", "parked", "dead", "done"]
PRIORITY: Mapping[Lane, int] = {Lane.LIVE: 0, Lane.REPLAY: 1, Lane.BACKFILL: 2}
IN_FRONT = PRIORITY[Lane.LIVE]
# Still before what is loaded.
BEHIND_LIVE = PRIORITY[Lane.REPLAY]


def most_urgent(lanes: Iterable[Lane]) -> Lane:
    """That of a call which is for several records."""
    return min(lanes, key=PRIORITY.__getitem__)


class ItemKey(NamedTuple):
    """One record of one sync; transactions lock in the order of these keys, so that two never wait for each other."""

    sync: SyncId
    entity: Entity
    record: RecordId


class PlaceKey(NamedTuple):
    """One place of an account, for one entity."""

    account: str
    place: str
    entity: Entity


class TargetKey(NamedTuple):
    """One record at the target, whichever connection leads to its account."""

    account: str
    place: str
    entity: Entity
    key: str

    @property
    def of_place(self) -> PlaceKey:
        return PlaceKey(self.account, self.place, self.entity)


@dataclass(frozen=True, slots=True)
class Item:
    """A work item as it was when somebody took it."""

    key: ItemKey
    source: ConnectionId
    source_account: str
    source_entity: Entity
    """By the source's own name; the key has the leg's."""
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
    result_so_far: Did
    token: UUID
    needs: tuple[RecordRef, ...] = ()
    """The records that have to be linked first."""
    priority: int = IN_FRONT
    """Its place in the queue: as its lane says, or behind that."""
    first_body: Mapping[str, Any] | None = None
    """What its first create has carried, of a record that is made once and not known to be there."""
    rank: int = 0
    """Of those who share a target record, the one of the lowest writes it."""
    side: Literal["", "left", "right"] = ""
    """Which side of its pair it writes; empty where its leg has no way back."""
    looks: int = 0
    """Looks that failed in a row since it went on hold."""
    call_group: str = ""
    """The call that broke for all of its rows, this one among them; empty for a row above suspicion."""
    hold_until: datetime | None = None
    failure: Failure | None = None
    """What people were shown last."""

    @property
    def spot(self) -> Spot:
        """Where it is written, and for which leg: what gates are about."""
        return Spot(self.place, self.key.sync, self.key.entity)

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35] if len(self.traceparent) >= 55 else ""

    @property
    def line(self) -> LineKey:
        """Its line in the run ledger: this revision of this record."""
        return LineKey(*self.key, self.revision)

    @property
    def awaited_in(self) -> frozenset[str]:
        """The accounts whose records may wait for its link: where its leg has a way back, those of both sides do."""
        return frozenset({self.account, self.source_account} if self.side else {self.account})

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
    result_so_far: Did = ""
    outcome: str = ""
    reason: str = ""
    failure: Failure | None = None
    looks: int = 0
    call_group: str = ""
    priority: int = IN_FRONT
    """As far behind at least; what is wished anew takes it to the front again."""

    def overtaken(self, now: datetime) -> NextState:
        """R1: a newer revision came meanwhile, so the row is ready, whatever the verdict on the old one was."""
        return NextState("ready", now)


# Read with every row of `flow.work_item as w`; an account that was learnt meanwhile counts from now on.
ACCOUNTS = """(select c.account from core.connection c where c.id = w.connection) as account,
              (select c.account from core.connection c where c.id = w.source) as source_account,
              (select l.source_entity from core.leg l where (l.sync, l.name) = (w.sync, w.entity)) as source_entity"""


def item_of(row: Any) -> Item:
    """The item in one row of `flow.work_item` with its `ACCOUNTS`."""
    return Item(
        key=key_of(row),
        source=ConnectionId(row["source"]),
        source_account=row["source_account"] or row["source"],
        source_entity=Entity(row["source_entity"]),
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
        needs=_needs_of(row["needs"]),
        priority=row["priority"],
        first_body=row["first_body"],
        rank=row["rank"],
        side=row["side"],
        looks=row["looks"],
        call_group=row["call_group"],
        hold_until=row["hold_until"],
        failure=_failure_of(row),
    )


def _needs_of(stored: Mapping[str, Sequence[str]]) -> tuple[RecordRef, ...]:
    return tuple(RecordRef(entity=Entity(e), record=RecordId(one)) for e, records in stored.items() for one in records)


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
