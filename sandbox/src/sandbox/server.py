"""uvicorn with two additions: the time of a request's first byte, and a way to reset its connection."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.app import Sandbox
from sandbox.registry import build
from sandbox.settings import Settings

AT_ONCE_FORGET = struct.pack("ii", 1, 0)  # SO_LINGER of zero: closing sends RST instead of FIN


class SandboxProtocol(HttpToolsProtocol):
    """Leaves in each request's scope what the faults need."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["sandbox.mono_ns"] = time.monotonic_ns()  # type: ignore[typeddict-unknown-key]
        self.scope["sandbox.abort"] = self._abort  # type: ignore[typeddict-unknown-key]

    def _abort(self) -> None:
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE_FORGET)
        self.transport.abort()


class SandboxServer(uvicorn.Server):
    """Says where it listens once it does, for whoever asked for a free port."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[str, int], None]) -> None:
        super().__init__(config)
        self._listening = listening
        self._leaving = asyncio.Event()

    async def main_loop(self) -> None:
        """Once a second, and at once on a signal; uvicorn's own loop wakes ten times a second."""
        while not self.should_exit:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 1.0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        asyncio.get_running_loop().call_soon_threadsafe(self._leaving.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._listening(host, port)


def announce(host: str, port: int) -> None:
    sys.stdout.write(f"sandbox listening on http://{host}:{port}\n")
    sys.stdout.flush()


def server_for(app: Sandbox, host: str, port: int, listening: Callable[[str, int], None]) -> SandboxServer:
    """A server for one application, not yet running."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=SandboxProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,  # answers carry the sandbox's own time
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
    )
    return SandboxServer(config, listening)


async def serve(settings: Settings) -> None:
    """Run until told to stop."""
    core, vendors = build(settings.home)
    app = Sandbox(core, vendors, settings.snapshot_s)
    await server_for(app, settings.host, settings.port, announce).serve()


def main(settings: Settings) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))
