"""Small questions to servers that tell whether it is really our process that answers.

They are written out by hand so that the supervisor, which asks all the time, stays small and quick to start.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Awaitable, Callable

from millrace.stack.ports import HOST

ANSWER_SECONDS = 2.0
_Read = Callable[[asyncio.StreamReader], Awaitable[bytes]]
METADATA, METADATA_VERSION = 3, 4


async def valkey_facts(port: int) -> dict[str, str] | None:
    """`INFO server` as a dictionary, or None if nothing answers."""
    answer = await _ask(port, b"*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n", _bulk_string)
    if answer is None:
        return None
    pairs = (line.partition(":") for line in answer.decode(errors="replace").splitlines())
    return {name: value.strip() for name, _, value in pairs if value}


async def kafka_cluster(port: int) -> str | None:
    """The cluster id that a broker names once it serves requests, or None.

    One Metadata request (version 4, no topics): the first version that can ask for nothing but brokers and cluster.
    """
    client = b"millrace-supervisor"
    header = struct.pack(">hhih", METADATA, METADATA_VERSION, 1, len(client)) + client
    body = struct.pack(">i?", 0, False)
    request = header + body
    answer = await _ask(port, struct.pack(">i", len(request)) + request, _sized)
    try:
        return None if answer is None else _cluster_id(answer)
    except (struct.error, UnicodeDecodeError):
        return None


def _cluster_id(answer: bytes) -> str | None:
    """Correlation id, throttle time, brokers (id, host, port, rack), then the cluster id."""
    (brokers,) = struct.unpack_from(">i", answer, 8)
    if brokers == 0:
        return None  # the broker listens, but has not joined its own cluster yet
    position = 12
    for _ in range(brokers):
        _, position = _string(answer, position + 4)
        _, position = _string(answer, position + 4)
    cluster, _ = _string(answer, position)
    return cluster


def _string(answer: bytes, position: int) -> tuple[str | None, int]:
    (length,) = struct.unpack_from(">h", answer, position)
    start = position + 2
    return (None, start) if length < 0 else (answer[start : start + length].decode(), start + length)


async def http_get(port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body of a GET on the loopback address, or None if nothing answers in time."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode()
    answer = await _ask(port, request, lambda reader: reader.read(-1))
    head, _, body = (answer or b"").partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.\d (\d{3})", head)
    return None if status is None else (int(status[1]), body)


async def _bulk_string(reader: asyncio.StreamReader) -> bytes:
    kind = await reader.readline()
    return await reader.readexactly(int(kind[1:])) if kind.startswith(b"$") else b""


async def _sized(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def _ask(port: int, question: bytes, read: _Read) -> bytes | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(question)
                await writer.drain()
                return await read(reader)
            finally:
                writer.close()
    except (OSError, TimeoutError, EOFError, ValueError, struct.error):
        return None
