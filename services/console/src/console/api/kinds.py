"""The routes of what can be read from a connection."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from console.api.answers import problems
from console.api.context import ApiContext
from console.api.documents import ConnectionId
from console.masking import masked_value
from console.use_cases.kinds import KindGlance

MOST = 200
Kind = Annotated[str, Path(pattern=r"^[a-z_]{1,60}$", description="Our name of the kind, as `/kinds` lists them.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many records at most.")]
Whole = Annotated[bool, Query(description="Read each record by id: a call each.")]
Unmask = Annotated[bool, Query(description="Show personal data too.")]


class KindDocument(BaseModel):
    """A kind of records that a leg of a sync can start from."""

    entity: str = Field(description="As `source: {entity: ...}` in a sync's file names it.")
    title: str = Field(description="As the vendor calls it.")


class KindList(BaseModel):
    """Every kind of a connection. None is read until a sync starts from it."""

    items: list[KindDocument]


class KindFieldDocument(BaseModel):
    """A field that a mapping can name."""

    path: str
    label: str
    type: str
    in_list: bool = Field(
        description="Whether the list carries it: else a mapping that names it costs a call a record."
    )
    choices: list[str]


class GlancedRecord(BaseModel):
    """A record as the vendor tells it now."""

    record: str
    fields: dict[str, Any]
    changed_at: datetime


class KindGlanceDocument(BaseModel):
    """The fields of a kind, custom ones included, and its first records."""

    entity: str
    title: str
    fields: list[KindFieldDocument]
    items: list[GlancedRecord]
    complete: bool = Field(description="There are no other records.")
    unmasked: bool


def routes(context: ApiContext) -> APIRouter:
    """Everything under /connections/{connection}/kinds."""
    router = APIRouter(tags=["connections"])

    @router.get("/connections/{connection}/kinds", response_model=KindList, responses=problems(404, 409))
    async def kinds(connection: ConnectionId) -> KindList:
        found = await context.kinds.of(connection)
        return KindList(items=[KindDocument(entity=one.entity, title=one.title) for one in found])

    @router.get(
        "/connections/{connection}/kinds/{kind}",
        response_model=KindGlanceDocument,
        responses=problems(404, 409, 422, 503),
    )
    async def glance(
        connection: ConnectionId, kind: Kind, limit: Limit = 20, whole: Whole = False, unmask: Unmask = False
    ) -> KindGlanceDocument:
        return _document(await context.kinds.read(connection, kind, limit, whole=whole), unmask=unmask)

    return router


def _document(found: KindGlance, *, unmask: bool) -> KindGlanceDocument:
    return KindGlanceDocument(
        entity=found.kind.entity,
        title=found.kind.title,
        fields=[
            KindFieldDocument(
                path=one.path, label=one.label, type=one.type, in_list=one.in_list, choices=list(one.choices)
            )
            for one in found.fields
        ],
        items=[
            GlancedRecord(
                record=state.record,
                fields={name: value if unmask else masked_value(name, value) for name, value in state.fields.items()},
                changed_at=state.version.stamp,
            )
            for state in found.states
        ],
        complete=found.complete,
        unmasked=unmask,
    )
