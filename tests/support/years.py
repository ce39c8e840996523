"""The database of years (`big.py`), filled once for a session, and what every statement on it has to keep to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from uuid import uuid4

import pytest

from common.state.pool import Pool, close_pool, open_pool
from millrace.stack.postgres import Role
from tests.support import big
from tests.support.big import BIG
from tests.support.database import Database, Server, in_a_loop
from tests.support.explained import SUSPICIOUS_MS, Statement
from tests.support.machine import computes_slower

MOST_MS = SUSPICIOUS_MS


@pytest.fixture(scope="session")
def filled(database_server: Server, database_template: str) -> Iterator[Database]:
    """Filled once."""
    name = f"big_{uuid4().hex[:12]}"
    made = in_a_loop(database_server.create(name, template=database_template))
    began = perf_counter()
    in_a_loop(big.fill(made))
    print(f"filled in {perf_counter() - began:.0f} s")
    yield made
    in_a_loop(database_server.drop(name))


@asynccontextmanager
async def pool_of(filled: Database, role: Role) -> AsyncIterator[Pool]:
    """A small pool, signed in as this role."""
    pool = await open_pool(filled.url(role), name=role, size=2)
    try:
        yield pool
    finally:
        await close_pool(pool)


def hold(seen: Sequence[Statement], most: float = MOST_MS) -> None:
    """Each statement is quick, and its plan leaves the large tables alone."""
    assert seen
    for one in seen:
        print(one)
        assert not any(table.startswith(BIG) for table in one.scanned()), f"{one} scans {one.scanned()}"
        within(one, most)


def within(one: Statement, most: float) -> None:
    """So many milliseconds of a machine as fast as the limit's; how fast this one is is only asked where it matters."""
    slower = 1.0 if one.ms < most else computes_slower()
    assert one.ms < most * slower, f"{one}: {one.times}, on a machine {slower:.2f} times slower"
