"""The routes of dead letters."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from console.api.answers import problems
from console.api.context import ApiContext, actor
from console.api.documents import Word
from console.api.letter_documents import (
    DiscardBody,
    GroupsDocument,
    LetterDetail,
    LetterList,
    LettersBody,
    PlanDocument,
    groups_document,
    letter_detail,
    letter_document,
    plan_document,
    step_document,
)
from console.api.once import StoredAnswer
from console.api.paging import after_of, cursor_of
from console.use_cases.letter_choice import LetterWish

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=4000, description="Where the last page ended: its `next_cursor`.")]
Unmask = Annotated[bool, Query(description="Show personal data too.")]
OnHold = Annotated[
    bool,
    Query(
        description="Instead: records on hold after a call whose outcome nobody saw, with the time of the next look."
    ),
]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]
Id = Annotated[str, Path(min_length=1, max_length=400, pattern=r"^[^\x00]+$")]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /dead-letters."""
    router = APIRouter(tags=["dead letters"])
    _acting(router, context)

    @router.get("/dead-letter-groups", response_model=GroupsDocument, responses=problems())
    async def groups() -> GroupsDocument:
        return groups_document(await context.letters.groups())

    @router.get("/dead-letters", response_model=LetterList, responses=problems(422))
    async def letters(
        code: Word = "",
        sync: Word = "",
        topic: Word = "",
        limit: Limit = 100,
        cursor: Cursor = "",
        unmask: Unmask = False,
        held: OnHold = False,
    ) -> LetterList:
        wish = LetterWish(code=code, sync=sync, topic=topic)
        page = await (
            context.letters.held(wish, limit) if held else context.letters.list(wish, limit, after_of(cursor, 5))
        )
        items = [letter_document(one, unmask=unmask) for one in page.items]
        return LetterList(items=items, total=page.total, next_cursor=cursor_of(page.after))

    @router.get("/dead-letters/{letter:path}", response_model=LetterDetail, responses=problems(404))
    async def letter(letter: Id, unmask: Unmask = False) -> LetterDetail:
        return letter_detail(await context.letters.show(letter), unmask=unmask)

    return router


def _acting(router: APIRouter, context: ApiContext) -> None:
    @router.post("/dead-letters/retry", response_model=PlanDocument, responses=problems(404, 422, 503))
    async def retry(body: LettersBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            wish = body.wish()
            if body.dry_run:
                return StoredAnswer(200, plan_document(await context.letters.plan(wish)))
            after = after_of(body.cursor, 5)
            return StoredAnswer(
                200, step_document(await context.letters.retry(wish, actor(request), after, body.limit))
            )

        return await context.once.run(request, work)

    @router.post("/dead-letters/discard", response_model=PlanDocument, responses=problems(404, 422))
    async def discard(body: DiscardBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            wish = body.wish()
            if body.dry_run:
                return StoredAnswer(200, plan_document(await context.letters.plan(wish)))
            by, after = actor(request), after_of(body.cursor, 5)
            return StoredAnswer(
                200, step_document(await context.letters.discard(wish, by, body.reason, after, body.limit))
            )

        return await context.once.run(request, work)
