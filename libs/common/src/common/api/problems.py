"""Turns whatever goes wrong in an API into problem details (RFC 9457), and never repeats what was sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import orjson
import structlog
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from common.api.refusal import Refusal
from common.codes import Code
from common.failures import Failure
from common.state.trouble import DATABASE_ERRORS, is_away

NO_STORE = {"cache-control": "no-store"}
REQUEST_ID = "millrace.request_id"
_MOST_FIELDS = 10

_log = structlog.get_logger(__name__)


class ProblemAnswer(BaseModel):
    """What every refusal looks like; some add members of their own."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="An identifier of the kind of problem.")
    title: str = Field(description="What it means, the same each time.")
    status: int
    code: str = Field(description="The entry of the documentation's table of error codes.")
    detail: str = Field(description="What it is this time.")
    action: str = Field(description="What to do.")
    request_id: str = Field(description="Under this the log tells of it.")


@dataclass(frozen=True, slots=True)
class Words:
    """A service's own codes for what can go wrong with any request."""

    invalid: Code
    not_there: Code
    fault: Code
    away: Code
    away_detail: str = ""


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


def answered(request: Request, refusal: Refusal) -> Response:
    """The answer to one request."""
    return problem(refusal, request_id(request))


def request_id(request: Request) -> str:
    """The trace's id where there is a trace, else one of the request alone."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else str(request.scope.get(REQUEST_ID, ""))


def install(app: Starlette, words: Words, unfit: type[Exception]) -> None:
    """Every way out of the API that is no success. `unfit` is the framework's error for a request of the wrong form."""
    _install_refusals(app, words, unfit)
    _install_faults(app, words)


def _install_refusals(app: Starlette, words: Words, unfit: type[Exception]) -> None:
    async def _refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return answered(request, error)

    async def _invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, _NamesFields)
        return answered(request, Refusal(422, words.invalid, _fields(error)))

    async def _http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = words.not_there if error.status_code in (404, 405) else words.invalid
        answer = answered(request, Refusal(error.status_code, code))
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(unfit, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _install_faults(app: Starlette, words: Words) -> None:
    async def _away(request: Request, error: Exception) -> Response:
        if not is_away(error):
            raise error
        return answered(request, Refusal(503, words.away, words.away_detail, 2))

    async def _failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, Failure)
        _log.error("api.failed", code=error.code, exc_info=error)
        return answered(request, Refusal(500, words.fault, error.message))

    async def _bug(request: Request, error: Exception) -> Response:
        # The server logs it with its traceback and redacts the line; the caller learns the id to look for.
        _log.error("api.bug", request_id=request_id(request), error=type(error).__name__)
        return answered(request, Refusal(500, words.fault))

    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _away)
    app.add_exception_handler(Failure, _failed)
    app.add_exception_handler(Exception, _bug)


@runtime_checkable
class _NamesFields(Protocol):
    """Pydantic's way to say what is wrong with a document."""

    def errors(self) -> Sequence[Any]: ...


def _fields(error: _NamesFields) -> str:
    """Names of fields and what is wrong with them; never the value, which may be a key that somebody mistyped."""
    found = sorted({f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in error.errors()})
    return "; ".join(found[:_MOST_FIELDS]) + "."
