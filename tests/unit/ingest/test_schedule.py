"""When a source is looked at again: as people say, and how rarely a list is read that cannot be asked for what has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common.cron import Cron
from common.http.profile import Limit
from ingest import schedule
from ingest.schedule import Cadence

EVERY = timedelta(minutes=5)
NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # a Friday
EARLY = Cron("30 6 * * 1-5", "Europe/Madrid")


def day(number: int) -> Limit:
    return Limit("day", "k", "daily", number)


class TestCadence:
    def test_nobody_who_says_anything_is_as_often_as_usual(self) -> None:
        assert NOW + EVERY * 0.95 <= Cadence().after(NOW, EVERY) <= NOW + EVERY
        assert Cadence().words == ""

    def test_an_hour_that_was_named_is_kept_to_the_second(self) -> None:
        assert Cadence(at=(EARLY,)).after(NOW, EVERY) == datetime(2026, 11, 30, 5, 30, tzinfo=UTC)

    def test_the_soonest_of_those_who_need_it_counts(self) -> None:
        hourly = Cron("0 * * * *")
        assert Cadence(at=(EARLY, hourly)).after(NOW, EVERY) == NOW + timedelta(hours=1)
        assert Cadence(timedelta(minutes=10), (EARLY, hourly)).after(NOW, EVERY) <= NOW + timedelta(minutes=10)

    def test_a_dear_list_waits_for_the_first_moment_that_it_may_be_read(self) -> None:
        every_minute = Cadence(at=(Cron("* * * * *"),))
        assert every_minute.after(NOW, EVERY, timedelta(minutes=90, seconds=1)) == NOW + timedelta(minutes=91)

    def test_other_words_are_another_cadence_in_whatever_order_legs_come(self) -> None:
        other = Cron("0 0 1 * *")
        assert Cadence(at=(EARLY, other)).words == Cadence(at=(other, EARLY)).words
        assert len({Cadence(at=(EARLY,)).words, Cadence(at=(other,)).words, Cadence(EVERY).words}) == 3


class TestSpacing:
    @pytest.mark.parametrize("told_nothing", [0, 1])
    def test_a_look_of_one_page_comes_at_its_time_on_any_plan(self, told_nothing: int) -> None:
        assert schedule.spacing(told_nothing, [day(10)]) == timedelta()

    def test_pages_that_told_nothing_take_their_share_of_a_day_and_no_more(self) -> None:
        limit = day(1_000)
        for pages in (5, 50):
            looks = timedelta(days=1) / schedule.spacing(pages, [limit])
            assert looks * pages <= limit.ours * schedule.QUICK_SHARE + 1e-6

    def test_a_large_plan_has_them_at_their_time(self) -> None:
        least = schedule.spacing(5, [day(10_000)])
        assert NOW + EVERY * 0.95 <= Cadence().after(NOW, EVERY, least) <= NOW + EVERY

    def test_where_no_day_is_counted_nothing_is_spaced(self) -> None:
        assert schedule.spacing(50, []) == timedelta()
