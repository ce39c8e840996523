"""The routes of summaries, notifications and the destinations that both go to."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from console.api.answers import problems
from console.api.context import ApiContext
from console.api.notice_documents import (
    DestinationBody,
    DestinationDocument,
    DestinationList,
    NamedBody,
    NotificationList,
    SummaryDocument,
    SummarySettingBody,
    SummarySettingDocument,
    added_document,
    destination_document,
    notification_document,
    setting_document,
    summary_document,
)
from console.api.once import StoredAnswer

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
All = Annotated[bool, Query(alias="all", description="Those whose reason is gone, too.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /summaries, /notifications and /destinations."""
    router = APIRouter(tags=["notifications"])
    _summaries(router, context)
    _destinations(router, context)

    @router.get("/notifications", response_model=NotificationList, responses=problems(422))
    async def notifications(limit: Limit = 100, every: All = False) -> NotificationList:
        found = await context.telling.notices.newest(limit, only_open=not every)
        return NotificationList(items=[notification_document(one) for one in found])

    return router


def _summaries(router: APIRouter, context: ApiContext) -> None:
    @router.get("/summaries/setting", response_model=SummarySettingDocument, responses=problems())
    async def setting() -> SummarySettingDocument:
        return await _setting(context)

    @router.post("/summaries/setting", response_model=SummarySettingDocument, responses=problems(422))
    async def want(body: SummarySettingBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            await (
                context.telling.summaries.want(body.at, body.zone) if body.at else context.telling.summaries.want_none()
            )
            return StoredAnswer(200, await _setting(context))

        return await context.once.run(request, work)

    @router.get("/summaries/newest", response_model=SummaryDocument, responses=problems())
    async def newest() -> SummaryDocument:
        return summary_document(await context.telling.summaries.show(None))

    @router.get("/summaries/{day}", response_model=SummaryDocument, responses=problems(404, 422))
    async def summary(day: date) -> SummaryDocument:
        return summary_document(await context.telling.summaries.show(day))


def _destinations(router: APIRouter, context: ApiContext) -> None:
    @router.get("/destinations", response_model=DestinationList, responses=problems())
    async def destinations() -> DestinationList:
        return DestinationList(items=[destination_document(*one) for one in await context.telling.destinations.all()])

    @router.post(
        "/destinations", status_code=201, response_model=DestinationDocument, responses=problems(409, 422, 503)
    )
    async def add(body: DestinationBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            added = await context.telling.destinations.add(body.address, summaries=body.summaries, alerts=body.alerts)
            return StoredAnswer(201, added_document(added), kept=destination_document(added.destination))

        return await context.once.run(request, work)

    @router.post("/destinations/test", response_model=DestinationDocument, responses=problems(404, 409, 503))
    async def test(body: NamedBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, destination_document(await context.telling.destinations.test(body.destination)))

        return await context.once.run(request, work)

    @router.post("/destinations/remove", response_model=DestinationDocument, responses=problems(404, 503))
    async def remove(body: NamedBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, destination_document(await context.telling.destinations.remove(body.destination)))

        return await context.once.run(request, work)


async def _setting(context: ApiContext) -> SummarySettingDocument:
    wanted, next_at = await context.telling.summaries.wanted()
    to = [one.shown for one, _ in await context.telling.destinations.all() if one.summaries]
    return setting_document(wanted, next_at, to)
