"""An event loop of its own for tests that have none: questions to the database and to the broker, one after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
import orjson

T = TypeVar("T")
WITHIN_S = 120.0


class Background:
    """A thread that runs what it is given, each to its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class Sql:
    """Questions to the database."""

    def __init__(self, background: Background, url: str) -> None:
        self._background = background
        self._url = url
        self._lock = threading.Lock()
        self._link: Any = background.run(self._connect(url))

    def rows(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return list(self._background.run(self._link.fetch(query, *values)))

    def value(self, query: str, *values: object) -> Any:
        with self._lock:
            return self._background.run(self._link.fetchval(query, *values))

    def execute(self, query: str, *values: object) -> None:
        with self._lock:
            self._background.run(self._link.execute(query, *values))

    def again(self) -> None:
        """A new link: the server was killed, and the old one with it."""
        with self._lock:
            self._link.terminate()
            self._link = self._background.run(self._connect(self._url))

    def close(self) -> None:
        self._background.run(self._link.close())

    async def _connect(self, url: str) -> Any:
        link = await asyncpg.connect(url)
        await link.set_type_codec(
            "jsonb", encoder=lambda v: orjson.dumps(v).decode(), decoder=orjson.loads, schema="pg_catalog"
        )
        return link
