"""The routes of records."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.api.answers import problems
from console.api.context import ApiContext
from console.api.paging import MOST
from console.api.record_documents import (
    RecordList,
    TimelineDocument,
    record_document,
    timeline_document,
)
from console.state.records import RecordKey

Text = Annotated[
    str, Query(min_length=1, max_length=300, pattern=r"^[^\x00]+$", description="E-mail address, id, key or trace id.")
]
Id = Annotated[str, Query(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="`earlier` of the page after.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many rows at most, the newest ones.")]
Unmask = Annotated[bool, Query(description="Show personal data too.")]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /records."""
    router = APIRouter(tags=["records"])

    @router.get("/records", response_model=RecordList, responses=problems(422))
    async def find(q: Text, unmask: Unmask = False) -> RecordList:
        return RecordList(items=[record_document(one, unmask=unmask) for one in await context.records.find(q)])

    @router.get("/records/timeline", response_model=TimelineDocument, responses=problems(404, 422))
    async def timeline(
        connection: Id, entity: Id, record: Id, before: Before = None, limit: Limit = MOST, unmask: Unmask = False
    ) -> TimelineDocument:
        found = await context.records.timeline(RecordKey(connection, entity, record), before, limit)
        return timeline_document(*found, unmask=unmask)

    return router
