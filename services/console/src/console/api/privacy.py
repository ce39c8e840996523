"""The routes of what persons ask for by way of a vendor."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from common.api.refusal import Refusal
from console import codes
from console.api.answers import problems
from console.api.context import ApiContext, actor
from console.api.once import StoredAnswer
from console.api.paging import MOST, USUAL, after_of, cursor_of
from console.state.privacy import PrivacyRequestRow

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=2000, description="`next_cursor` of the page before.")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The request's id.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]


class PrivacyRequestDocument(BaseModel):
    """One request of a person, or of an account that left."""

    id: str
    connection: str
    name: str = Field(description="The connection's.")
    kind: Literal["export", "redact", "redact_account"]
    reference: str = Field(description="The vendor's own number of it.")
    records: int = Field(description="How many records it names.")
    redacted: int = Field(description="How many were redacted so far.")
    state: Literal["open", "done", "refused"]
    words: str
    received_at: datetime
    due_at: datetime
    closed_at: datetime | None
    closed_by: str


class PrivacyRequestList(BaseModel):
    """The newest first."""

    items: list[PrivacyRequestDocument]
    next_cursor: str | None


class KeptRecordDocument(BaseModel):
    """One record: what is kept of it, since when, which records elsewhere it became, and what was told of it there."""

    entity: str
    record: str
    fields: dict[str, Any]
    first_at: datetime
    changed_at: datetime
    elsewhere: list[dict[str, Any]]
    activity: list[dict[str, Any]]


class PrivacyExport(BaseModel):
    """All that is kept of a person."""

    request: PrivacyRequestDocument
    records: list[KeptRecordDocument]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /privacy-requests."""
    router = APIRouter(tags=["privacy"])

    @router.get("/privacy-requests", response_model=PrivacyRequestList, responses=problems(422))
    async def requests(limit: Limit = USUAL, cursor: Cursor = "") -> PrivacyRequestList:
        found, following = await context.privacy.page(_after(cursor), limit)
        return PrivacyRequestList(items=[_document(one) for one in found], next_cursor=cursor_of(following))

    @router.get("/privacy-requests/{id}/export", response_model=PrivacyExport, responses=problems(404, 409))
    async def export(id: Id) -> PrivacyExport:
        request, records = await context.privacy.export(id)
        return PrivacyExport(request=_document(request), records=[KeptRecordDocument(**dict(one)) for one in records])

    @router.post("/privacy-requests/{id}/done", response_model=PrivacyRequestDocument, responses=problems(404, 409))
    async def done(id: Id, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, _document(await context.privacy.done(id, actor(request))))

        return await context.once.run(request, work)

    return router


def _after(cursor: str) -> tuple[datetime, str] | None:
    parts = after_of(cursor, 2)
    try:
        return (datetime.fromisoformat(parts[0]), parts[1]) if parts else None
    except ValueError as wrong:
        raise Refusal(422, codes.CURSOR_INVALID) from wrong


def _document(row: PrivacyRequestRow) -> PrivacyRequestDocument:
    return PrivacyRequestDocument(**{name: getattr(row, name) for name in PrivacyRequestDocument.model_fields})
