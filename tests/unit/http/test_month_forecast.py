"""How a month ends is foretold from its days, within a tenth."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from common.http.month_forecast import KNOWN, at_its_end

ZONE = "UTC"
DAY = timedelta(days=1)
BEGINS, ENDS = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def month(working: int, weekend: int, first: int = 0, connected: int = 1, spread: float = 0.1) -> dict[date, int]:
    """Reads by the day, from the day on which the company was connected; on that one it is read as a whole."""
    chance, days = random.Random(15), [BEGINS.date() + number * DAY for number in range(31)]
    taken = {
        one: round((weekend if one.weekday() > 4 else working) * chance.uniform(1 - spread, 1 + spread))
        for one in days[connected - 1 :]
    }
    taken[days[connected - 1]] += first
    return taken


def foretold(taken: dict[date, int], now: datetime) -> int:
    known = {one: count for one, count in taken.items() if one < now.date() and one >= (now - KNOWN).date()}
    # Of today as much as is over.
    known[now.date()] = round(taken[now.date()] * ((now - datetime.combine(now.date(), now.min.time(), UTC)) / DAY))
    used = sum(count for one, count in taken.items() if one < now.date()) + known[now.date()]
    return at_its_end(used, known, now, ENDS, ZONE)


class TestForecast:
    @pytest.mark.parametrize("day", [9, 12, 15, 20, 25, 31])
    @pytest.mark.parametrize(
        "taken", [month(50, 49), month(4_000, 900), month(50, 49, first=600), month(800, 300, first=2_000, connected=2)]
    )
    def test_is_within_a_tenth_once_a_week_is_known(self, taken: dict[date, int], day: int) -> None:
        now = BEGINS + (day - 1) * DAY + timedelta(hours=14)
        assert abs(foretold(taken, now) - sum(taken.values())) <= 0.1 * sum(taken.values())

    def test_is_not_led_by_the_day_on_which_everything_was_read(self) -> None:
        taken = month(50, 50, first=5_000, spread=0.0)
        assert foretold(taken, BEGINS + timedelta(days=2)) == sum(taken.values())

    def test_says_of_the_first_hours_what_they_come_to(self) -> None:
        taken = {date(2026, 5, 1): 25}
        assert at_its_end(25, taken, BEGINS + DAY / 2, ENDS, ZONE) == 25 + round(50 * 30.5)
        assert at_its_end(0, {}, BEGINS, ENDS, ZONE) == 0

    def test_days_without_a_call_count(self) -> None:
        taken = {date(2026, 5, 2): 1, date(2026, 5, 3): 70}
        assert at_its_end(71, taken, datetime(2026, 5, 10, tzinfo=UTC), ENDS, ZONE) == 71 + 10 * 22
