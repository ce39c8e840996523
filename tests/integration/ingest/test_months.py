"""What people are told of a month's calls, from a real database, before none are left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.metrics import Metrics
from common.state.configuration import ConfigurationReader
from ingest.codes import QUOTA_MONTH_LOW
from ingest.months import KIND, Months, MonthUse, words_of
from tests.integration.http.test_months import per_month
from tests.integration.ingest.test_poller import World, world

__all__ = ["world"]
MAY = datetime(2026, 5, 11, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def company(world: World) -> None:
    details = {"realm_id": "1", "reads_per_month": "1000", "company_reads_per_month": "100"}
    await world.sql("update core.connection set vendor = 'quickbooks', details = $1 where id = 'books'", details)
    world.clock.set(MAY)


async def used(world: World, many: int, a_day: int) -> None:
    await world.sql("delete from flow.budget_day")
    await world.sql("delete from flow.budget_use")
    await world.sql(
        "insert into flow.budget_day (limit_id, day, granted) values ('quickbooks:1:company_reads', '2026-05-01', $1)", many
    )  # fmt: skip
    for day in range(3, 11):
        await world.sql(
            "insert into flow.budget_use values ('quickbooks:1:company_reads', $1, $2)",
            MAY.replace(day=day).date(),
            a_day,
        )


async def standing(world: World) -> list[Any]:
    return [
        (row["connection"], row["code"], row["message"].partition(" of this")[0])
        for row in await world.sql("select * from core.notification where kind = $1 and resolved_at is null", KIND)
    ]


class TestMonths:
    async def test_are_told_of_once_while_they_do_not_last_and_no_longer(self, world: World) -> None:
        months = Months(world.pool, ConfigurationReader(), world.clock, Metrics())
        for many, a_day, words in (
            (20, 2, None),
            (30, 4, "At the pace of the last days there are not enough"),
            (75, 4, "More than four fifths"),
            (90, 4, "Nothing is left"),
        ):
            await used(world, many, a_day)
            await months.step()
            await months.step()
            assert await standing(world) == ([("books", QUOTA_MONTH_LOW.name, words)] if words else [])
        world.clock.set(MAY + timedelta(days=31))
        await months.step()
        assert await standing(world) == []
        assert len(await world.sql("select id from core.notification where kind = $1", KIND)) == 3


def test_the_worst_of_a_connections_limits_is_what_is_said() -> None:
    low, none = MonthUse(per_month(10), 8, 9, "2026-06-01"), MonthUse(per_month(20), 20, 20, "2026-06-01")
    assert words_of([low, none]).startswith("Nothing is left") and words_of([none, low]).startswith("Nothing is left")
    assert words_of([]) == ""
