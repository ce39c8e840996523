"""What the broker says when a request goes wrong; a browser gets a page instead of problem details."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from common.api import problems
from common.api.problems import Words, answered
from common.api.refusal import Refusal
from token_broker import codes
from token_broker.api.pages import page
from token_broker.consent.consents import ConsentStopped
from token_broker.vault.keyring import KeyLost
from token_broker.vault.sealing import SealBroken

WORDS = Words(
    invalid=codes.REQUEST_INVALID,
    not_there=codes.REQUEST_INVALID,
    fault=codes.BROKER_FAULT,
    away=codes.TOKEN_UNAVAILABLE,
    away_detail="The vault's database does not answer.",
)


def install(app: FastAPI) -> None:
    """Every way out of the API that is no success."""
    problems.install(app, WORDS, RequestValidationError)

    @app.exception_handler(ConsentStopped)
    async def _stopped(_: Request, stopped: ConsentStopped) -> Response:
        return page(stopped.status, "This did not work", stopped.message, stopped.next_step, stopped.code.name)

    for kind in (SealBroken, KeyLost):

        @app.exception_handler(kind)
        async def _unreadable(request: Request, __: Exception) -> Response:
            return answered(request, Refusal(503, codes.CREDENTIAL_UNREADABLE, retry_after_s=60))
