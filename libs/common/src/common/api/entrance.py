"""The first thing a request meets: a request id, a cap on its body and on the time the body may take."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.api.codes import API_BODY_LATE, API_BODY_TOO_LARGE
from common.api.problems import REQUEST_ID, problem
from common.api.refusal import Refusal
from common.codes import Code

MOST_BYTES = 1024 * 1024
BODY_WITHIN_S = 10.0


class Entrance:
    """Reads the whole body before anything looks at it, or refuses."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_bytes: int = MOST_BYTES,
        body_within_s: float = BODY_WITHIN_S,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        """`larger`: the paths that take a file, and how large it may be."""
        self._app = app
        self._most = most_bytes
        self._larger = larger or {}
        self._within_s = body_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = uuid.uuid4().hex
        try:
            async with asyncio.timeout(self._within_s):
                most = self._larger.get(scope["path"], self._most)
                body = await self._body(Headers(scope=scope), receive, most)
        except TimeoutError:
            await _refuse(scope, receive, send, 408, API_BODY_LATE)
        except _TooLarge:
            await _refuse(scope, receive, send, 413, API_BODY_TOO_LARGE)
        except _Gone:
            return
        else:
            await self._app(scope, _Replay(body, receive), send)

    async def _body(self, headers: Headers, receive: Receive, most: int) -> bytes:
        announced = headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > most:
            raise _TooLarge
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            if len(body) > most:
                raise _TooLarge
            if not message.get("more_body"):
                return bytes(body)


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
    answer = problem(Refusal(status, code), str(scope[REQUEST_ID]))
    # What is left of the body is not read; the connection ends with the answer.
    answer.headers["connection"] = "close"
    await answer(scope, receive, send)
