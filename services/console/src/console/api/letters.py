"""The routes of dead letters."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from console.api.answers import problems
from console.api.desk import Desk, actor
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
)
from console.api.once import Answer
from console.use_cases.letters import LetterWish

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Unmask = Annotated[bool, Query(description="Show personal data too.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]
Id = Annotated[str, Path(min_length=1, max_length=400, pattern=r"^[^\x00]+$")]


def routes(desk: Desk) -> APIRouter:
    """Everything under /dead-letters."""
    router = APIRouter(tags=["dead letters"])
    _acting(router, desk)

    @router.get("/dead-letter-groups", response_model=GroupsDocument, responses=problems())
    async def groups() -> GroupsDocument:
        return groups_document(await desk.letters.groups())

    @router.get("/dead-letters", response_model=LetterList, responses=problems(422))
    async def letters(
        code: Word = "", sync: Word = "", topic: Word = "", limit: Limit = 100, unmask: Unmask = False
    ) -> LetterList:
        wish = LetterWish(code=code, sync=sync, topic=topic)
        found, total = await desk.letters.list(wish, limit)
        return LetterList(items=[letter_document(one, unmask=unmask) for one in found], total=total)

    @router.get("/dead-letters/{letter:path}", response_model=LetterDetail, responses=problems(404))
    async def letter(letter: Id, unmask: Unmask = False) -> LetterDetail:
        return letter_detail(await desk.letters.show(letter), unmask=unmask)

    return router


def _acting(router: APIRouter, desk: Desk) -> None:
    @router.post("/dead-letters/retry", response_model=PlanDocument, responses=problems(404, 422, 503))
    async def retry(body: LettersBody, request: Request, key: Key = None) -> Response:
        async def work() -> Answer:
            act = desk.letters.plan(body.wish()) if body.dry_run else desk.letters.retry(body.wish(), actor(request))
            return Answer(200, plan_document(await act, dry_run=body.dry_run))

        return await desk.once.run(request, work)

    @router.post("/dead-letters/discard", response_model=PlanDocument, responses=problems(404, 422))
    async def discard(body: DiscardBody, request: Request, key: Key = None) -> Response:
        async def work() -> Answer:
            wish = body.wish()
            act = desk.letters.plan(wish) if body.dry_run else desk.letters.discard(wish, actor(request), body.reason)
            return Answer(200, plan_document(await act, dry_run=body.dry_run))

        return await desk.once.run(request, work)
