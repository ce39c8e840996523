"""A database connection that asks the server how it does what it is told: time and plan of every statement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

RUNS = 3
# What took longer than any statement may is measured again: it may be the machine that was busy. The quickest of several is the statement's own.
SUSPICIOUS_MS, AT_MOST = 50.0, 10
FEW = 1100


@dataclass
class Statement:
    """One statement as the server ran it."""

    sql: str
    times: list[float]
    plan: Mapping[str, Any]

    @property
    def ms(self) -> float:
        return min(self.times)

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        waiting = [self.plan]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", [])

    def scanned(self) -> set[str]:
        """The tables that were read from their first row to their last, unless there was next to nothing in them."""
        return {
            str(node["Relation Name"]) for node in self.nodes() if node["Node Type"] == "Seq Scan" and _read(node) > FEW
        }

    def __str__(self) -> str:
        return f"{self.ms:8.2f} ms  {' '.join(self.sql.split())[:110]}"


@dataclass
class Explained:
    """Stands in for a connection; what is changed under EXPLAIN is rolled back before it is done for good."""

    link: Any
    runs: int = RUNS
    seen: list[Statement] = field(default_factory=list)

    async def fetch(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self.link.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self.link.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self.link.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> Any:
        if values:
            await self._explain(sql, values)
        return await self.link.execute(sql, *values)

    async def executemany(self, sql: str, rows: Sequence[Any]) -> Any:
        return await self.link.executemany(sql, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.link, name)

    async def _explain(self, sql: str, values: Sequence[Any]) -> None:
        times, plan = list[float](), {}
        while len(times) < self.runs or (min(times) > SUSPICIOUS_MS and len(times) < AT_MOST):
            outer = self.link.transaction()
            await outer.start()
            try:
                told = await self.link.fetchval(f"explain (analyze, buffers, format json) {sql}", *values)
            finally:
                await outer.rollback()
            (found,) = json.loads(told) if isinstance(told, str) else told
            times.append(found["Planning Time"] + found["Execution Time"])
            plan = found["Plan"]
        self.seen.append(Statement(sql, times, plan))


class ExplainedPool:
    """Stands in for a pool: every connection it gives is an explained one."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.seen: list[Statement] = []

    @asynccontextmanager
    async def acquire(self, **how: Any) -> Any:
        async with self._pool.acquire(**how) as link:
            yield Explained(link, seen=self.seen)


def _read(node: Mapping[str, Any]) -> float:
    """How many rows a node looked at."""
    looked: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return looked
