"""Serves an ASGI application inside a running service: its own socket, no signal handlers, a bounded stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from email.utils import formatdate

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from common.clock import SystemClock
from common.health import PATHS, Health

_BACKLOG = 2048
# Who asks keeps idle connections for 5 s (many clients' pools) to 60 s (load balancers), and must be the one who closes them: a request that
# leaves just as we close is lost, and some vendors send a webhook once and never again.
_KEPT_S = 75
_STARTING = b'{"title": "This service is starting; try again in a second.", "status": 503}'


class Front:
    """The one application on a port: health paths to health, everything else to what the service mounts."""

    def __init__(self, health: Health, *, with_health: bool = True) -> None:
        self._health = health
        self._health_paths = PATHS if with_health else frozenset()
        self._app: ASGIApp | None = None

    @property
    def mounted(self) -> bool:
        """Whether the service has routes of its own."""
        return self._app is not None

    def mount(self, app: ASGIApp) -> None:
        """Takes the service's own application."""
        if self._app is not None:
            raise ValueError("the service has mounted an application already")
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._health_paths:
            await self._health(scope, receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif self._health.has_started:
            await self._health(scope, receive, send)
        else:
            await _starting(send)


class HttpServer:
    """One listening socket and its uvicorn."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._address = (host, port)
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # Nobody here asks who sent it: a proxy's word for that is neither read nor believed.
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEPT_S,
            )
        )
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it listens, with the port it really got."""
        host, port = self._socket.getsockname()[:2] if self._socket else self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Listens; a taken port is an OSError that names it."""
        host, port = self._address
        self._socket = _listen(host, port)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name=f"http:{port}")
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({listening, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()

    async def stop(self, within_s: float) -> None:
        """Takes no new connection, answers what is open within the time given, and closes."""
        if self._serving is None:
            return
        self._server.config.timeout_graceful_shutdown = max(1, round(within_s))
        self._server.leave()
        await asyncio.wait({self._serving}, timeout=within_s)
        if not self._serving.done():
            self._server.force_exit = True
            await asyncio.wait({self._serving}, timeout=0.5)


class _Dated(ServerState):
    """The headers of every answer; the date is made when a request asks for it."""

    _second = 0
    _dated: list[tuple[bytes, bytes]]

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        second = int(SystemClock().now().timestamp())
        if second != self._second:
            self._second, self._dated = second, [(b"date", formatdate(second, usegmt=True).encode())]
        return self._dated

    @default_headers.setter
    def default_headers(self, none_so_far: list[tuple[bytes, bytes]]) -> None:
        self._dated = none_so_far


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = _Dated()
        self.listening = asyncio.Event()
        self._leaving = asyncio.Event()

    async def main_loop(self) -> None:
        # uvicorn's own wakes ten times a second, to see whether it shall end and what time it is.
        await self._leaving.wait()

    def leave(self) -> None:
        """Ends the main loop: no new connections, what is open is answered."""
        self.should_exit = True
        self._leaving.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals belong to the service, which drains in an order that uvicorn cannot know.
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listening


async def _starting(send: Send) -> None:
    headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _STARTING})
