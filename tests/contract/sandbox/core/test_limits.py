"""Meters are exact to the call, in both window modes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.limits import Concurrency, DayMeter, Window, window_mode


class TestFixedWindow:
    def test_allows_exactly_the_limit_and_then_the_next_minute_is_new(self) -> None:
        window = Window(3)
        assert [window.take(at) for at in (0.0, 10.0, 59.9, 59.99)] == [True, True, True, False]
        assert [window.take(at) for at in (60.0, 60.1, 119.9, 119.99)] == [True, True, True, False]

    def test_lets_twice_the_limit_through_around_the_boundary(self) -> None:
        window = Window(5)
        assert sum(window.take(59.0) for _ in range(9)) == 5
        assert sum(window.take(60.0) for _ in range(9)) == 5


class TestRollingWindow:
    def test_frees_each_place_a_minute_after_its_own_call(self) -> None:
        window = Window(2, mode="rolling")
        assert [window.take(at) for at in (0.0, 30.0, 59.99)] == [True, True, False]
        assert [window.take(at) for at in (60.0, 60.1, 90.0)] == [True, False, True]

    def test_refused_calls_take_no_place(self) -> None:
        window = Window(1, mode="rolling")
        window.take(0.0)
        assert not any(window.take(at) for at in range(1, 60))
        assert window.take(60.0)

    @given(st.lists(st.floats(0, 300), max_size=200), st.integers(1, 20))
    def test_never_more_than_the_limit_in_any_minute(self, times: list[float], limit: int) -> None:
        window = Window(limit, mode="rolling")
        taken = [at for at in sorted(times) if window.take(at)]
        assert all(sum(at - 60 < other <= at for other in taken) <= limit for at in taken)


@given(st.lists(st.floats(0, 600), max_size=300), st.integers(1, 20))
def test_a_fixed_window_grants_the_least_of_limit_and_wish_in_every_minute(times: list[float], limit: int) -> None:
    window = Window(limit)
    taken = [at for at in sorted(times) if window.take(at)]
    for minute in range(11):
        wished = sum(at // 60 == minute for at in times)
        assert sum(at // 60 == minute for at in taken) == min(limit, wished)


class TestWindow:
    def test_forgets_calls_of_a_future_that_was_taken_back(self) -> None:
        window = Window(1, mode="rolling")
        assert window.take(1000.0)
        assert window.take(10.0)

    def test_a_mode_nobody_knows_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'fixed' or 'rolling'"):
            window_mode("sliding")


class TestDayMeter:
    def test_starts_again_at_the_organisations_midnight(self) -> None:
        meter = DayMeter(2, offset_s=3600)
        assert [meter.take(82_700.0) for _ in range(3)] == [True, True, False]
        assert meter.take(82_800.0)


class TestConcurrency:
    def test_refuses_above_the_limit_and_takes_places_back(self) -> None:
        places = Concurrency(2)
        assert [places.enter() for _ in range(3)] == [True, True, False]
        places.leave()
        assert places.enter()

    def test_a_place_freed_twice_is_a_mistake_of_ours(self) -> None:
        with pytest.raises(RuntimeError, match="twice"):
            Concurrency(1).leave()
