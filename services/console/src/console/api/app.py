"""The application: every noun's routes under /api/v1, behind the token; the OpenAPI document is for everybody."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.types import ASGIApp

from common.api import problems
from common.api.entrance import Entrance
from console.api import (
    activities,
    app_channels,
    channels,
    connections,
    groups,
    kinds,
    letters,
    links,
    notices,
    privacy,
    records,
    reviews,
    runs,
    syncs,
    upkeep,
)
from console.api.answers import with_problem_schema
from console.api.context import ApiContext, admitted
from console.api.link_documents import MOST_FILE
from console.api.problems import WORDS
from console.api.spans import Spans

PREFIX = "/api/v1"
# One line a noun.
NOUNS = (
    connections.routes,
    kinds.routes,
    channels.routes,
    app_channels.routes,
    syncs.routes,
    runs.routes,
    records.routes,
    activities.routes,
    links.routes,
    reviews.routes,
    letters.routes,
    groups.routes,
    notices.routes,
    privacy.routes,
    upkeep.routes,
)


def build(context: ApiContext) -> ASGIApp:
    """The usual documentation pages load scripts from elsewhere, so there is only the document itself."""
    app = _Application(
        title="Millrace console",
        version="1",
        summary="Connections, syncs, runs, records: look, decide, replay.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app, WORDS, RequestValidationError)

    async def admit(request: Request) -> None:
        admitted(request, context)

    # The scheme is there for the document; it never decides, because its own refusal would not be problem details.
    guarded = APIRouter(prefix=PREFIX, dependencies=[Depends(admit), Depends(HTTPBearer(auto_error=False))])
    for routes in NOUNS:
        guarded.include_router(routes(context))
    app.include_router(guarded)
    return Entrance(Spans(app), larger={f"{PREFIX}/links/import": MOST_FILE})


class _Application(FastAPI):
    """Adds the schema of problems to the document that FastAPI makes."""

    def openapi(self) -> dict[str, Any]:
        return with_problem_schema(super().openapi())
