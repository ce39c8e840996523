"""Calls that a vendor counts by the calendar month, over a real Valkey and a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common.failures import RateLimited
from common.http.door_codes import QUOTA_MONTH_USED_UP
from common.http.floor import metered, ticket
from common.http.profile import Limit
from common.state.budget_floors import BudgetFloors
from common.state.pool import Pool
from tests.support.budgets import Budgets
from tests.support.valkey_server import ValkeyServer

LAST_DAY = datetime(2026, 5, 31, 12, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, 0, 1, tzinfo=UTC)


def per_month(count: int, *, zone: str = "UTC", kept_for_live: float = 0.0) -> Limit:
    return Limit("reads", "company:1", "monthly", count, reserve=0.0, resets_zone=zone, kept_for_live=kept_for_live)


class TestMonth:
    async def test_ends_with_the_calendars_and_is_asked_for_again_within_the_hour(self, budgets: Budgets) -> None:
        limit, process = per_month(25), budgets.process()
        budgets.clock.set(datetime(2026, 5, 2, 12, tzinfo=UTC))
        assert len(await process.drain(limit, at_most=20)) == 20
        budgets.clock.set(LAST_DAY)
        assert len(await process.drain(limit)) == 5
        with pytest.raises(RateLimited) as refusal:
            await process.admit(limit)
        assert (refusal.value.code, refusal.value.scope) == (QUOTA_MONTH_USED_UP.name, "reads")
        assert refusal.value.retry_at is not None and refusal.value.retry_at <= LAST_DAY + timedelta(hours=1)
        budgets.clock.set(JUNE)
        assert len(await process.drain(limit)) == 25

    async def test_is_that_of_the_vendor_s_zone(self, budgets: Budgets) -> None:
        budgets.clock.set(datetime(2026, 6, 1, 6, 59, tzinfo=UTC))
        process, limit = budgets.process(), per_month(3, zone="America/Los_Angeles")
        assert len(await process.drain(limit)) == 3
        budgets.clock.set(datetime(2026, 6, 1, 7, 1, tzinfo=UTC))
        assert len(await process.drain(limit)) == 3

    async def test_keeps_a_part_for_live_calls_and_goes_on_when_there_is_more(self, budgets: Budgets) -> None:
        process, limit = budgets.process(), per_month(50, kept_for_live=0.2)
        assert len(await process.drain(limit, priority="backfill")) == 40
        assert len(await process.drain(limit)) == 10
        # A larger tier was bought: nobody waits for the next month.
        assert len(await process.drain(per_month(100, kept_for_live=0.2), priority="backfill")) == 30

    async def test_is_known_by_a_server_that_lost_its_memory_but_for_a_few_calls(
        self, budgets: Budgets, valkey: ValkeyServer
    ) -> None:
        limit = per_month(5_000)
        assert len(await budgets.process().drain(limit, at_most=24)) == 24
        valkey.flush()
        assert len(await budgets.process().drain(limit, at_most=1)) == 1
        (use,) = (await budgets.quota().read((limit,))).limits
        assert use.used is not None and 25 <= use.used <= 25 + 10

    async def test_is_told_with_what_it_will_come_to(self, budgets: Budgets, pool: Pool) -> None:
        limit, floors = per_month(5_000), BudgetFloors(pool)
        for day in range(1, 21):
            # As many on each day, in blocks as they are taken.
            budgets.clock.set(datetime(2026, 5, day, 12, tzinfo=UTC))
            (one,) = metered((limit,), budgets.clock.now())
            for _ in range(5):
                await floors.take(ticket(one, budgets.clock.now()), 10)
        (use,) = (await budgets.quota().read((limit,))).limits
        assert (use.shape, use.used, use.resets_at) == ("monthly", 1_000, datetime(2026, 6, 1, 0, 0, 5, tzinfo=UTC))
        assert use.forecast is not None and abs(use.forecast - 1_550) <= 155
