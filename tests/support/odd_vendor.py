"""A vendor that answers each request as a test wants, also in ways no server should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b'{"code":0,"message":"success"}'


@dataclass(slots=True)
class Seen:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class OddVendor:
    """`then` says what happens to the next requests; the last one stays."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    _script: list[Behaviour] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def then(self, *behaviours: Behaviour) -> None:
        self._script = list(behaviours)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                seen = await _request(reader)
                self.seen.append(seen)
                behave = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                await behave(seen, writer)
                await writer.drain()
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()


def answer(status: int = 200, body: bytes = OK, **headers: str) -> Behaviour:
    """A whole answer; header names are written with underscores."""

    async def behave(_: Seen, writer: asyncio.StreamWriter) -> None:
        told = {"content-length": str(len(body)), "date": "Mon, 04 May 2026 10:00:00 GMT"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        writer.write(f"HTTP/1.1 {status} Odd\r\n{head}\r\n".encode() + body)

    return behave


def raw(content: bytes, *, then_close: bool = True, after_s: float = 0.0) -> Behaviour:
    """These bytes and nothing else."""

    async def behave(_: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after_s)
        writer.write(content)
        await writer.drain()
        if then_close:
            writer.close()

    return behave


def reset() -> Behaviour:
    """The connection breaks after the whole request was read."""

    async def behave(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    return behave


def silence(seconds: float) -> Behaviour:
    """Nothing for a while, then a perfect answer."""

    async def behave(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await answer()(seen, writer)

    return behave


def drip(pieces: int, every_s: float) -> Behaviour:
    """An answer whose body comes byte by byte: no single wait is long."""

    async def behave(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {pieces}\r\n\r\n".encode())
        for _piece in range(pieces):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(every_s)

    return behave


@asynccontextmanager
async def odd_vendor() -> AsyncIterator[OddVendor]:
    """Runs on a free port."""
    vendor = OddVendor()
    vendor.then(answer())
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    vendor.port = server.sockets[0].getsockname()[1]
    try:
        yield vendor
    finally:
        server.close()


async def _request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body)
