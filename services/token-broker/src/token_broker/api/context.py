"""What the routes of the API speak to, and how a caller is recognised in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from fastapi import Request, Response

from common.api.problems import NO_STORE
from common.clock import Clock
from token_broker.accounts.registry import Registry
from token_broker.api.callers import Caller, Callers, Right
from token_broker.api.overview import Overview
from token_broker.consent.consents import Consents
from token_broker.consent.grants import Grants
from token_broker.refresh.tokens import Tokens
from token_broker.vault.access_log import AccessLog
from token_broker.vault.credentials import Credentials
from token_broker.vault.keyring import KeyRing
from token_broker.vault.rotation import Rotation
from token_broker.vault.webhook_secrets import WebhookSecrets


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The parts of the broker, built by `main`."""

    tokens: Tokens
    credentials: Credentials
    webhook_secrets: WebhookSecrets
    consents: Consents
    grants: Grants
    overview: Overview
    rotation: Rotation
    ring: KeyRing
    registry: Registry
    callers: Callers
    access_log: AccessLog
    clock: Clock
    browser_url: str

    def caller(self, request: Request, right: Right, vendor: str | None = None) -> Caller:
        """Who asks, if they may; raises a Refusal."""
        caller = self.callers.recognise(request.headers.get("authorization", ""))
        caller.may(right, vendor)
        return caller


def answer(document: Any, status: int = 200) -> Response:
    """A document that nobody stores."""
    return Response(orjson.dumps(document, default=_plain), status, NO_STORE, "application/json")


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    # A Secret has no JSON form: whoever shows one reveals it by name.
    raise TypeError(f"{type(value).__name__} is not for the wire")
