"""Counts what is asked of a database: how many statements, whoever asks them, over a pool that is lent with a listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from common.state.pool import Pool

_OF_THE_DRIVER = ("typeinfo_tree", "'jit'")


class CountedPool:
    """A pool that hears every statement of those who borrow from it; begin and commit are statements too, COPY is none."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.statements: list[str] = []
        self.times = 0
        """How often a connection was taken."""
        self.out = 0
        """How many are out now, or are waited for."""

    @asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[Any]:
        self.times += 1
        self.out += 1
        try:
            async with self._pool.acquire(timeout=timeout) as link:
                with link.query_logger(self._hear):
                    yield link
        finally:
            self.out -= 1

    def _hear(self, said: Any) -> None:
        """What the driver asks once per connection, to learn of a type, depends on which connection is lent."""
        if not any(word in said.query for word in _OF_THE_DRIVER):
            self.statements.append(said.query)
