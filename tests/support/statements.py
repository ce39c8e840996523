"""Counts what is asked of a database: how many statements, whoever asks them, over a pool that is lent with a listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from common.state.pool import Pool


class CountedPool:
    """A pool that hears every statement of those who borrow from it; begin and commit are statements too, COPY is none."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.statements: list[str] = []
        self.times = 0
        """How often a connection was taken."""

    @asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[Any]:
        self.times += 1
        async with self._pool.acquire(timeout=timeout) as link:
            with link.query_logger(lambda said: self.statements.append(said.query)):
                yield link
