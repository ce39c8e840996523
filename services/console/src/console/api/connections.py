"""The routes of connections and of the gates that people close."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from console.api import versions
from console.api.answers import problems
from console.api.context import ApiContext, actor
from console.api.documents import (
    ChosenPlaceBody,
    ConnectingDocument,
    ConnectionDocument,
    ConnectionId,
    ConnectionPage,
    CredentialBody,
    DeletedDocument,
    NameBody,
    NewConnection,
    QuotaDocument,
    RoadDocument,
    TrialDocument,
    VendorList,
    Word,
    connection_document,
    quota_document,
    road_document,
    trial_document,
    vendor_document,
)
from console.api.once import StoredAnswer
from console.api.paging import MOST, USUAL, after_of, cursor_of
from console.state.connections import ConnectionRow, WantedConnection
from console.use_cases.connecting import Road
from console.use_cases.connections import Shown

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=1000, description="`next_cursor` of the page before.")]
# No longer than a stopping service still answers.
WaitS = Annotated[float, Query(ge=0, le=10, description="Wait so long for something to change.")]
NameQuery = Annotated[str, Query(max_length=100, description="Only the connection of this name.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of what is to be changed.")]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /connections, and the vendors there are."""
    router = APIRouter(tags=["connections"])
    _reading(router, context)
    _connecting(router, context)
    _tending(router, context)
    _ending(router, context)
    return router


def etag_of(row: ConnectionRow) -> str:
    """The version of what people decide of a connection; what grants, tries and the vendor teach comes without making an edit stale."""
    return versions.etag(row.id, row.name)


def _reading(router: APIRouter, context: ApiContext) -> None:
    @router.get("/vendors", response_model=VendorList, responses=problems(503))
    async def vendors() -> VendorList:
        return VendorList(items=[vendor_document(ways) for ways in await context.broker.vendors()])

    @router.get("/connections", response_model=ConnectionPage, responses=problems(422))
    async def connections(
        limit: Limit = USUAL, cursor: Cursor = "", name: NameQuery = "", vendor: Word = "", state: Word = ""
    ) -> ConnectionPage:
        after = after_of(cursor, 2)
        wanted = WantedConnection(
            name.replace("\x00", "\ufffd"), vendor, state, (after[0], after[1]) if after else None, limit
        )
        page = await context.connections.page(wanted)
        return ConnectionPage(
            items=[connection_document(shown) for shown in page.items], next_cursor=cursor_of(page.after)
        )

    @router.get("/connections/{connection}", response_model=ConnectionDocument, responses=problems(404))
    async def connection(connection: ConnectionId) -> Response:
        return _answer(await context.connections.show(connection)).response()

    @router.get("/connections/{connection}/quota", response_model=QuotaDocument, responses=problems(404, 409))
    async def quota(connection: ConnectionId) -> QuotaDocument:
        return quota_document(await context.quotas.of(connection))


def _connecting(router: APIRouter, context: ApiContext) -> None:
    @router.post(
        "/connections", status_code=201, response_model=ConnectingDocument, responses=problems(409, 422, 429, 503)
    )
    async def add(body: NewConnection, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            road = await context.connecting.add(body.vendor, body.name, body.wish(actor(request)))
            return await _begun(context, road, 201)

        return await context.once.run(request, work)

    @router.post(
        "/connections/{connection}/reconnect",
        response_model=ConnectingDocument,
        responses=problems(404, 409, 422, 429, 503),
    )
    async def reconnect(connection: ConnectionId, body: CredentialBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            road = await context.connecting.reconnect(connection, body.wish(actor(request)))
            return await _begun(context, road, 200)

        return await context.once.run(request, work)

    @router.get("/connections/{connection}/road", response_model=RoadDocument, responses=problems(404, 503))
    async def road(connection: ConnectionId, wait_s: WaitS = 0.0) -> RoadDocument:
        return road_document(await context.connecting.road(connection, wait_s))

    @router.post(
        "/connections/{connection}/place", response_model=RoadDocument, responses=problems(404, 409, 422, 429, 503)
    )
    async def choose(connection: ConnectionId, body: ChosenPlaceBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, road_document(await context.connecting.choose(connection, body.place)))

        return await context.once.run(request, work)

    @router.post(
        "/connections/{connection}/places", response_model=RoadDocument, responses=problems(404, 409, 422, 429, 503)
    )
    async def discover(connection: ConnectionId, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, road_document(await context.connecting.discover(connection)))

        return await context.once.run(request, work)


def _tending(router: APIRouter, context: ApiContext) -> None:
    @router.patch(
        "/connections/{connection}",
        response_model=ConnectionDocument,
        responses=problems(404, 409, 412, 422, 428),
    )
    async def rename(
        connection: ConnectionId, body: NameBody, request: Request, key: Key = None, if_match: IfMatch = None
    ) -> Response:
        async def work() -> StoredAnswer:
            row = await context.connections.row(connection)
            versions.expect(etag_of(row), if_match)
            return _answer(await context.connections.rename(connection, body.name, row))

        return await context.once.run(request, work)

    @router.post("/connections/{connection}/test", response_model=TrialDocument, responses=problems(404, 409))
    async def test(connection: ConnectionId, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, trial_document(await context.trials.test(connection)))

        return await context.once.run(request, work)

    @router.post("/connections/{connection}/pause", response_model=ConnectionDocument, responses=problems(404, 409))
    async def pause(connection: ConnectionId, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return _answer(await context.gates.pause(connection, actor(request)))

        return await context.once.run(request, work)

    @router.post("/connections/{connection}/resume", response_model=ConnectionDocument, responses=problems(404, 409))
    async def resume(connection: ConnectionId, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return _answer(await context.gates.resume(connection))

        return await context.once.run(request, work)


def _ending(router: APIRouter, context: ApiContext) -> None:
    @router.delete(
        "/connections/{connection}",
        response_model=DeletedDocument,
        responses={202: {"model": DeletedDocument}, **problems(404, 409, 412)},
    )
    async def delete(connection: ConnectionId, request: Request, key: Key = None, if_match: IfMatch = None) -> Response:
        async def work() -> StoredAnswer:
            versions.expect(etag_of(await context.connections.row(connection)), if_match, required=False)
            revoked = await context.removal.delete(connection)
            return StoredAnswer(
                202 if revoked is None else 200, DeletedDocument(id=connection, revoked=revoked or "waiting")
            )

        return await context.once.run(request, work)


def _answer(shown: Shown) -> StoredAnswer:
    return StoredAnswer(200, connection_document(shown), etag=etag_of(shown.row))


async def _begun(context: ApiContext, road: Road, status: int) -> StoredAnswer:
    shown = connection_document(await context.connections.show(road.connection))
    shown_road = road_document(road)
    kept = shown_road.model_copy(update={"start_url": None})
    return StoredAnswer(
        status,
        ConnectingDocument(connection=shown, road=shown_road),
        kept=ConnectingDocument(connection=shown, road=kept),
    )
