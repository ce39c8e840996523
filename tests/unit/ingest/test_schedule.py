"""How rarely a list is read that cannot be asked for what has changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.http.profile import Limit
from ingest import schedule

EVERY = timedelta(minutes=5)


def day(number: int) -> Limit:
    return Limit("day", "k", "daily", number)


class TestSpaced:
    @pytest.mark.parametrize("told_nothing", [0, 1])
    def test_a_look_of_one_page_comes_at_its_time_on_any_plan(self, told_nothing: int) -> None:
        assert schedule.spaced(EVERY, told_nothing, [day(10)]) == EVERY

    def test_pages_that_told_nothing_take_their_share_of_a_day_and_no_more(self) -> None:
        limit = day(1_000)
        for pages in (5, 50):
            looks = timedelta(days=1) / schedule.spaced(EVERY, pages, [limit])
            assert looks * pages <= limit.ours * schedule.QUICK_SHARE + 1e-6

    def test_a_large_plan_has_them_at_their_time(self) -> None:
        assert schedule.spaced(EVERY, 5, [day(10_000)]) == EVERY

    def test_where_no_day_is_counted_nothing_is_spaced(self) -> None:
        assert schedule.spaced(EVERY, 50, []) == EVERY
