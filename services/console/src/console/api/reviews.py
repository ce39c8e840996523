"""The routes of reviews: what people have to decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime

from console.api.answers import problems
from console.api.context import ApiContext, actor
from console.api.once import StoredAnswer
from console.api.paging import after_of, cursor_of
from console.api.review_documents import (
    DecideAllBody,
    DecideBody,
    DecidedDocument,
    ReviewDetail,
    ReviewList,
    review_detail,
    review_document,
)
from console.use_cases.bulk_reviews import BulkWish


def _of_our_time(moment: datetime) -> datetime:
    """No zone moves it beyond what a database knows."""
    if not 1970 <= moment.year <= 9000:
        raise ValueError("a year from 1970 to 9000 is needed")
    return moment


Kind = Annotated[
    Literal["", "conflict", "gone", "match", "unmatched", "merge", "unexplained"],
    Query(description="Only those of this kind."),
]
SyncName = Annotated[
    str, Query(max_length=200, pattern=r"^[^\x00]*$", description="Only those of the sync of this name.")
]
Since = Annotated[
    Annotated[AwareDatetime, AfterValidator(_of_our_time)] | None,
    Query(description="Only those that were asked since then."),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=4000, description="Where the last page ended: its `next_cursor`.")]
Unmask = Annotated[bool, Query(description="Show personal data too.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]
Id = Annotated[int, Path(ge=1, le=2**62)]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /reviews."""
    router = APIRouter(tags=["reviews"])

    @router.get("/reviews", response_model=ReviewList, responses=problems(422))
    async def reviews(
        kind: Kind = "", sync: SyncName = "", since: Since = None, limit: Limit = 100, cursor: Cursor = "", unmask: Unmask = False
    ) -> ReviewList:  # fmt: skip
        found, after = await context.reviews.list(kind, sync, after_of(cursor, 2), limit, since)
        return ReviewList(items=[review_document(one, unmask=unmask) for one in found], next_cursor=cursor_of(after))

    @router.get("/reviews/{review}", response_model=ReviewDetail, responses=problems(404))
    async def review(review: Id, unmask: Unmask = False) -> ReviewDetail:
        return review_detail(await context.reviews.show(review), unmask=unmask)

    @router.post("/reviews/decide", response_model=DecidedDocument, responses=problems(422))
    async def decide_all(body: DecideAllBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            wish = BulkWish(body.kind, body.sync, body.answer, body.reason)
            bulk = context.bulk_reviews
            step = await (bulk.plan(wish) if body.dry_run else bulk.step(wish, body.until, actor(request)))
            told = DecidedDocument(dry_run=body.dry_run, decided=step.decided, left=step.left, until=step.until)
            return StoredAnswer(200, told)

        return await context.once.run(request, work)

    @router.post("/reviews/{review}/decide", response_model=ReviewDetail, responses=problems(404, 422))
    async def decide(review: Id, body: DecideBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            found = await context.reviews.decide(review, body.answer, actor(request), body.reason)
            return StoredAnswer(200, review_detail(found, unmask=False))

        return await context.once.run(request, work)

    return router
