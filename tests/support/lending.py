"""A database is lent from test to test: what the one left is taken away, and only what cannot be is copied anew.

To copy, to fill a new database's caches and to drop it costs half a second of CPU; to empty the few tables a test has written to, a tenth of that.
Emptied are the tables with pages or statistics. Rows of the migrations and sequences are put back. If anything but rows is another than before,
the database is dropped. Each loan has a name of its own, so that whatever outlives its test finds no database any more.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg

from tests.support.leftovers import Leftovers, State

T = TypeVar("T")

LEAVES_WITHIN_S = 10.0
# So many wait for the next test; what a test had beside them is dropped.
KEPT = 3
ENDED = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
GUESTS = "select pid from pg_stat_activity where datname = $1"
TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


@dataclass
class Copy:
    """One copy of the template; its name changes from loan to loan."""

    name: str
    fresh: State


@dataclass
class Lender:
    """Lends databases of one server. `create` copies the template, `drop` removes a database, `url` is the superuser's."""

    create: Callable[[str], Coroutine[Any, Any, Any]]
    drop: Callable[[str], Coroutine[Any, Any, None]]
    url: Callable[[str], str]
    copied: int = 0
    _idle: list[Copy] = field(default_factory=list)
    _lent: dict[str, Copy] = field(default_factory=dict)
    _link: Any = None

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "lender")
        self._runner = asyncio.Runner()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The name of a database in which nothing was done yet."""
        name = self._lend()
        try:
            yield name
        finally:
            self._take_back(name)

    def close(self) -> None:
        for copy in [*self._idle, *self._lent.values()]:
            self._run(self._dropped(copy.name))
        self._run(self._hang_up())
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def _lend(self) -> str:
        copy = self._idle.pop() if self._idle else self._run(self._copied())
        self._lent[copy.name] = copy
        return copy.name

    def _take_back(self, name: str) -> None:
        copy = self._lent.pop(name)
        if len(self._idle) < KEPT and self._run(self._mended(copy)):
            self._idle.append(copy)
        else:
            self._run(self._dropped(name, copy.name))

    async def _copied(self) -> Copy:
        name = _own_name()
        await self.create(name)
        self.copied += 1
        link = await asyncpg.connect(self.url(name))
        try:
            return Copy(name, await Leftovers(link).state())
        finally:
            await link.close()

    async def _mended(self, copy: Copy) -> bool:
        """Whether it is again as it was when copied. A test may have broken anything, the server among it: then it is not."""
        try:
            await self._renamed(copy)
            link = await asyncpg.connect(self.url(copy.name))
            try:
                return await Leftovers(link).taken_away(copy.fresh)
            finally:
                await link.close()
        except TROUBLE:
            await self._hang_up()
            return False

    async def _renamed(self, copy: Copy) -> None:
        """No session of its last loan is left, and none can come."""
        fresh, deadline = _own_name(), time.monotonic() + LEAVES_WITHIN_S
        if self._link is None:
            self._link = await asyncpg.connect(self.url("postgres"), server_settings={"application_name": "lender"})
        while True:
            await self._link.fetch(ENDED, copy.name)
            while await self._link.fetchval(GUESTS, copy.name) and time.monotonic() < deadline:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.005)
            try:
                await self._link.execute(f"alter database {copy.name} rename to {fresh}")
            except asyncpg.ObjectInUseError:
                if time.monotonic() >= deadline:
                    raise
                continue
            copy.name = fresh
            return

    async def _dropped(self, *names: str) -> None:
        for name in names:
            await self.drop(name)

    async def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.terminate()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """In a loop of its own: the tests' loops come and go."""
        return self._thread.submit(self._runner.run, work).result()


def _own_name() -> str:
    return f"t_{uuid.uuid4().hex[:16]}"
