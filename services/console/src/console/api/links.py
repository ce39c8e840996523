"""The routes of links."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response

from console.api.answers import problems
from console.api.context import ApiContext, actor
from console.api.link_documents import (
    AnswerBody,
    ImportBody,
    LinkBody,
    LinkDetail,
    LinkList,
    PlannedDocument,
    QuestionDocument,
    QuestionList,
    RemoveBody,
    link_detail,
    link_document,
    planned_document,
    question_document,
)
from console.api.once import StoredAnswer
from console.api.paging import after_of, cursor_of

Text = Annotated[str, Query(max_length=400, pattern=r"^[^\x00]*$", description="An id or a key of either side.")]
Account = Annotated[str, Query(max_length=400, pattern=r"^[^\x00]*$", description="An account of either side, or a connection's name.")]  # fmt: skip
State = Annotated[
    Literal["", "reserved", "linked", "ended_left", "ended_right", "unlinked"],
    Query(description="Only those in this state; all but those taken apart without it."),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=4000, description="Where the last page ended: its `next_cursor`.")]
Unmask = Annotated[bool, Query(description="Show personal data too.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]
Id = Annotated[int, Path(ge=1, le=2**62)]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /links."""
    router = APIRouter(tags=["links"])
    _making(router, context)

    @router.get("/links", response_model=LinkList, responses=problems(422))
    async def links(
        q: Text = "", state: State = "", account: Account = "", limit: Limit = 100, cursor: Cursor = "", unmask: Unmask = False
    ) -> LinkList:  # fmt: skip
        found, after = await context.links.list(q.strip(), state, account, after_of(cursor, 1), limit)
        return LinkList(items=[link_document(one, unmask=unmask) for one in found], next_cursor=cursor_of(after))

    @router.get("/links/{link}", response_model=LinkDetail, responses=problems(404))
    async def link(link: Id, unmask: Unmask = False) -> LinkDetail:
        return link_detail(await context.links.show(link), unmask=unmask)

    @router.get("/link-questions", response_model=QuestionList, responses=problems(422))
    async def questions(limit: Limit = 100, cursor: Cursor = "", unmask: Unmask = False) -> QuestionList:
        found, after = await context.questions.list(after_of(cursor, 3), limit)
        items = [question_document(one, unmask=unmask) for one in found]
        return QuestionList(items=items, next_cursor=cursor_of(after))

    return router


def _making(router: APIRouter, context: ApiContext) -> None:
    @router.post("/links", response_model=PlannedDocument, responses=problems(422))
    async def add(body: LinkBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            planned = await context.links.add(body.row(), actor(request), body.reason, dry_run=body.dry_run)
            return StoredAnswer(200, planned_document(planned, dry_run=body.dry_run))

        return await context.once.run(request, work)

    @router.post("/links/import", response_model=PlannedDocument, responses=problems(422))
    async def import_links(body: ImportBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            planned = await context.links.import_file(body.text, actor(request), body.reason, dry_run=body.dry_run)
            return StoredAnswer(200, planned_document(planned, dry_run=body.dry_run))

        return await context.once.run(request, work)

    @router.post("/links/{link}/answer", response_model=QuestionDocument, responses=problems(404))
    async def answer(link: Id, body: AnswerBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            found = await context.questions.answer(link, body.field, body.winner, actor(request), body.reason)
            return StoredAnswer(200, question_document(found, unmask=False))

        return await context.once.run(request, work)

    @router.post("/links/{link}/remove", response_model=LinkDetail, responses=problems(404, 409))
    async def remove(link: Id, body: RemoveBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            gone = await context.links.remove(link, actor(request), body.reason, dry_run=body.dry_run)
            return StoredAnswer(200, link_detail(gone, unmask=False, removal=True))

        return await context.once.run(request, work)
