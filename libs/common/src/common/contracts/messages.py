"""What travels on Kafka: a receipt decides nothing, a change event is a fact, a write command is a wish.

Frozen, additive-only: the JSON Schemas under `schemas/` are snapshots, and a test lets them only grow.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from common.contracts.ids import (
    CommandId,
    ConnectionId,
    Entity,
    EventId,
    RecordId,
    RunId,
    SyncId,
    VendorName,
    content_hash,
    derived_id,
)
from common.contracts.syncs import Mode

Body = Annotated[
    bytes,
    BeforeValidator(lambda v: base64.b64decode(v, validate=True) if isinstance(v, str) else v),
    PlainSerializer(lambda v: base64.b64encode(v).decode(), return_type=str, when_used="json"),
]


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Lane(StrEnum):
    """Live work goes before replays, replays before backfill."""

    LIVE = "live"
    REPLAY = "replay"
    BACKFILL = "backfill"


class Message(BaseModel):
    """A frozen message; a reader ignores fields that a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Version(Message):
    """R10: a vendor's stamp has one-second resolution, so it orders only together with whether the answer was settled.

    Where a vendor counts the versions of a record, its count comes first: clocks and late answers do not change which of two states is newer.
    """

    stamp: AwareDatetime
    settled: bool
    count: Annotated[int, Field(ge=0)] | None = None
    """The vendor's own number of this version; None where it has none, and of a deletion: that is ordered by its stamp."""

    @property
    def order(self) -> tuple[int, datetime, bool]:
        return (self.count or 0, self.stamp, self.settled)

    @property
    def sequence(self) -> str:
        """Sorts as text the way versions of a record sort: its number if it has one, microseconds since 1970, then settled."""
        counted = f"{self.count:020d}." if self.count is not None else ""
        return f"{counted}{(self.stamp - _EPOCH) // _MICROSECOND:020d}.{int(self.settled)}"

    @classmethod
    def of_sequence(cls, sequence: str) -> Self:
        """The version that this is the text of."""
        *counted, micros, settled = sequence.split(".")
        count = int(counted[0]) if counted else None
        return cls(stamp=_EPOCH + int(micros) * _MICROSECOND, settled=settled == "1", count=count)


class Receipt(Message):
    """Bytes that a vendor sent us, kept as they came."""

    id: EventId
    connection: ConnectionId
    vendor: VendorName
    received_at: AwareDatetime
    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = b""
    verified_by: str
    """How the sender was recognised: `signature`, `path-secret`; never the secret itself."""


Coverage = Literal["list", "detail", "hook", "gone", "ask"]
"""Which fields a change carries: a slim list row, the whole record, a webhook's body, nothing because the record is gone,
or nothing because somebody only said that it might be (R12: that asks for a read by id)."""


class ChangeEvent(Message):
    """Something is so at the source, as far as `coverage` reaches."""

    id: EventId
    connection: ConnectionId
    vendor: VendorName
    entity: Entity
    record: RecordId
    kind: Literal["changed", "deleted", "asked"]
    version: Version
    coverage: Coverage
    fields: dict[str, Any] = Field(default_factory=dict)
    """The neutral fields carried; a field that is absent here was not told, one that is null has no value."""
    observed_at: AwareDatetime
    via: Literal["webhook", "poll", "read", "backfill"]
    lane: Lane = Lane.LIVE
    run: RunId | None = None
    receipt: EventId | None = None
    place: str = ""
    """Which organisation, shop or audience of the account it is in; empty where the connection has one only."""
    author: str = ""
    """Who has made this version, by the vendor's own id of a user; empty where it does not say."""

    @classmethod
    def derive_id(
        cls,
        connection: ConnectionId,
        entity: Entity,
        record: RecordId,
        version: Version,
        coverage: Coverage,
        fields: dict[str, Any],
    ) -> EventId:
        """The same state of the same record, told twice, is the same event."""
        return EventId(derived_id(connection, entity, record, version.sequence, coverage, content_hash(fields)))


class RecordRef(Message):
    """A record of the same source."""

    entity: Entity
    record: RecordId


class WriteCommand(Message):
    """What one record of one sync shall look like at the target."""

    id: CommandId
    sync: SyncId
    entity: Entity
    """The sync's leg; a leg is named after its source's entity unless its file says otherwise."""
    record: RecordId
    source: ConnectionId
    target: ConnectionId
    place: str = ""
    """Where at the target: audience, list, organisation."""
    target_entity: Entity = Entity("")
    """What the record is there: a member, a contact. Empty in a command of a release that had one kind for each vendor: that one."""
    mode: Mode = "state"
    side: Literal["", "left", "right"] = ""
    """Which side of its pair it writes, where the leg has a way back; what the fields shall be is in the pair (R15)."""
    revision: int
    """R9: orders everything downstream of the mapper."""
    mapping_version: int
    wish: Literal["present", "absent", "keep"]
    """`keep`: the record cannot be mapped at the moment; it is skipped, and stays at the target as it is."""
    document: dict[str, Any] = Field(default_factory=dict)
    """Target fields by the paths of the target's catalogue, plus what the template's options say."""
    needs: tuple[RecordRef, ...] = ()
    """The records that have to be linked to the target before this one is written; until then it waits."""
    rank: int = Field(default=0, ge=0, le=32767)
    """Of the records that share a target record, the one of the lowest rank writes it."""
    skip: str = ""
    """Why nothing shall be written (a reason of the closed list), when the record does not meet the sync's rules."""
    lane: Lane = Lane.LIVE
    run: RunId | None = None
    event: EventId | None = None
    happened_at: AwareDatetime
    replay: str = ""

    @classmethod
    def derive_id(cls, sync: SyncId, entity: Entity, record: RecordId, revision: int, replay: str = "") -> CommandId:
        """One revision is one command, however often it is published; a replay is one more."""
        return CommandId(derived_id(sync, entity, record, str(revision), replay))


class Envelope(NamedTuple):
    """The CloudEvents attributes of one message, as Kafka headers (binary mode); no personal data in any of them."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: str

    def headers(self) -> list[tuple[str, bytes]]:
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_subject", self.subject.encode()),
            ("ce_time", self.time.isoformat().encode()),
            ("ce_sequence", self.sequence.encode()),
            ("content-type", b"application/json"),
        ]

    @classmethod
    def of_receipt(cls, receipt: Receipt, subject: str) -> Self:
        return cls(
            id=receipt.id,
            source=f"/connections/{receipt.connection}",
            type=f"millrace.{receipt.vendor}.receipt.received.v1",
            subject=subject,
            time=receipt.received_at,
            sequence="",
        )

    @classmethod
    def of_change(cls, change: ChangeEvent) -> Self:
        return cls(
            id=change.id,
            source=f"/connections/{change.connection}",
            type=f"millrace.{change.vendor}.{change.entity}.{change.kind}.v1",
            subject=f"{change.entity}/{change.record}",
            time=change.version.stamp,
            sequence=change.version.sequence,
        )

    @classmethod
    def of_command(cls, command: WriteCommand, vendor: VendorName) -> Self:
        return cls(
            id=command.id,
            source=f"/connections/{command.source}",
            type=f"millrace.{vendor}.{command.entity}.wanted.v1",
            subject=f"{command.entity}/{command.record}",
            time=command.happened_at,
            sequence=str(command.revision),
        )
