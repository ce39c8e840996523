"""Moments by cron expressions, also on the two days a year that have not 24 hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common.cron import Cron, is_zone, mistake

BERLIN = "Europe/Berlin"
# Clocks go forward from two to three o'clock on 29 March 2026, and back from three to two on 25 October.
SPRING, AUTUMN = datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 10, 24, 22, 0, tzinfo=UTC)


def moments(expression: str, begin: datetime, *, until: timedelta, zone: str = BERLIN) -> list[datetime]:
    """Each asked for from the one before, as a reader does."""
    found, moment = [], begin - timedelta(seconds=1)
    while (moment := Cron(expression, zone).after(moment)) < begin + until:
        found.append(moment)
    return found


class TestAfter:
    def test_is_in_the_zone_and_behind_the_moment(self) -> None:
        six = Cron("0 6 * * *", "America/New_York")
        at = datetime(2026, 1, 5, 11, 0, tzinfo=UTC)
        assert six.after(at - timedelta(seconds=1)) == at
        assert six.after(at) == at + timedelta(days=1)

    def test_the_last_day_of_a_month(self) -> None:
        assert Cron("0 0 L * *").after(datetime(2028, 2, 3, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)

    def test_a_day_of_23_hours_has_what_was_named_in_the_missing_one_at_its_end(self) -> None:
        assert moments("30 2 * * *", SPRING, until=timedelta(hours=23)) == [datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]

    def test_a_day_of_25_hours_has_what_was_named_once(self) -> None:
        assert moments("30 2 * * *", AUTUMN, until=timedelta(hours=25)) == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]

    @pytest.mark.parametrize(("begin", "hours"), [(SPRING, 23), (AUTUMN, 25)])
    def test_each_hour_is_real_time_on_such_a_day(self, begin: datetime, hours: int) -> None:
        assert moments("0 * * * *", begin, until=timedelta(hours=hours)) == [
            begin + timedelta(hours=n) for n in range(hours)
        ]

    @pytest.mark.parametrize("minutes", range(0, 60, 7))
    def test_is_never_in_the_past_within_the_hour_that_comes_again(self, minutes: int) -> None:
        again = datetime(2026, 10, 25, 1, minutes, tzinfo=UTC)
        assert Cron("30 2 * * *", BERLIN).after(again) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


class TestMistakes:
    @pytest.mark.parametrize("expression", ["30 6 * * 1-5", "*/10 8-18 * * MON-FRI", "0 0 L * *", "0 7 1,15 * *"])
    def test_of_a_good_one_there_is_none(self, expression: str) -> None:
        assert mistake(expression) == ""

    @pytest.mark.parametrize(
        ("expression", "words"),
        [
            ("30 6 * *", "five fields"),
            ("0 30 6 * * 1", "five fields"),
            ("@daily", "five fields"),
            (630, "five fields"),
            ("0 " * 400, "five fields"),
            ("60 6 * * *", "minute"),
            ("30 25 * * *", "hour"),
            ("0 0 32 * *", "day-of-month"),
            ("0 0 1 13 *", "month"),
            ("0 0 * * XYZ", "day-of-week"),
            ("0 0 31 2 *", "day-of-month"),
            ("*/0 * * * *", "minute"),
        ],
    )
    def test_of_a_bad_one_it_is_named(self, expression: object, words: str) -> None:
        assert words in mistake(expression)

    def test_zones_are_names(self) -> None:
        assert is_zone("Europe/Madrid") and is_zone("UTC")
        for bad in ("Europe/Atlantis", "../etc/passwd", "", 1, None, "Europe"):
            assert not is_zone(bad), bad
