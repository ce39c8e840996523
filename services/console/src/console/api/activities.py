"""The route of what targets have told of a customer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from console.api.activity_documents import ActivityList, activity_list
from console.api.answers import problems
from console.api.context import ApiContext
from console.api.paging import MOST, USUAL, after_of, cursor_of

Id = Annotated[str, Path(min_length=1, max_length=300, pattern=r"^[^\x00]+$", description="The customer's id at its source.")]  # fmt: skip
Connection = Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$", description="Its connection, where several have this id.")]  # fmt: skip
Kind = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$", description="What it is there: customer, person.")]
Since = Annotated[datetime | None, Query(description="Only what happened then or later.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=4000, description="Where the last page ended: its `next_cursor`.")]
Unmask = Annotated[bool, Query(description="Show addresses too.")]


def routes(context: ApiContext) -> APIRouter:
    """/customers/{id}/activity."""
    router = APIRouter(tags=["records"])

    @router.get("/customers/{id}/activity", response_model=ActivityList, responses=problems(404, 409, 422))
    async def activity(
        id: Id, connection: Connection = "", entity: Kind = "", since: Since = None, limit: Limit = USUAL,
        cursor: Cursor = "", unmask: Unmask = False,
    ) -> ActivityList:  # fmt: skip
        found = await context.activities.list(id, connection, entity, since, after_of(cursor, 2), limit)
        return activity_list(found, cursor_of(found.after), unmask=unmask)

    return router
