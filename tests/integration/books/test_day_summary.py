"""A day's summary equals the books: every figure is held against what the simulated organisation stores, by code that shares nothing with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.clock import OffsetClock
from common.state.pool import close_pool, open_pool
from console.use_cases.day_figures import DayFigures
from console.use_cases.summaries import Summaries
from tests.integration.books.test_orders import money, order, tax
from tests.integration.books.test_refunds import refund, with_refunds
from tests.support.books_world import BooksWorld
from tests.support.database import Database
from tests.support.orders import Kind
from vendors.registry import VENDORS

ZONE = "Europe/Madrid"
EURO, YEN = Kind(lines=2, discounts=1, shipping=1), Kind("JPY", lines=2)
MADRID = ZoneInfo(ZONE)
Sums = dict[tuple[str, str], Decimal]


@pytest.fixture
async def summaries(database: Database, world: BooksWorld) -> AsyncIterator[Summaries]:
    """As the console makes them, by its own role and on the clock of the vendor."""
    await world.execute("truncate core.summary, core.summary_setting, core.destination cascade")
    pool = await open_pool(database.url("console"), name="console", size=2)
    yield Summaries(pool, DayFigures(VENDORS, ""), OffsetClock(world.sandbox.home))
    await close_pool(pool)


def at(world: BooksWorld, local: datetime) -> None:
    """It is this local time, for the vendor and for us."""
    world.sandbox.post("clock", {"at": local.replace(tzinfo=MADRID).isoformat()})


def local_day(stamp: str) -> date:
    return datetime.fromisoformat(stamp).astimezone(MADRID).date()


def stored(world: BooksWorld, kind: str) -> list[dict[str, Any]]:
    """What the organisation holds, beyond every API."""
    account = world.sandbox.get("state/zoho-books", account=world.account)["accounts"][world.account]
    rows = account[kind]
    return list(rows.values() if isinstance(rows, dict) else rows)


def of_the_books(world: BooksWorld, day: date) -> tuple[Sums, int]:
    """Sums by word and currency, and how many invoices: from what is stored, added up here."""
    sums: Sums = defaultdict(Decimal)
    made = [one for one in stored(world, "invoices") if local_day(one["created_time"]) == day]
    for one in made:
        sums["invoiced", one["currency_code"]] += Decimal(str(one["total"]))
        if one["status"] == "void":
            sums["voided", one["currency_code"]] += Decimal(str(one["total"]))
    for one in stored(world, "customerpayments"):
        if local_day(one["created_time"]) == day:
            sums["paid", one["currency_code"]] += Decimal(str(one["amount"]))
    for one in stored(world, "creditnotes"):
        if local_day(one["created_time"]) == day:
            sums["credited", one["currency_code"]] += Decimal(str(one["total"]))
            sums["given back", one["currency_code"]] += Decimal(str(one["total"])) - Decimal(str(one["balance"]))
    return dict(sums), len(made)


async def of_the_summary(summaries: Summaries, day: date) -> tuple[Sums, Any]:
    shown = await summaries.show(day)
    leg = next(one for one in shown.figures.legs if one.becomes == "invoice")
    return {(one.word, one.currency): one.amount for one in leg.amounts if one.count}, leg


class TestDay:
    @pytest.mark.parametrize(
        ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 10), 24)], ids=str
    )
    async def test_equals_the_books(self, world: BooksWorld, summaries: Summaries, day: date, hours: int) -> None:
        """Orders in the first and the last minute of it and in the hour at which clocks change, and of the days around it."""
        tax(world)
        before, after = day - timedelta(days=1), day + timedelta(days=1)
        at(world, datetime(before.year, before.month, before.day, 12))
        await summaries.want("07:00", ZONE)
        await world.want(world.person("ida"))
        await world.settled()
        moments = [
            (before, 23, 58, EURO),
            (day, 0, 1, EURO),
            (day, 3, 1, YEN),
            (day, 23, 57, EURO),
            (after, 0, 1, EURO),
        ]
        for number, (on, hour, minute, kind) in enumerate(moments, 1):
            at(world, datetime(on.year, on.month, on.day, hour, minute))
            placed = order(number, kind)
            paid = {**placed, "transactions": [money(placed, f"t{number}")]} if number != 3 else placed
            await world.want(world.bought(f"o{number}", paid))
            await world.settled()
            if number == 4:
                # Refused before it is made: its lines do not come to its total.
                await world.want(world.bought("wrong", {**order(9), "total": {"shop": "1.00", "presentment": "1.00"}}))
                # Cancelled on the day that it was made.
                await world.want(
                    world.bought("o3", {**placed, **order(3, YEN), "cancelled_at": "2026-06-10T10:00:00Z"})
                )
                # Of this one a line was taken back, and its money.
                await world.want(world.bought("o4", with_refunds(paid, refund(placed, "r4"))))
                await world.settled("dead", "parked")
        at(world, datetime(after.year, after.month, after.day, 7, 0, 30))
        assert await summaries.make_due() == 2
        for told in (before, day):
            sums, leg = await of_the_summary(summaries, told)
            expected, made = of_the_books(world, told)
            assert (sums, leg.created) == (expected, made)
        assert [one.created for one in (await summaries.show(before)).figures.legs if one.becomes == "customer"] == [1]
        shown = await summaries.show(day)
        assert shown.day.hours == hours and set(sums) == {
            ("invoiced", "EUR"), ("paid", "EUR"), ("invoiced", "JPY"), ("voided", "JPY"), ("credited", "EUR"), ("given back", "EUR"),
        }  # fmt: skip
        assert (leg.created, leg.failed, shown.figures.stuck_count) == (3, 1, 1)
        (stuck,) = shown.figures.stuck
        assert (stuck.record, stuck.code) == ("wrong", "ZB_ORDER_SUM_DIFFERS")
        assert await summaries.make_due() == 0
