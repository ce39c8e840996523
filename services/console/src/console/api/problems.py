"""Turns whatever goes wrong in the API into problem details (RFC 9457), and never repeats what was sent."""

from __future__ import annotations

import math

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from common.failures import Failure
from common.state.trouble import DATABASE_ERRORS, is_away
from console import codes
from console.refusals import Refusal

NO_STORE = {"cache-control": "no-store"}

_log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """What every refusal looks like; some add members of their own."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="An identifier of the kind of problem.")
    title: str = Field(description="What it means, the same each time.")
    status: int
    code: str = Field(description="The entry of the documentation's table of error codes.")
    detail: str = Field(description="What it is this time.")
    action: str = Field(description="What to do.")
    request_id: str = Field(description="Under this the log tells of it.")


def problem(refusal: Refusal, request_id: str = "") -> Response:
    """The document of a refusal."""
    document = {
        **refusal.more,
        "type": f"urn:millrace:problem:{refusal.code.name}",
        "title": refusal.code.meaning,
        "status": refusal.status,
        "code": refusal.code.name,
        "detail": refusal.detail,
        "action": refusal.code.action,
        "request_id": request_id,
    }
    headers = dict(NO_STORE)
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(refusal.retry_after_s)))
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(orjson.dumps(document), refusal.status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """Every way out of the API that is no success."""

    @app.exception_handler(Refusal)
    async def _refused(request: Request, refusal: Refusal) -> Response:
        return problem(refusal, request_id(request))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return problem(Refusal(422, codes.API_REQUEST_INVALID, _fields(error)), request_id(request))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = codes.API_NOT_THERE if error.status_code in (404, 405) else codes.API_REQUEST_INVALID
        answer = problem(Refusal(error.status_code, code), request_id(request))
        answer.headers.update(error.headers or {})
        return answer

    for kind in DATABASE_ERRORS:

        @app.exception_handler(kind)
        async def _away(request: Request, error: Exception) -> Response:
            if not is_away(error):
                raise error
            return problem(Refusal(503, codes.API_AWAY, retry_after_s=2), request_id(request))

    @app.exception_handler(Failure)
    async def _failed(request: Request, failure: Failure) -> Response:
        _log.error("api.failed", code=failure.code, exc_info=failure)
        return problem(Refusal(500, codes.API_FAULT, failure.message), request_id(request))

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        # The server logs it with its traceback and redacts the line; the caller learns the id to look for.
        _log.error("api.bug", request_id=request_id(request), error=type(error).__name__)
        return problem(Refusal(500, codes.API_FAULT), request_id(request))


def request_id(request: Request) -> str:
    """The trace's id where there is a trace, else one of the request alone."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else str(request.scope.get("millrace.request_id", ""))


def _fields(error: RequestValidationError) -> str:
    """Names of fields and what is wrong with them; never the value, which may be a key that somebody mistyped."""
    found = sorted({f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in error.errors()})
    return "; ".join(found[:10]) + "."
