"""A server with nothing to do does nothing, and still tells the right date."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from common.http_server import HttpServer

# As load balancers keep what nobody uses; the pools of clients keep it for less.
LONGEST_IDLE_S = 60


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


@asynccontextmanager
async def serving() -> AsyncIterator[HttpServer]:
    server = HttpServer(app, "127.0.0.1", 0)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(2.0)


class TestServer:
    async def test_sets_no_timer_while_nobody_asks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop, timers = asyncio.get_running_loop(), []
        call_at = loop.call_at
        async with serving():
            # What the start has left is over.
            await asyncio.sleep(0.15)
            monkeypatch.setattr(
                loop, "call_at", lambda *given, **named: timers.append(given) or call_at(*given, **named)
            )
            await asyncio.sleep(0.35)
            monkeypatch.undo()
        assert len(timers) == 1, "the sleep of the test itself"

    async def test_closes_no_connection_before_whoever_asks_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # A webhook that leaves just as its connection is closed is lost, and Zoho Books sends it once.
        loop, kept_s = asyncio.get_running_loop(), list[float]()
        call_later = loop.call_later

        def noted(delay: float, callback: Callable[..., object], *given: Any, **named: Any) -> asyncio.TimerHandle:
            if getattr(callback, "__name__", "") == "timeout_keep_alive_handler":
                kept_s.append(delay)
            return call_later(delay, callback, *given, **named)

        async with serving() as server, httpx.AsyncClient() as client:
            monkeypatch.setattr(loop, "call_later", noted)
            await client.get(server.url)
            monkeypatch.undo()
        assert kept_s
        assert min(kept_s) > LONGEST_IDLE_S

    async def test_answers_with_the_date_of_each_answer(self) -> None:
        async with serving() as server, httpx.AsyncClient() as client:
            for _ in range(2):
                before = int(time.time())
                at = parsedate_to_datetime((await client.get(server.url)).headers["date"]).timestamp()
                assert before <= at <= time.time()
                await asyncio.sleep(1.01)

    async def test_ends_at_once_when_it_is_told_to(self) -> None:
        async with serving() as server:
            url = server.url
            await server.stop(2.0)
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.ConnectError):
                    await client.get(url)
