"""The routes that services call all day: access tokens and webhook secrets, each read written down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from fastapi import APIRouter, Request, Response
from opentelemetry import propagate, trace

from common import telemetry
from common.api.refusal import Refusal
from token_broker import codes
from token_broker.api.context import ApiContext, answer
from token_broker.api.documents import hook_document
from token_broker.refusals import unknown_grant
from token_broker.vault.access_log import Read
from token_broker.vault.open_credential import OpenCredential
from token_broker.vault.webhook_secrets import HookSecret

FRESH_FOR_S = 300
_MOST_REPORT = 4096
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOOK_OWNER = re.compile(rf"{_NAME.pattern}|app:[a-z0-9-]{{1,40}}")


def routes(context: ApiContext) -> APIRouter:
    """`/v1/tokens` and the reading side of `/v1/webhook-secrets`."""
    router = APIRouter()

    @router.post("/v1/tokens/{connection}")
    async def token(connection: str, request: Request) -> Response:
        with _span(request, "POST /v1/tokens/{connection}"):
            caller = context.caller(request, "tokens")
            refused = _reported(await _body(request))
            held = await context.tokens.known(_named(connection))
            line = _Line(context, request, caller.name, held.connection, held.vendor, "token", held.generation)
            with line:
                caller.may("tokens", held.vendor)
                held = await context.tokens.token(held, refused)
                line.generation = held.generation
        return answer(_token(context, held))

    @router.get("/v1/webhook-secrets/{connection}")
    async def webhook_secrets(connection: str, request: Request) -> Response:
        with _span(request, "GET /v1/webhook-secrets/{connection}"):
            caller = context.caller(request, "webhooks")
            connection = _named(connection, _HOOK_OWNER)
            vendor = await _vendor(context, connection)
            with _Line(context, request, caller.name, connection, vendor, "webhook-secret", None):
                caller.may("webhooks", vendor)
                found = [
                    *await context.webhook_secrets.valid(connection),
                    *await _applications(context, connection, vendor),
                ]
        return answer({"secrets": [hook_document(one) for one in found], "fresh_for_s": FRESH_FOR_S})

    return router


async def _applications(context: ApiContext, connection: str, vendor: str) -> list[HookSecret]:
    """The application's own secrets, where those sign: ours, or that which came with the key. None is stored for the connection."""
    registry = context.registry
    if not registry.signs_hooks(vendor):
        return []
    held = await context.tokens.known(connection)
    by_key = held.kind == "api_key"
    secrets = registry.pasted_hook_secrets(vendor, held.access) if by_key else registry.hook_secrets(vendor, held.site)
    return [HookSecret("application", 1, secret, None) for secret in secrets]


async def _vendor(context: ApiContext, connection: str) -> str:
    """Whose connection it is: by its hooks, or by its credential."""
    vendor = await context.webhook_secrets.vendor(connection)
    if vendor is None:
        vendor = (await context.tokens.known(connection)).vendor
    return vendor


def _named(connection: str, form: re.Pattern[str] = _NAME) -> str:
    if not form.fullmatch(connection):
        raise unknown_grant(connection)
    return connection


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_REPORT:
            raise Refusal(413, codes.REQUEST_INVALID, "The body is too long.")
    return body


def _reported(body: bytes) -> int | None:
    """The generation that a vendor refused, if the caller reports one."""
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(422, codes.REQUEST_INVALID, "The body is a JSON object or empty.")
    generation, reason = found.get("generation"), found.get("reason")
    if reason is None:
        return None
    if reason != "unauthorised" or not isinstance(generation, int) or isinstance(generation, bool):
        raise Refusal(422, codes.REQUEST_INVALID, "A report has the reason `unauthorised` and the generation refused.")
    return generation


def _token(context: ApiContext, held: OpenCredential) -> dict[str, object]:
    return {
        "connection": held.connection,
        "vendor": held.vendor,
        "kind": held.kind,
        "token": held.access.reveal(),
        "generation": held.generation,
        "expires_at": held.expires_at,
        "good_for_s": round(context.tokens.good_for(held), 3),
    }


class _Line:
    """One line of the access log, whatever becomes of the read."""

    def __init__(
        self,
        context: ApiContext,
        request: Request,
        caller: str,
        connection: str,
        vendor: str,
        what: str,
        generation: int | None,
    ) -> None:
        self.generation = generation
        self._context = context
        self._line = (caller, connection, vendor, what)
        self._trace = _trace_id(request)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        outcome = "ok" if error is None else error.code.name if isinstance(error, Refusal) else "failed"
        caller, connection, vendor, what = self._line
        now = self._context.clock.now()
        self._context.access_log.add(Read(now, caller, connection, vendor, what, self.generation, outcome, self._trace))


def _trace_id(request: Request) -> str:
    found = _TRACE_PARENT.fullmatch(request.headers.get("traceparent", ""))
    return found.group(1) if found else ""


@contextmanager
def _span(request: Request, name: str) -> Iterator[None]:
    if not telemetry.tracing_on():
        yield
        return
    with telemetry.tracer().start_as_current_span(
        name, context=propagate.extract(request.headers), kind=trace.SpanKind.SERVER, record_exception=False
    ):
        yield
