"""The routes of channels."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from console.api.answers import problems
from console.api.channel_documents import (
    ChannelDocument,
    ChannelList,
    SetUpBody,
    SetUpDocument,
    channel_document,
    set_up_document,
)
from console.api.context import ApiContext
from console.api.once import StoredAnswer
from console.api.paging import MOST, USUAL, after_of, cursor_of

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=2000, description="`next_cursor` of the page before.")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The connection's id.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /channels."""
    router = APIRouter(tags=["channels"])

    @router.get("/channels", response_model=ChannelList, responses=problems(422))
    async def channels(limit: Limit = USUAL, cursor: Cursor = "") -> ChannelList:
        after = after_of(cursor, 1)
        found, following = await context.channels.page(after[0] if after else "", limit)
        return ChannelList(
            items=[channel_document(one, context.channels.hooks(one)) for one in found],
            next_cursor=cursor_of(following),
        )

    @router.get("/channels/{connection}", response_model=ChannelDocument, responses=problems(404))
    async def channel(connection: Id) -> ChannelDocument:
        found = await context.channels.show(connection)
        return channel_document(found, context.channels.hooks(found))

    @router.post("/channels/{connection}/audit", response_model=ChannelDocument, responses=problems(404, 409))
    async def audit(connection: Id, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            found = await context.channels.audit(connection)
            return StoredAnswer(200, channel_document(found, context.channels.hooks(found)))

        return await context.once.run(request, work)

    @router.post("/channels/{connection}/set-up", response_model=SetUpDocument, responses=problems(404, 409))
    async def set_up(connection: Id, body: SetUpBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            found = set_up_document(await context.channels.by_hand(connection, new_secret=body.new_secret))
            return StoredAnswer(200, found, kept=found.model_copy(update={"secret": None}))

        return await context.once.run(request, work)

    return router
