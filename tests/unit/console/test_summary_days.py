"""Which days are told of, and when: each instant is in one day, each day is told of once, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from console.summaries.days import MOST_MADE_UP, SETTLED, Wanted, date_at, day_of, due, next_at, told_at

MADRID = "Europe/Madrid"
NONE: frozenset[date] = frozenset()
# Clocks are changed by night, at midnight itself (Cairo, Asuncion), by half an hour, and never.
ZONES = (MADRID, "America/New_York", "Africa/Cairo", "America/Asuncion", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


class TestDay:
    @pytest.mark.parametrize(
        ("day", "zone", "hours"),
        [
            (date(2026, 3, 29), MADRID, 23), (date(2026, 10, 25), MADRID, 25), (date(2026, 6, 1), MADRID, 24),
            (date(2026, 4, 24), "Africa/Cairo", 23), (date(2026, 10, 29), "Africa/Cairo", 25),
            (date(2026, 4, 5), "Australia/Lord_Howe", 24.5), (date(2011, 12, 30), "Pacific/Apia", 0),
        ],
    )  # fmt: skip
    def test_has_as_many_hours_as_clocks_give_it(self, day: date, zone: str, hours: float) -> None:
        assert day_of(day, zone).hours == hours

    @pytest.mark.parametrize("zone", ZONES)
    def test_follows_the_one_before_without_gap_or_overlap(self, zone: str) -> None:
        days = [day_of(date(2026, 1, 1) + timedelta(days=at), zone) for at in range(730)]
        assert all(one.ends_at == other.begins_at for one, other in pairwise(days))

    @pytest.mark.parametrize("zone", ZONES)
    def test_holds_the_instants_whose_local_date_it_is(self, zone: str) -> None:
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        while moment < datetime(2026, 12, 1, tzinfo=UTC):
            day = day_of(moment.astimezone(ZoneInfo(zone)).date(), zone)
            assert day.begins_at <= moment < day.ends_at
            moment += timedelta(minutes=90)


class TestHour:
    def test_is_local_and_of_the_day_after(self) -> None:
        assert told_at(day_of(date(2026, 7, 1), MADRID), "07:00") == datetime(2026, 7, 2, 5, tzinfo=UTC)
        assert told_at(day_of(date(2026, 12, 1), MADRID), "07:00") == datetime(2026, 12, 2, 6, tzinfo=UTC)

    def test_that_is_not_there_comes_at_the_end_of_the_gap(self) -> None:
        assert told_at(day_of(date(2026, 3, 28), MADRID), "02:30") == datetime(2026, 3, 29, 1, tzinfo=UTC)

    def test_that_is_there_twice_comes_the_first_time(self) -> None:
        assert told_at(day_of(date(2026, 10, 24), MADRID), "02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    def test_of_midnight_waits_until_the_day_is_settled(self) -> None:
        day = day_of(date(2026, 7, 1), MADRID)
        assert told_at(day, "00:00") == day.ends_at + SETTLED


class TestDue:
    def told_in(self, wanted: Wanted, begin: datetime, end: datetime, step: timedelta) -> list[tuple[date, datetime]]:
        """What a process that looks every so often tells."""
        told: list[tuple[date, datetime]] = []
        while begin < end:
            made = frozenset(day for day, _ in told)
            told += [(day.date, begin) for day in due(wanted, made, begin)]
            begin += step
        return told

    @pytest.mark.parametrize("zone", ZONES)
    @pytest.mark.parametrize("at", ["07:00", "00:00", "02:30"])
    def test_each_day_of_a_year_once_and_in_order(self, zone: str, at: str) -> None:
        first = date(2026, 1, 10)
        told = self.told_in(
            Wanted(at, zone, first), datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), timedelta(hours=8)
        )  # fmt: skip
        assert [day for day, _ in told] == [first + timedelta(days=at) for at in range(len(told))]
        assert len(told) >= 354
        assert all(0 <= (when - told_at(day_of(day, zone), at)).total_seconds() < 8 * 3600 for day, when in told)

    def test_hours_that_were_missed_are_made_up_once(self) -> None:
        wanted, now = Wanted("07:00", MADRID, date(2026, 5, 1)), datetime(2026, 6, 10, 12, tzinfo=UTC)
        missed = [day.date for day in due(wanted, frozenset({date(2026, 6, 6)}), now)]
        assert missed == [date(2026, 6, one) for one in (2, 3, 4, 5, 7, 8, 9)]
        assert due(wanted, frozenset({date(2026, 6, 6), *missed}), now) == []
        assert len(due(wanted, NONE, now)) == MOST_MADE_UP + 1

    def test_nothing_before_the_first_day_nor_before_the_hour(self) -> None:
        wanted = Wanted("07:00", MADRID, date(2026, 6, 9))
        assert due(wanted, NONE, datetime(2026, 6, 10, 4, 59, 59, tzinfo=UTC)) == []
        assert [day.date for day in due(wanted, NONE, datetime(2026, 6, 10, 5, tzinfo=UTC))] == [date(2026, 6, 9)]

    def test_next_is_told(self) -> None:
        wanted, now = Wanted("07:00", MADRID, date(2026, 6, 10)), datetime(2026, 6, 10, 12, tzinfo=UTC)
        assert next_at(wanted, NONE, now) == datetime(2026, 6, 11, 5, tzinfo=UTC)
        made = frozenset({date(2026, 6, 10)})
        assert next_at(wanted, made, now + timedelta(hours=20)) == datetime(2026, 6, 12, 5, tzinfo=UTC)

    def test_a_changed_hour_tells_no_day_twice(self) -> None:
        made = frozenset({date(2026, 6, 9)})
        assert due(Wanted("12:00", MADRID, date(2026, 6, 1)), made | {date(2026, 6, d) for d in range(1, 9)}, datetime(2026, 6, 10, 12, tzinfo=UTC)) == []  # fmt: skip

    def test_the_date_is_that_of_the_zone(self) -> None:
        assert date_at(datetime(2026, 6, 10, 23, tzinfo=UTC), MADRID) == date(2026, 6, 11)
