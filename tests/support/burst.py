"""Many small requests at once over plain keep-alive connections, at a cost that does not hide what is measured."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """One answer and how long it took."""

    status: int
    document: dict[str, Any]
    took_s: float


async def burst(url: str, path: str, key: str, count: int, *, lanes: int = 20, body: bytes = b"{}") -> list[Reply]:
    """`count` POSTs, at most `lanes` at once."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    shares = [count // lanes + (lane < count % lanes) for lane in range(lanes)]
    done = await asyncio.gather(*(_lane(str(host), port or 80, request, share) for share in shares if share))
    return [reply for lane in done for reply in lane]


async def _lane(host: str, port: int, request: bytes, count: int) -> list[Reply]:
    reader, writer = await asyncio.open_connection(host, port)
    replies = []
    try:
        for _ in range(count):
            began = time.perf_counter()
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            document = json.loads(await reader.readexactly(length))
            replies.append(Reply(int(head.split()[1]), document, time.perf_counter() - began))
    finally:
        writer.close()
    return replies
