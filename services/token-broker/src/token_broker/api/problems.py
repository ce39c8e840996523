"""Turns whatever goes wrong in the API into problem details (RFC 9457), and never repeats what was sent."""

from __future__ import annotations

import math

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from common.failures import Failure
from common.state.trouble import DATABASE_ERRORS, is_away
from token_broker import codes
from token_broker.api.pages import page
from token_broker.consent.consents import ConsentStopped
from token_broker.refusals import Refusal, unavailable
from token_broker.vault.keyring import KeyLost
from token_broker.vault.sealing import SealBroken

NO_STORE = {"cache-control": "no-store"}


def problem(refusal: Refusal) -> Response:
    """The document of a refusal."""
    document = {
        "type": f"urn:millrace:problem:{refusal.code.name}",
        "title": refusal.code.meaning,
        "status": refusal.status,
        "code": refusal.code.name,
        "detail": refusal.detail,
        "action": refusal.code.action,
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
    async def _refused(_: Request, refusal: Refusal) -> Response:
        return problem(refusal)

    @app.exception_handler(ConsentStopped)
    async def _stopped(_: Request, stopped: ConsentStopped) -> Response:
        return page(stopped.status, "This did not work", stopped.message, stopped.next_step, stopped.code.name)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        # Names of fields only: a value may be the API key that somebody mistyped.
        fields = ", ".join(sorted({".".join(str(step) for step in found["loc"]) for found in error.errors()}))
        return problem(Refusal(422, codes.REQUEST_INVALID, f"Not as the API asks for it: {fields}."))

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        return problem(
            Refusal(error.status_code, codes.REQUEST_INVALID, "There is nothing at this address and method.")
        )

    for kind in (SealBroken, KeyLost):

        @app.exception_handler(kind)
        async def _unreadable(_: Request, __: Exception) -> Response:
            return problem(Refusal(503, codes.CREDENTIAL_UNREADABLE, retry_after_s=60))

    for trouble in DATABASE_ERRORS:

        @app.exception_handler(trouble)
        async def _away(_: Request, error: Exception) -> Response:
            if not is_away(error):
                raise error
            return problem(unavailable("The vault's database does not answer.", 2))

    @app.exception_handler(Failure)
    async def _failed(_: Request, failure: Failure) -> Response:
        return problem(Refusal(500, codes.BROKER_FAULT, failure.message))

    @app.exception_handler(Exception)
    async def _bug(_: Request, __: Exception) -> Response:
        # The server logs it with its traceback and redacts the line; the caller learns nothing of it.
        return problem(Refusal(500, codes.BROKER_FAULT))
