"""One request and its answer on the wire: every wait has an end, every answer a largest size, and it is known what was sent.

Trouble comes back as a value, not as the HTTP library's exception: those carry the request, and the request the credential.
"""

from __future__ import annotations

import asyncio
import logging
import math
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Literal

import httpcore
import httpx

from common.clock import monotonic
from common.http.profile import Timeouts
from common.http.trust import authorities

Cause = Literal["unreachable", "malformed", "late", "held", "timeout", "lost", "too_large", "unreadable"]

_CHUNK = 65536
_IDLE_S = 15.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A whole answer, unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    duration_s: float


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """There is no whole answer. `sent`: whether a byte of the request may have left; `status`: as far as it was read."""

    cause: Cause
    sent: bool
    duration_s: float
    status: int | None = None
    held: BaseException | None = None
    """What the caller's own check raised just before the socket was written to."""


class _Late(Exception):
    """Stops the request before its first byte."""


@dataclass(slots=True)
class _Course:
    """How far a request has come."""

    began: float = field(default_factory=monotonic)
    sent: bool = False
    status: int | None = None
    held: BaseException | None = None
    late: bool = False

    def trouble(self, cause: Cause) -> NoAnswer:
        if not self.sent:
            cause = "late" if self.late else "held" if self.held else cause
        return NoAnswer(cause, self.sent, monotonic() - self.began, self.status, self.held)


def open_client(timeouts: Timeouts) -> httpx.AsyncClient:
    """A client that keeps its connections and nothing else: no redirect, no retry, no cookie, no proxy from the environment."""
    for chatty in ("httpx", "httpcore"):
        # They log addresses with ids in them, and at their lowest level the headers of answers.
        logging.getLogger(chatty).setLevel(logging.WARNING)
    client = httpx.AsyncClient(
        timeout=httpx.Timeout(connect=timeouts.connect, read=timeouts.read, write=timeouts.write, pool=timeouts.pool),
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=_IDLE_S),
        follow_redirects=False,
        trust_env=False,
        verify=authorities(),
        headers={"accept": "application/json", "accept-encoding": "gzip", "user-agent": "Millrace"},
    )
    # A cookie would tie calls together that have nothing to do with each other, and outlive the credential.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


async def exchange(
    client: httpx.AsyncClient,
    request: httpx.Request,
    *,
    deadline: float,
    max_body: int,
    before_send: Callable[[], None] | None = None,
    out_within_s: float = math.inf,
) -> RawAnswer | NoAnswer:
    """Sends once. `before_send` and the deadline are checked after the connection stands, just before the first byte (R3).

    A request that is not out as a whole within `out_within_s` is broken off: from then on it can only be processed, not arrive (R2).
    """
    course, ends = _Course(), _in_loop_time(deadline)
    cause: Cause
    try:
        async with asyncio.timeout_at(min(ends, _in_loop_time(course.began + out_within_s))) as patience:
            request.extensions["trace"] = _watcher(course, deadline, before_send, lambda: patience.reschedule(ends))
            return await _ask(client, request, course, max_body)
    except TimeoutError:
        course.late = not course.sent
        cause = "timeout"
    except httpx.TimeoutException:
        cause = "timeout" if course.sent else "unreachable"
    except (httpx.LocalProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol):
        # Raised while the request is written down, before it is written out: nothing of it left.
        course.sent, cause = False, "malformed"
    except (httpx.TransportError, httpx.StreamError, _Late):
        cause = "lost" if course.sent else "unreachable"
    except _TooLarge:
        cause = "too_large"
    except (zlib.error, _Unreadable):
        cause = "unreadable"
    except Exception:
        if course.held is None:
            raise
        cause = "held"
    return course.trouble(cause)


def _in_loop_time(at: float) -> float:
    return asyncio.get_running_loop().time() + max(0.0, at - monotonic())


def _watcher(
    course: _Course, deadline: float, before_send: Callable[[], None] | None, is_out: Callable[[], None]
) -> Callable[[str, Mapping[str, object]], Awaitable[None]]:
    async def watch(event: str, told: Mapping[str, object]) -> None:
        if event.endswith(".send_request_headers.failed") and isinstance(told.get("exception"), httpcore.WriteError):
            # The connection was broken before: what could not be written at all was not sent.
            course.sent = False
        if event.endswith(".send_request_body.complete"):
            is_out()
        if not event.endswith(".send_request_headers.started"):
            return
        course.late = monotonic() >= deadline
        if not course.late and before_send is not None:
            try:
                before_send()
            except Exception as refusal:
                # Kept as it is: on its way up the HTTP library translates some exceptions into its own.
                course.held = refusal
                raise
        if course.late:
            raise _Late
        course.sent = True

    return watch


async def _ask(client: httpx.AsyncClient, request: httpx.Request, course: _Course, max_body: int) -> RawAnswer:
    response = await client.send(request, stream=True)
    try:
        course.status = response.status_code
        body = await _read(response, max_body)
    finally:
        await response.aclose()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return RawAnswer(response.status_code, headers, body, monotonic() - course.began)


async def _read(response: httpx.Response, max_body: int) -> bytes:
    if int(response.headers.get("content-length") or 0) > max_body:
        raise _TooLarge
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in ("", "identity"):
        return await _collect(response.aiter_raw(_CHUNK), max_body)
    if packing in ("gzip", "x-gzip"):
        return await _collect(_unpacked(response.aiter_raw(_CHUNK), max_body), max_body)
    raise _Unreadable


async def _collect(pieces: AsyncIterator[bytes], max_body: int) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > max_body:
            raise _TooLarge
    return bytes(body)


async def _unpacked(pieces: AsyncIterator[bytes], max_body: int) -> AsyncIterator[bytes]:
    """Unpacks no more than `max_body` at a time: a few packed bytes can stand for gigabytes."""
    unpacker = zlib.decompressobj(wbits=31)
    async for piece in pieces:
        yield unpacker.decompress(piece, max_body + 1)
        if unpacker.unconsumed_tail:
            raise _TooLarge
    if not unpacker.eof:
        raise _Unreadable


class _TooLarge(Exception):
    """More bytes than any answer should have."""


class _Unreadable(Exception):
    """The packing is broken, cut off or unknown."""
