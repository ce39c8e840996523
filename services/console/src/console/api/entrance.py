"""The first thing a request meets: a request id, a cap on its body and on the time the body may take, and its span."""

from __future__ import annotations

import asyncio
import uuid

from opentelemetry import propagate, trace
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common import telemetry
from common.codes import Code
from console import codes
from console.api.problems import problem
from console.refusals import Refusal

MOST_BYTES = 1024 * 1024
BODY_WITHIN_S = 10.0


class Entrance:
    """Reads the whole body before anything looks at it, or refuses."""

    def __init__(self, app: ASGIApp, *, most_bytes: int = MOST_BYTES, body_within_s: float = BODY_WITHIN_S) -> None:
        self._app = app
        self._most = most_bytes
        self._within_s = body_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["millrace.request_id"] = uuid.uuid4().hex
        try:
            body = await asyncio.wait_for(self._body(Headers(scope=scope), receive), self._within_s)
        except TimeoutError:
            await _refuse(scope, receive, send, 408, codes.API_BODY_LATE)
        except _TooLarge:
            await _refuse(scope, receive, send, 413, codes.API_BODY_TOO_LARGE)
        except _Gone:
            return
        else:
            await self._onward(scope, _Replay(body, receive), send)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        told = headers.get("content-length", "0")
        if told.isdigit() and int(told) > self._most:
            raise _TooLarge
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            if len(body) > self._most:
                raise _TooLarge
            if not message.get("more_body"):
                return bytes(body)

    async def _onward(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not telemetry.tracing_on():
            await self._app(scope, receive, send)
            return
        # The template of the address is not known yet; what follows /api/v1/<noun> is an id and stays out of the name.
        name = f"{scope['method']} {'/'.join(scope['path'].split('/')[:4])}"
        context = propagate.extract(Headers(scope=scope))
        with telemetry.tracer().start_as_current_span(
            name, context=context, kind=trace.SpanKind.SERVER, record_exception=False
        ):
            await self._app(scope, receive, send)


class _TooLarge(Exception):
    pass


class _Gone(Exception):
    pass


class _Replay:
    """Gives the body that was read, then whatever comes after it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, code: Code) -> None:
    answer = problem(Refusal(status, code), str(scope["millrace.request_id"]))
    # What is left of the body is not read; the connection ends with the answer.
    answer.headers["connection"] = "close"
    await answer(scope, receive, send)
