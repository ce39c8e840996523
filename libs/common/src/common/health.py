"""Says whether a service lives, has started and is ready: /livez /startupz /readyz /metrics /version as raw ASGI.

Liveness asks no dependency (a restart heals none of them); readiness asks all of them, bounded in time and cached
briefly, so that a prober can neither hang on a dead database nor load it. Parts are told beside them and decide nothing: a load
balancer must go on sending webhooks to a gateway whose normaliser rests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from starlette.types import Receive, Scope, Send

from common.clock import monotonic
from common.redaction import redact_text
from common.version import BuildVersion

Check = Callable[[], Awaitable[str | None]]

PATHS = frozenset({"/livez", "/readyz", "/startupz", "/metrics", "/version"})


class NotReady(Exception):
    """A check's plain way to say why this service should get no work."""


class Exposition(Protocol):
    """Where `/metrics` comes from."""

    def exposition(self, accept: str = "") -> tuple[bytes, str]: ...


@dataclass(slots=True)
class _Watched:
    """A check and its last answer."""

    check: Check
    answer: dict[str, object] = field(default_factory=dict)
    fresh_until: float = 0.0
    running: asyncio.Task[dict[str, object]] | None = None


class Health:
    """Collects a service's checks and answers for them."""

    def __init__(
        self, version: BuildVersion, metrics: Exposition, *, check_timeout_s: float = 2.0, fresh_s: float = 1.0
    ) -> None:
        self._version = version
        self._metrics = metrics
        self._timeout_s = check_timeout_s
        self._fresh_s = fresh_s
        self._checks: dict[str, _Watched] = {}
        self._parts: dict[str, _Watched] = {}
        self._started = False
        self._stopping = False

    def add(self, name: str, check: Check) -> None:
        """Adds a readiness check: it may return a detail, and raises when this service should get no work."""
        if name in self._checks:
            raise ValueError(f"a check named {name} exists already")
        self._checks[name] = _Watched(check)

    def part(self, name: str, look: Check) -> None:
        """Adds a part that is told in `/readyz` and does not make the service unready."""
        if name in self._parts:
            raise ValueError(f"a part named {name} exists already")
        self._parts[name] = _Watched(look)

    def started(self) -> None:
        """Everything is built: the start-up probe may pass."""
        self._started = True

    @property
    def has_started(self) -> bool:
        """Whether the start-up probe passes."""
        return self._started

    def stopping(self) -> None:
        """No new work from now on."""
        self._stopping = True

    async def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether this service should get work, with the answer of each check and of each part."""
        asked = [*self._checks.values(), *self._parts.values()]
        answers = await asyncio.gather(*(self._ask(watched) for watched in asked))
        checks = dict(zip(self._checks, answers, strict=False))
        parts = dict(zip(self._parts, answers[len(checks) :], strict=True))
        ready = self._started and not self._stopping and all(answer["ok"] for answer in checks.values())
        state = "stopping" if self._stopping else "starting" if not self._started else "ready" if ready else "not ready"
        degraded = [name for name, answer in parts.items() if not answer["ok"]]
        optional = {"parts": parts, "degraded": degraded} if parts else {}
        return ready, {"ready": ready, "state": state, "checks": checks, **optional}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        accept = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
        status, body, kind = await self._respond(scope["path"], accept)
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _respond(self, path: str, accept: str) -> tuple[int, bytes, bytes]:
        match path:
            case "/livez":
                return _json(200, {"alive": True})
            case "/startupz":
                return _json(200 if self._started else 503, {"started": self._started})
            case "/readyz":
                ready, detail = await self.ready()
                return _json(200 if ready else 503, detail)
            case "/version":
                return _json(200, self._version.document())
            case "/metrics":
                body, content_type = self._metrics.exposition(accept)
                return 200, body, content_type.encode()
            case _:
                return _json(404, {"title": "There is nothing here.", "status": 404})

    async def _ask(self, watched: _Watched) -> dict[str, object]:
        if monotonic() < watched.fresh_until:
            return watched.answer
        if watched.running is None:
            watched.running = asyncio.create_task(self._answer(watched))
            watched.running.add_done_callback(lambda _: setattr(watched, "running", None))
        # Shielded: a prober that hangs up must not cancel the check that others wait for.
        return await asyncio.shield(watched.running)

    async def _answer(self, watched: _Watched) -> dict[str, object]:
        began = monotonic()
        check = asyncio.ensure_future(watched.check())
        await asyncio.wait({check}, timeout=self._timeout_s)
        answer = self._verdict(check) | {"ms": round((monotonic() - began) * 1000, 1)}
        watched.answer, watched.fresh_until = answer, monotonic() + self._fresh_s
        return answer

    def _verdict(self, check: asyncio.Future[str | None]) -> dict[str, object]:
        if not check.done():
            check.cancel()
            return {"ok": False, "error": f"no answer within {self._timeout_s:g} s"}
        if check.cancelled():
            return {"ok": False, "error": "the check was cancelled"}
        error = check.exception()
        if error is not None:
            reason = str(error) if isinstance(error, NotReady) else f"{type(error).__name__}: {error}"
            return {"ok": False, "error": redact_text(reason)[:500]}
        detail = check.result()
        return {"ok": True} if detail is None else {"ok": True, "detail": detail}


def _json(status: int, document: object) -> tuple[int, bytes, bytes]:
    return status, orjson.dumps(document), b"application/json"
