"""The route of the nightly upkeep: when each table was tidied last."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console.api.answers import problems
from console.api.context import ApiContext


class UpkeepRunDocument(BaseModel):
    """The last run of one table's keeper."""

    table: str
    began_at: datetime | None
    ended_at: datetime | None = Field(description="Null while it runs, or when it was broken off.")
    removed: int = Field(description="Rows taken away; whole months of the journal.")
    running: bool
    message: str = Field(description="What went wrong; empty when nothing did.")


class UpkeepDocument(BaseModel):
    """Every table that has a keeper and was tidied once."""

    items: list[UpkeepRunDocument]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /upkeep."""
    router = APIRouter(tags=["upkeep"])

    @router.get("/upkeep", response_model=UpkeepDocument, responses=problems())
    async def upkeep() -> UpkeepDocument:
        return UpkeepDocument(items=[UpkeepRunDocument(**asdict(run)) for run in await context.last_runs()])

    return router
