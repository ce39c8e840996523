"""The routes of syncs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from console.api.answers import problems
from console.api.context import ApiContext, actor
from console.api.once import StoredAnswer
from console.api.paging import MOST, USUAL, after_of, cursor_of
from console.api.preview_documents import PreviewDocument
from console.api.reconciliation_documents import ReconcileBody
from console.api.run_documents import HistoryDocument, RunDocument, history_document, run_document
from console.api.sync_documents import (
    AppliedDocument,
    MissingBody,
    SyncBody,
    SyncDetail,
    SyncList,
    applied_document,
    sync_detail,
    sync_document,
)

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Samples = Annotated[int, Query(ge=0, le=MOST, description="How many samples at most.")]
Cursor = Annotated[str, Query(max_length=1000, description="`next_cursor` of the page before.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]
Named = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The sync's name.")]
DryRun = Annotated[bool, Query(description="Check everything and say what would be done; write nothing.")]
Draft = Annotated[bool, Query(description="Store the sync without switching it on.")]
Full = Annotated[bool, Query(description="Read everything, not only what has changed.")]
Unmask = Annotated[bool, Query(description="Show personal data too.")]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /syncs."""
    router = APIRouter(tags=["syncs"])
    _reading(router, context)
    _applying(router, context)
    _switching(router, context)
    _asking(router, context)
    return router


def _reading(router: APIRouter, context: ApiContext) -> None:
    @router.get("/syncs", response_model=SyncList, responses=problems(422))
    async def syncs(limit: Limit = USUAL, cursor: Cursor = "") -> SyncList:
        after = after_of(cursor, 1)
        page = await context.syncs.page(after[0] if after else "", limit)
        return SyncList(items=[sync_document(one) for one in page.items], next_cursor=cursor_of(page.after))

    @router.get("/syncs/{sync}", response_model=SyncDetail, responses=problems(404))
    async def sync(sync: Named) -> SyncDetail:
        return sync_detail(await context.syncs.show(sync))

    @router.get("/syncs/{sync}/history", response_model=HistoryDocument, responses=problems(404, 422))
    async def history(sync: Named, limit: Limit = USUAL, cursor: Cursor = "") -> HistoryDocument:
        return history_document(await context.runs.of_sync(sync, limit, after_of(cursor, 2)))

    @router.get("/syncs/{sync}/preview", response_model=PreviewDocument, responses=problems(404, 409))
    async def preview(sync: Named, limit: Samples = 20, unmask: Unmask = False) -> PreviewDocument:
        return PreviewDocument(**await context.previews.of_sync(sync, limit, unmask=unmask))


def _applying(router: APIRouter, context: ApiContext) -> None:
    @router.post("/syncs", response_model=AppliedDocument, responses=problems(409, 422, 503))
    async def apply(
        body: SyncBody, request: Request, dry_run: DryRun = False, draft: Draft = False, key: Key = None
    ) -> Response:
        async def work() -> StoredAnswer:
            if dry_run:
                return StoredAnswer(
                    200, applied_document(await context.applying.plan(body.wish()), body.name, dry_run=True)
                )
            done = await context.applying.apply(body.wish(), actor(request), activate=not draft)
            return StoredAnswer(200, applied_document(done, body.name, dry_run=False))

        return await context.once.run(request, work)

    @router.post("/sync-preview", response_model=PreviewDocument, responses=problems(422, 503))
    async def preview(body: SyncBody, limit: Samples = 20, unmask: Unmask = False) -> PreviewDocument:
        return PreviewDocument(**await context.previews.of_wish(body.wish(), limit, unmask=unmask))


def _switching(router: APIRouter, context: ApiContext) -> None:
    @router.post("/syncs/{sync}/pause", response_model=SyncDetail, responses=problems(404, 409))
    async def pause(sync: Named, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, sync_detail(await context.syncs.pause(sync)))

        return await context.once.run(request, work)

    @router.post("/syncs/{sync}/resume", response_model=SyncDetail, responses=problems(404, 409, 422, 503))
    async def resume(sync: Named, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, sync_detail(await context.syncs.resume(sync, actor(request))))

        return await context.once.run(request, work)

    @router.post("/syncs/{sync}/disable", response_model=SyncDetail, responses=problems(404, 409))
    async def disable(sync: Named, request: Request, key: Key = None, archive: bool = False) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(
                200, sync_detail(await context.syncs.disable(sync, actor(request), "archive" if archive else "keep"))
            )

        return await context.once.run(request, work)


def _asking(router: APIRouter, context: ApiContext) -> None:
    @router.post("/syncs/{sync}/missing", response_model=SyncDetail, responses=problems(404, 409, 422))
    async def missing(sync: Named, body: MissingBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, sync_detail(await context.missing.answer(sync, body.answer)))

        return await context.once.run(request, work)

    @router.post(
        "/syncs/{sync}/reconciliation", response_model=SyncDetail, status_code=202, responses=problems(404, 409, 422)
    )
    async def reconcile(sync: Named, body: ReconcileBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            asked = await context.reconciliations.ask(sync, actor(request), repair=body.repair)
            return StoredAnswer(202, sync_detail(asked))

        return await context.once.run(request, work)

    @router.post("/syncs/{sync}/runs", response_model=RunDocument, status_code=202, responses=problems(404, 409))
    async def run(sync: Named, request: Request, key: Key = None, full: Full = False) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(202, run_document(await context.asked_runs.begin(sync, actor(request), full=full)))

        return await context.once.run(request, work)
