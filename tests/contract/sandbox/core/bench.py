"""What the tests of the core hold in their hands: a served ledger, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from sandbox.app import Sandbox
from tests.contract.sandbox.core.ledger import PREFIX, Ledger

AUTH = {"authorization": "Bearer alive"}


@dataclass
class Bench:
    """A running sandbox with the ledger in it."""

    app: Sandbox
    ledger: Ledger
    base_url: str
    client: httpx.AsyncClient

    async def add(self, row: str, **headers: str) -> httpx.Response:
        return await self.client.post(f"{self.base_url}{PREFIX}/rows", content=row, headers=AUTH | headers)

    async def rows(self) -> httpx.Response:
        return await self.client.get(f"{self.base_url}{PREFIX}/rows", headers=AUTH)

    async def admin(self, method: str, name: str, body: object = None, status: int = 200) -> dict[str, object]:
        answer = await self.client.request(method, f"{self.base_url}/_sandbox/{name}", json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def fault(self, kind: str, **fields: object) -> dict[str, object]:
        return await self.admin("POST", "faults", {"vendor": "ledger", "kind": kind, **fields})

    async def calls(self) -> list[dict[str, object]]:
        calls = (await self.admin("GET", "log?since=0"))["calls"]
        assert isinstance(calls, list)
        return calls


@dataclass
class Receiver:
    """Takes webhooks; `status_for(n)` is the answer to the n-th."""

    url: str = ""
    bodies: list[str] = field(default_factory=list)
    status_for: Callable[[int], int] = lambda _: 200

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                self.bodies.append((await reader.readexactly(length)).decode())
                status = self.status_for(len(self.bodies))
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the conditions are the sandbox's own state
            await asyncio.sleep(0.01)
