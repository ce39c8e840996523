"""The gateway's dealings with ASGI: a body within bounds, a problem document, a span, a trace for every receipt."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import orjson
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from starlette.types import Receive, Scope, Send

import ingest.codes  # noqa: F401 - puts them into the registry
from common import telemetry
from common.bus.trace import record_error
from common.codes import CODES
from vendors.vendor import HookRequest

Headers = list[tuple[str, bytes]]
_ROUTE = "/hooks/{system}/{connection}"


class BodyTooLarge(Exception):
    """More bytes than we keep; `first` are the first ones, `size` what was announced, or has come."""

    def __init__(self, first: bytes, size: int) -> None:
        super().__init__(size)
        self.first = first
        self.size = size


class BodyTooSlow(Exception):
    """Not there in time."""


@dataclass(frozen=True, slots=True)
class HookReply:
    """An answer."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = field(default=((b"content-type", b"text/plain; charset=utf-8"),))


def problem(status: int, code: str, retry_after_s: int | None = None, *, closing: bool = False) -> HookReply:
    """A refusal as problem details, from the registry of codes."""
    document = {"title": CODES[code].meaning, "status": status, "code": code}
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/problem+json"),)
    if closing or status in (408, 413):
        # The rest of the body is not read: without this the server would go on taking it for nothing.
        headers += ((b"connection", b"close"),)
    if retry_after_s is not None:
        headers += ((b"retry-after", str(retry_after_s).encode()),)
    return HookReply(status, orjson.dumps(document), headers)


async def body(scope: Scope, receive: Receive, most: int, first: int, within_s: float) -> bytes:
    """The body; of one that is too large the first bytes are read, and when its length is announced no more than these."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    size = int(announced) if announced.isdigit() and len(announced) < 19 else 0
    try:
        async with asyncio.timeout(within_s):
            return await _read(receive, most, first, size)
    except TimeoutError as late:
        raise BodyTooSlow from late


async def _read(receive: Receive, most: int, first: int, announced: int) -> bytes:
    parts, size = [], 0
    enough = min(first, most) if announced > most else most
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyTooSlow
        part = message.get("body", b"")
        size += len(part)
        parts.append(part)
        if size > enough or (size == enough < announced):
            raise BodyTooLarge(b"".join(parts)[:first], max(size, announced))
        if not message.get("more_body"):
            return b"".join(parts)


def hook_request(scope: Scope, raw: bytes, public_url: str) -> HookRequest:
    """The request as the vendors' inboxes want it; the address is the public one, because some vendors sign it."""
    query = scope["query_string"].decode("latin-1")
    path = scope["path"]
    url = f"{public_url}{path}" + (f"?{query}" if query else "")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return HookRequest(scope["method"], path, query, headers, raw, url)


async def answer(send: Send, reply: HookReply) -> None:
    """Sends the answer."""
    headers = [*reply.headers, (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


class ServerSpan:
    """The first span of a record's way, around one request; the vendor's own trace context is not believed."""

    __slots__ = ("_hook", "_method", "_span", "_token")

    def __init__(self, method: str, vendor: str, connection: str) -> None:
        self._method = method
        self._hook = (vendor, connection)
        self._span: Span | None = None

    def __enter__(self) -> Self:
        if telemetry.tracing_on():
            vendor, connection = self._hook
            attributes = {
                "http.request.method": self._method,
                "http.route": _ROUTE,
                "millrace.system": vendor,
                "millrace.connection.id": connection,
            }
            self._span = telemetry.tracer().start_span(f"POST {_ROUTE}", kind=SpanKind.SERVER, attributes=attributes)
            self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self

    def answered(self, status: int, outcome: str) -> None:
        if self._span is not None:
            self._span.set_attribute("http.response.status_code", status)
            self._span.set_attribute("millrace.outcome", outcome)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._span is None:
            return
        if error is not None:
            record_error(self._span, error)
        otel_context.detach(self._token)
        self._span.end()


def with_trace(headers: Headers) -> Headers:
    """Every receipt has a trace id, watched or not: journal rows name it, and one may look for it later."""
    if trace.get_current_span().get_span_context().is_valid:
        return headers
    # No secrets: nobody has to be kept from guessing them, and asking the system for each costs a call of its own.
    trace_id, span_id = random.getrandbits(128) or 1, random.getrandbits(64) or 1
    return [*headers, ("traceparent", b"00-%032x-%016x-00" % (trace_id, span_id))]
