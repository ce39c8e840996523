"""What stands before several replicas in production: sends each connection to one that is in service."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.e2e.background import Background


class Balancer:
    """Listens on a port of its own; `ports` tells who can take a connection now."""

    def __init__(self, background: Background, ports: Callable[[], Sequence[int]]) -> None:
        self._background = background
        self._ports = ports
        self._turn = itertools.count()
        self._server = background.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._background.run(self._close())

    async def _close(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await self._opened()
        if there is None:
            writer.transport.abort()
            return
        with suppress(OSError):
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        for end in (writer, there[1]):
            end.close()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        ports = list(self._ports())
        first = next(self._turn)
        for at in range(len(ports)):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", ports[(first + at) % len(ports)])
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()
