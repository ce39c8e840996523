"""The documents of syncs: a sync as it is written, as it is shown, and what applying it came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from common.contracts.ids import Entity
from common.contracts.syncs import Leg
from common.state.definitions import to_jsonb
from console.api.documents import Body, ConnectionId, Name
from console.api.reconciliation_documents import ReconciliationDocument, reconciliation_document
from console.state.syncs import VersionRow
from console.use_cases.applying import Applied
from console.use_cases.missing import MissingAnswer
from console.use_cases.syncs import ShownSync
from console.use_cases.unread_sources import UnreadSource
from console.use_cases.wishes import LegWish, SyncWish

SyncName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Rows = Annotated[list[dict[str, Any]], Field(max_length=500)]


Words = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
LegName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{0,62})?$")]


class LegEnd(Body):
    """One end of a leg."""

    entity: Words = Field(
        "", description="What its records are: customer, invoice, member; the template's when left out."
    )
    place: Words = Field("", description="The id or the name of an organisation, a shop, an audience, a list.")


class LegBody(Body):
    """A leg as a person writes it; what is left out is the template's leg of the same name."""

    name: LegName = Field("", description="Unique in the sync; its source's entity when left out.")
    direction: Words = Field(
        "", description="`forward`, `back` from the target's side to the source's, or `within` the source's."
    )
    source: LegEnd = Field(default_factory=LegEnd)
    target: LegEnd = Field(default_factory=LegEnd)
    mode: Words = Field("", description="`state`, `once` or `rendered`, as the target writes these records.")
    key: Words = Field("", description="The field of the target by which a record is found there.")
    rows: Rows | None = Field(None, description="All mapping rows, in place of the template's.")
    more_rows: Rows = Field(default_factory=list, description="Rows after the template's.")
    filter: Annotated[str, StringConstraints(max_length=1000)] | None = None
    options: dict[str, Any] = Field(default_factory=dict, description="Options that differ from the template's.")
    create_fields: bool = Field(False, description="Whether rows with `new_field` may make fields at the target.")

    def wish(self) -> LegWish:
        return LegWish(
            **{name: getattr(self, name) for name in type(self).model_fields if name not in ("source", "target")},
            source_entity=self.source.entity,
            source_place=self.source.place,
            target_entity=self.target.entity,
            place=self.target.place,
        )


class SyncBody(Body):
    """A sync as a person writes it in a file; what is left out is the template's. With `legs`, what belongs to a leg stands there."""

    name: SyncName
    template: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,100}$")] = ""
    source: Name = Field(description="The source connection, by name or id.")
    target: Name = Field(description="The target connection, by name or id.")
    source_place: Words = Field("", description="Where at the source; all places of the connection when left out.")
    place: Words = Field(
        "", description="Where at the target: the id or the name of an audience, a list, an organisation."
    )
    rows: Rows | None = Field(None, description="All mapping rows, in place of the template's.")
    more_rows: Rows = Field(default_factory=list, description="Rows after the template's.")
    filter: Annotated[str, StringConstraints(max_length=1000)] | None = None
    options: dict[str, Any] = Field(default_factory=dict, description="Options that differ from the template's.")
    create_fields: bool = Field(False, description="Whether rows with `new_field` may make fields at the target.")
    activity: dict[Words, Words] = Field(
        default_factory=dict,
        description="What becomes of what audiences tell, where the template has it: `{to: notes}`.",
    )
    legs: Annotated[list[LegBody], Field(max_length=50)] | None = Field(
        None, description="The legs, where one is not enough."
    )

    def wish(self) -> SyncWish:
        of_leg = ("source_place", "place", "rows", "more_rows", "filter", "options", "create_fields")
        alone = LegWish(**{name: getattr(self, name) for name in of_leg})
        legs = [leg.wish() for leg in self.legs] if self.legs is not None else None
        return SyncWish(self.name, self.template, self.source, self.target, alone, legs, self.activity)


class DefinitionDocument(BaseModel):
    """One version of a mapping."""

    rows: list[dict[str, Any]]
    filter: str
    key: str
    options: dict[str, Any]


class LegDocument(BaseModel):
    """One leg of a sync."""

    name: str
    direction: str
    source_entity: str
    source_place: str
    target_entity: str
    target_place: str
    mode: str
    mapping_version: int = Field(description="The version of the sync that last changed this leg's mapping.")


class LegDetail(LegDocument):
    """A leg with its active mapping."""

    mapping: DefinitionDocument | None


class AppliedLegDocument(LegDocument):
    """What applying came to for one leg: `created`, `changed` or `unchanged`."""

    outcome: str


class UnreadDocument(BaseModel):
    """A kind of records that the sync reads and that cannot be read now; it is tried again by itself."""

    entity: Entity
    place: str
    code: str
    words: str
    remedy: str = Field(description="What a person does about it; empty when nobody can do anything.")
    attempts: int = Field(description="Readings that failed in a row, those left out that cost nothing.")
    next_at: datetime
    holds_back: list[Entity] = Field(
        description="Kinds of records that are not read until this one was, because facts of them are made of it."
    )


class SyncDocument(BaseModel):
    """A sync. `entity` and `place` are its first leg's. `standing`: Draft, Healthy, Running, Paused, Needs attention, Blocked, Disabled."""

    id: str
    name: str
    template: str
    entity: str
    source: str
    source_id: ConnectionId
    target: str
    target_id: ConnectionId
    place: str
    state: str
    standing: str
    mapping_version: int
    waiting: int = Field(description="Records whose change is on its way.")
    failed: int = Field(description="Records that need a person: see `millrace dead-letter list`.")
    missing: int = Field(
        description="Records that the last complete list of the source lacked, if they are so many that a person has to answer first."
    )
    drifted: int = Field(
        description="Records that are not at the target as they shall be, if they are so many that a person has to answer first."
    )
    asked: int = Field(description="Records of which a person has to say something: see `millrace review list`.")
    unread_sides: list[str] = Field(
        description="Legs whose both sides have to be read whole once before anybody of them is written."
    )
    unread: list[UnreadDocument] = Field(description="What it reads and cannot be read now.")
    oldest_waiting: datetime | None
    gates: list[str]
    created_at: datetime
    created_by: str
    updated_at: datetime
    legs: Sequence[LegDocument]


class SyncDetail(SyncDocument):
    """A sync with its active mappings; `mapping` is its first leg's."""

    mapping: DefinitionDocument | None
    legs: Sequence[LegDetail]
    reconciliations: Sequence[ReconciliationDocument]


class MissingBody(Body):
    """The answer about records that a complete list lacked."""

    answer: MissingAnswer = Field(
        description="`read`: each is read by id, and removed only if it is gone there. `keep`: nothing happens."
    )


class SyncList(BaseModel):
    """Some syncs in the order of their names."""

    items: list[SyncDocument]
    next_cursor: str | None


class AppliedDocument(BaseModel):
    """What applying came to: `created`, `changed` or `unchanged`; with `dry_run` what it would come to."""

    outcome: str
    dry_run: bool
    name: str
    mapping_version: int
    state: str
    place: str
    fields_created: list[str]
    webhooks: list[str]
    warnings: list[str]
    legs: list[AppliedLegDocument]


class VersionDocument(BaseModel):
    """One mapping version."""

    version: int
    note: str
    created_at: datetime
    created_by: str
    legs: list[str] = Field(description="The legs whose mapping it changed.")


def sync_document(shown: ShownSync) -> SyncDocument:
    """A sync in a list."""
    return SyncDocument(**_fields(shown), legs=[LegDocument(**_leg(leg)) for leg in shown.row.legs])


def sync_detail(shown: ShownSync) -> SyncDetail:
    """A sync with its mapping."""
    legs = [LegDetail(**_leg(leg), mapping=_definition(leg)) for leg in shown.row.legs]
    compared = [reconciliation_document(one) for one in shown.reconciliations]
    return SyncDetail(**_fields(shown), mapping=legs[0].mapping, legs=legs, reconciliations=compared)


def applied_document(applied: Applied, name: str, *, dry_run: bool) -> AppliedDocument:
    """The outcome of an apply."""
    return AppliedDocument(
        outcome=applied.outcome,
        dry_run=dry_run,
        name=name,
        mapping_version=applied.version,
        state=applied.sync.state if applied.sync is not None else "draft",
        place=applied.legs[0].leg.target_place,
        fields_created=list(applied.fields),
        webhooks=list(applied.webhooks),
        warnings=list(applied.notes),
        legs=[AppliedLegDocument(**_leg(one.leg), outcome=one.outcome) for one in applied.legs],
    )


def version_document(row: VersionRow) -> VersionDocument:
    """A version."""
    return VersionDocument(
        version=row.version, note=row.note, created_at=row.created_at, created_by=row.created_by, legs=list(row.legs)
    )


def _fields(shown: ShownSync) -> dict[str, Any]:
    row, queued = shown.row, shown.queued
    return {
        "id": row.id, "name": row.name, "template": row.template, "entity": row.legs[0].source_entity, "source": row.source_name,
        "source_id": row.source, "target": row.target_name, "target_id": row.target, "place": row.legs[0].target_place, "state": row.state,
        "standing": shown.standing, "mapping_version": row.version, "waiting": queued.waiting, "failed": queued.stuck, "missing": queued.missing,
        "drifted": queued.drifted, "asked": queued.asked, "unread_sides": list(queued.unread_sides), "unread": [_unread(one) for one in shown.unread],
        "oldest_waiting": queued.oldest, "gates": list(queued.gates), "created_at": row.created_at,
        "created_by": row.created_by, "updated_at": row.updated_at,
    }  # fmt: skip


def _unread(one: UnreadSource) -> UnreadDocument:
    return UnreadDocument(
        entity=one.entity, place=one.place, code=one.code, words=one.words, remedy=one.remedy, attempts=one.attempts,
        next_at=one.next_at, holds_back=list(one.holds_back),
    )  # fmt: skip


def _leg(leg: Leg) -> dict[str, Any]:
    named = ("name", "direction", "source_entity", "source_place", "target_entity", "target_place", "mode")
    return {name: getattr(leg, name) for name in named} | {"mapping_version": leg.mapping.version if leg.mapping else 0}


def _definition(leg: Leg) -> DefinitionDocument | None:
    if leg.mapping is None:
        return None
    stored = to_jsonb(leg.mapping)
    options = {name: stored[name] for name in ("on_delete", "on_filtered")} | stored["options"]
    return DefinitionDocument(rows=stored["rows"], filter=stored["filter"], key=stored["key"], options=options)
