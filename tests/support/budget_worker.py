"""One process that calls a vendor through the real door as fast as its budget lets it, until the vendor says it is done.

    python -m tests.support.budget_worker '{"vendor": URL, "redis": URL, "database": URL, "limits": {...}, "callers": 12}'

Prints one JSON line: calls, failures by code, the longest wait of a live call, and how long a call took on average.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from common.clock import SystemClock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId
from common.failures import Failure
from common.http.budget import MeteredBudget
from common.http.call import Priority
from common.http.door import Call, Door
from common.http.meter import Meter, open_redis
from common.http.profile import Limit, Shape, Timeouts
from common.http.tokens import Token
from common.secret import Secret, SecretUrl
from common.state.budget_floors import BudgetFloors
from common.state.pool import open_pool
from vendors.vendor import connection_of
from vendors.zoho_books.client import NAME, ZohoBooksProfile


class OneToken:
    def __init__(self, token: str) -> None:
        self._token = Secret(token)

    async def token(self, connection: ConnectionId) -> Token:
        return Token(self._token, 1, datetime(2099, 1, 1, tzinfo=UTC))

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        return await self.token(connection)


class FastBooks(ZohoBooksProfile):
    """Books on a faster clock."""

    def __init__(self, wanted: Mapping[str, float]) -> None:
        self._wanted = wanted
        self.timeouts = Timeouts(connect=2, read=wanted["longest_s"], write=2, pool=2, total=wanted["longest_s"])

    def limits(self, connection: Connection, call: Call | None = None) -> Sequence[Limit]:
        window = timedelta(seconds=self._wanted["window_s"])
        shape: Shape = "fixed" if self._wanted.get("fixed") else "rolling"
        return (
            Limit("minute", "zoho-books:1", shape, int(self._wanted["count"]), window),
            Limit("day", "zoho-books:1", "daily", 100_000),
            Limit("concurrency", "zoho-books:1", "concurrency", int(self._wanted["at_once"])),
        )


class Worker:
    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given
        self._done = False
        self._stopped = asyncio.Event()
        self.calls: Counter[str] = Counter()
        self.waits: list[float] = []
        self.took_s: list[float] = []

    async def run(self) -> None:
        redis, pool = open_redis(SecretUrl(str(self._given["redis"]))), None
        pool = await open_pool(str(self._given["database"]), name="worker", size=4)
        clock = SystemClock()
        budget = MeteredBudget(Meter(redis, clock), BudgetFloors(pool), clock)
        door = Door(
            OneToken(str(self._given.get("token", "t"))),
            budget,
            clock,
            {"zoho": f"{self._given['vendor']}/zoho"},
            sink=self,
        )
        api = door.open(self._profile(), connection_of(NAME, "books", dc="eu", **self._details()))

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stopped.set)

        async def caller(number: int) -> None:
            priority: Priority = "live" if number == 0 else "replay" if number == 1 else "backfill"
            while not self._done:
                try:
                    told = await api.call(
                        Call("GET", "/contacts", f"contact.{priority}", query={"per_page": "1"}, priority=priority)
                    )
                    self._done = self._done or told.headers.get("x-done") == "yes"
                    self.calls["ok"] += 1
                except Failure as failure:
                    self.calls[f"{failure.code} {failure.detail}".strip()] += 1
                    await asyncio.sleep(0.05)
                if number == 0:
                    await asyncio.sleep(0.2)

        callers = [asyncio.create_task(caller(number)) for number in range(int(str(self._given["callers"])))]
        await asyncio.wait([*callers, asyncio.create_task(self._stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
        self._done = True
        for task in callers:
            task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await door.aclose()
        await budget.aclose()
        await redis.aclose()
        await pool.close()

    def _profile(self) -> ZohoBooksProfile:
        """The real one, unless limits are given."""
        limits = self._given.get("limits")
        return FastBooks(limits) if isinstance(limits, dict) else ZohoBooksProfile()

    def _details(self) -> dict[str, str]:
        return {"organization_id": str(self._given.get("organization", "1")), "plan_name": "premium"}

    def attempted(self, attempt) -> None:  # type: ignore[no-untyped-def]
        self.took_s.append(attempt.duration_s)
        if attempt.operation == "contact.live":
            self.waits.append(attempt.waited_s)


async def main() -> None:
    worker = Worker(json.loads(sys.argv[1]))
    await worker.run()
    longest = max(worker.waits, default=0.0)
    told = {
        "calls": worker.calls,
        "longest_live_wait_s": round(longest, 3),
        "mean_call_s": round(sum(worker.took_s) / max(1, len(worker.took_s)), 4),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
