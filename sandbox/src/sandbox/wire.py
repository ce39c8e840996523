"""Between ASGI and the simulators: a request read, an answer sent, a connection cut."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from sandbox.simulator import Answer, Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_BODY = 32 * 1024 * 1024
CHUNKS = 10


class TooLargeError(ValueError):
    """The body is longer than any of the vendors takes."""


async def read_body(receive: Receive) -> bytes:
    """The whole body; raises TooLargeError, ConnectionError when the caller went away."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the caller went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise TooLargeError
        if not message.get("more_body"):
            return b"".join(parts)


def raw_path(scope: Scope) -> str:
    """The path as it was sent, undecoded."""
    return bytes(scope.get("raw_path") or b"/").decode("latin-1").partition("?")[0]


def headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def base_url(scope: Scope, headers: dict[str, str]) -> str:
    """Scheme and Host as the caller knows them: a proxy in between keeps being in between."""
    scheme = headers.get("x-forwarded-proto", scope["scheme"])
    return f"{scheme}://{headers.get('host', 'localhost')}"


def request_of(
    scope: Scope, body: bytes, headers: dict[str, str], prefix: str, now: datetime, mono_ns: int, operator: bool
) -> Request:
    raw = raw_path(scope)
    below = raw[len(prefix) :]
    query = bytes(scope["query_string"])
    return Request(
        method=scope["method"],
        prefix=prefix,
        path=unquote(below),
        segments=tuple(unquote(segment) for segment in below.split("/") if segment),
        raw_path=raw,
        query=parse_qsl(query.decode("latin-1"), keep_blank_values=True),
        raw_query=query,
        headers=headers,
        body=body,
        base_url=base_url(scope, headers),
        operator=operator,
        now=now,
        mono_ns=mono_ns,
        id=str(uuid.uuid4()),
    )


def said(request: Request) -> bytes:
    """What a call says: its body, a form also as it was before it was encoded; of a POST without one, its query."""
    if not request.body:
        return decoded(request.raw_query) if request.method == "POST" else b""
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return request.body + b"\n" + decoded(request.body) if is_form else request.body


def decoded(form: bytes) -> bytes:
    return unquote_to_bytes(form.replace(b"+", b" "))


def head_of(answer: Answer) -> MutableMapping[str, Any]:
    headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in answer.headers.items()]
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def send_answer(send: Send, answer: Answer, method: str = "GET") -> None:
    await send(head_of(answer))
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


async def send_slowly(send: Send, answer: Answer, seconds: float) -> None:
    """The body in ten pieces over `seconds`."""
    await send(head_of(answer))
    step = max(1, -(-len(answer.body) // CHUNKS))
    for start in range(0, len(answer.body), step):
        await asyncio.sleep(seconds / CHUNKS)
        await send({"type": "http.response.body", "body": answer.body[start : start + step], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_half(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    """Half the body, then the connection is cut although the whole was announced."""
    await send(head_of(answer))
    await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    await asyncio.sleep(0.05)  # the half is on the wire before the reset overtakes it
    await cut(scope, receive)


async def cut(scope: Scope, receive: Receive) -> None:
    """Reset the connection: the caller sees neither an answer nor an orderly end."""
    scope["sandbox.abort"]()
    while (await receive())["type"] != "http.disconnect":
        continue
