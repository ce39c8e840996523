"""One process that takes places in a limit of calls at once and keeps them, until it is killed.

    python -m tests.support.place_holder '{"redis": URL, "database": URL, "places": 8, "hold_s": 600}'

Prints a line once it has them.
"""

from __future__ import annotations

import asyncio
import json
import sys

from common.clock import SystemClock, monotonic
from common.http.budget import MeteredBudget
from common.http.meter import Meter
from common.state.budget_floors import BudgetFloors
from common.state.pool import open_pool
from tests.support.budgets import BOOKS, at_once, waited_for


async def main() -> None:
    given = json.loads(sys.argv[1])
    redis, clock = waited_for(given["redis"]), SystemClock()
    pool = await open_pool(given["database"], name="holder", size=2)
    budget, limit = MeteredBudget(Meter(redis, clock), BudgetFloors(pool), clock), at_once(given["places"])
    for _ in range(given["places"]):
        await budget.admit(BOOKS, (limit,), "live", hold_s=given["hold_s"], deadline=monotonic() + 60)
    print("held", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
