"""One process that asks a shop through the real door as fast as its points let it, until it is told to stop.

    python -m tests.support.points_worker '{"sandbox": URL, "token": T, "redis": URL, "database": URL, "order": ID}'

Live and backfilling callers ask cheap and dear questions in turn. Prints one JSON line: calls and the longest wait by question and
priority, failures by code, and what each answer told of the bucket.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime

from common.clock import SystemClock
from common.contracts.ids import ConnectionId
from common.failures import Failure
from common.http.budget import MeteredBudget
from common.http.call import Call, Priority
from common.http.door import Door
from common.http.meter import Meter, open_redis
from common.http.tokens import Token
from common.secret import Secret, SecretUrl
from common.state.budget_floors import BudgetFloors
from common.state.pool import open_pool
from vendors.shopify import queries
from vendors.shopify.client import NAME, ShopifyProfile, asked, ping
from vendors.shopify.limits import points_told
from vendors.vendor import connection_of

SHOP = connection_of(NAME, "shop", shop="demo.myshopify.com")
CALLERS: tuple[tuple[Priority, str], ...] = (
    ("live", "ping"), ("live", "order"), ("backfill", "order"), ("backfill", "order"), ("backfill", "list"), ("backfill", "list"),
)  # fmt: skip


class OneToken:
    def __init__(self, token: str) -> None:
        self._token = Secret(token)

    async def token(self, connection: ConnectionId) -> Token:
        return Token(self._token, 1, datetime(2099, 1, 1, tzinfo=UTC))

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        return await self.token(connection)


class Worker:
    def __init__(self, given: dict[str, str]) -> None:
        self._given = given
        self.calls: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.longest: dict[str, float] = {}
        self.told: list[tuple[float, int, int]] = []

    def question(self, kind: str) -> Call:
        if kind == "order":
            return asked(queries.ORDER, "orders.read", id=self._given["order"], lines=20, back=5)
        return asked(queries.CUSTOMERS, "customers.list") if kind == "list" else ping(SHOP)

    def attempted(self, attempt) -> None:  # type: ignore[no-untyped-def]
        """No one's business here."""

    async def run(self) -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        redis, pool = (
            open_redis(SecretUrl(self._given["redis"])),
            await open_pool(self._given["database"], name="w", size=4),
        )
        clock = SystemClock()
        budget = MeteredBudget(Meter(redis, clock), BudgetFloors(pool), clock)
        door = Door(
            OneToken(self._given["token"]), budget, clock, {"shopify": self._given["sandbox"] + "/shopify"}, sink=self
        )
        api = door.open(ShopifyProfile(), SHOP)

        async def caller(priority: Priority, kind: str) -> None:
            while not stopped.is_set():
                began = time.monotonic()
                call = self.question(kind)
                try:
                    answer = await api.call(
                        Call(**{name: getattr(call, name) for name in call.__slots__} | {"priority": priority})
                    )
                    told = points_told(answer.body)
                    assert told is not None
                    self.told.append((time.monotonic(), told.spent, told.available))
                    self.calls[f"{priority} {kind}"] += 1
                except Failure as failure:
                    self.failures[f"{failure.code} {failure.detail}".strip()] += 1
                    await asyncio.sleep(0.05)
                took = time.monotonic() - began
                self.longest[f"{priority} {kind}"] = max(took, self.longest.get(f"{priority} {kind}", 0.0))
                if priority == "live":
                    await asyncio.sleep(2.0)

        callers = [asyncio.create_task(caller(*one)) for one in CALLERS]
        await stopped.wait()
        for task in callers:
            task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await door.aclose()
        await budget.aclose()
        await redis.aclose()
        await pool.close()


async def main() -> None:
    worker = Worker(json.loads(sys.argv[1]))
    await worker.run()
    shown = {"calls": worker.calls, "failures": worker.failures, "longest_s": worker.longest, "told": worker.told}
    print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
