"""The routes of runs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from console.api.answers import problems
from console.api.context import ApiContext
from console.api.paging import MOST, USUAL, after_of, cursor_of
from console.api.run_documents import (
    RunDocument,
    RunList,
    RunRecordList,
    run_document,
    run_list,
    run_record_document,
)

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=2000, description="`next_cursor` of the page before.")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,200}$", description="The run's id.")]
Outcome = Literal["added", "updated", "removed", "unchanged", "skipped", "failed", "superseded", "waiting"]
Outcomes = Annotated[list[Outcome], Query(description="Only records with this end; may be given several times.")]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /runs."""
    router = APIRouter(tags=["runs"])

    @router.get("/runs", response_model=RunList, responses=problems(422))
    async def runs(limit: Limit = USUAL, cursor: Cursor = "") -> RunList:
        return run_list(await context.runs.page(limit, after_of(cursor, 2)))

    @router.get("/runs/{run}", response_model=RunDocument, responses=problems(404))
    async def run(run: Id) -> RunDocument:
        return run_document(await context.runs.show(run))

    @router.get("/runs/{run}/records", response_model=RunRecordList, responses=problems(404, 422))
    async def records(
        run: Id, limit: Limit = USUAL, cursor: Cursor = "", outcome: Outcomes = []  # noqa: B006 - FastAPI copies it
    ) -> RunRecordList:  # fmt: skip
        found, after = await context.runs.records(run, outcome, limit, after_of(cursor, 5))
        return RunRecordList(items=[run_record_document(one) for one in found], next_cursor=cursor_of(after))

    return router
