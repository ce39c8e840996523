"""The documents of syncs: a sync as it is written, as it is shown, and what applying it came to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from common.state.definitions import to_jsonb
from console.api.documents import Body, ConnectionId, Name
from console.state.syncs import SyncRow, VersionRow
from console.use_cases.applying import Applied
from console.use_cases.drafting import SyncWish
from console.use_cases.syncs import ShownSync

SyncName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Place = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Rows = Annotated[list[dict[str, Any]], Field(max_length=500)]


class SyncBody(Body):
    """A sync as a person writes it in a file; what is left out is the template's."""

    name: SyncName
    template: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,100}$")]
    source: Name = Field(description="The source connection, by name or id.")
    target: Name = Field(description="The target connection, by name or id.")
    place: Place = Field(description="Where at the target: the id or the name of an audience, a list, an organisation.")
    rows: Rows | None = Field(None, description="All mapping rows, in place of the template's.")
    more_rows: Rows = Field(default_factory=list, description="Rows after the template's.")
    filter: Annotated[str, StringConstraints(max_length=1000)] | None = None
    options: dict[str, Any] = Field(default_factory=dict, description="Options that differ from the template's.")
    create_fields: bool = Field(False, description="Whether rows with `new_field` may make fields at the target.")

    def wish(self) -> SyncWish:
        return SyncWish(**{name: getattr(self, name) for name in type(self).model_fields})


class DefinitionDocument(BaseModel):
    """One version of a mapping."""

    rows: list[dict[str, Any]]
    filter: str
    key: str
    options: dict[str, Any]


class SyncDocument(BaseModel):
    """A sync. `standing`: Draft, Healthy, Running, Paused, Needs attention, Blocked, Disabled."""

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
    oldest_waiting: datetime | None
    gates: list[str]
    created_at: datetime
    created_by: str
    updated_at: datetime


class SyncDetail(SyncDocument):
    """A sync with its active mapping."""

    mapping: DefinitionDocument | None


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


class PreviewDocument(BaseModel):
    """Counts and samples; total = add + update + unchanged + remove + skipped."""

    total: int
    complete: bool = Field(description="False when there were so many records that only the first were judged.")
    add: int
    update: int
    unchanged: int
    remove: int
    skipped: int
    skipped_by_reason: dict[str, int]
    notes: dict[str, int]
    samples: list[dict[str, Any]]
    fields_to_create: list[str]
    warnings: list[str]


class VersionDocument(BaseModel):
    """One mapping version."""

    version: int
    note: str
    created_at: datetime
    created_by: str


def sync_document(shown: ShownSync) -> SyncDocument:
    """A sync in a list."""
    return SyncDocument(**_fields(shown))


def sync_detail(shown: ShownSync) -> SyncDetail:
    """A sync with its mapping."""
    return SyncDetail(**_fields(shown), mapping=_definition(shown.row))


def applied_document(applied: Applied, name: str, *, dry_run: bool) -> AppliedDocument:
    """The outcome of an apply."""
    return AppliedDocument(
        outcome=applied.outcome,
        dry_run=dry_run,
        name=name,
        mapping_version=applied.version,
        state=applied.sync.state if applied.sync is not None else "draft",
        place=applied.place,
        fields_created=list(applied.fields),
        webhooks=list(applied.webhooks),
        warnings=list(applied.notes),
    )


def version_document(row: VersionRow) -> VersionDocument:
    """A version."""
    return VersionDocument(version=row.version, note=row.note, created_at=row.created_at, created_by=row.created_by)


def _fields(shown: ShownSync) -> dict[str, Any]:
    row, queued = shown.row, shown.queued
    return {
        "id": row.id, "name": row.name, "template": row.template, "entity": row.entity, "source": row.source_name,
        "source_id": row.source, "target": row.target_name, "target_id": row.target, "place": row.place, "state": row.state,
        "standing": shown.standing, "mapping_version": row.version, "waiting": queued.waiting, "failed": queued.stuck,
        "oldest_waiting": queued.oldest, "gates": list(queued.gates), "created_at": row.created_at,
        "created_by": row.created_by, "updated_at": row.updated_at,
    }  # fmt: skip


def _definition(row: SyncRow) -> DefinitionDocument | None:
    if row.definition is None:
        return None
    stored = to_jsonb(row.definition)
    options = {name: stored[name] for name in ("on_delete", "on_filtered", "gone_tag")} | stored["options"]
    return DefinitionDocument(rows=stored["rows"], filter=stored["filter"], key=stored["key"], options=options)
