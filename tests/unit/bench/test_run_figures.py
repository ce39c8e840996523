"""The arithmetic of loads: the vendor's bound, and whether the time left that a run told was true."""

from __future__ import annotations

import pytest

from bench.run_figures import Sample, nothing_else_happens, pace, quota_binds, time_left, vendor_bound_s


class TestTheVendorsBound:
    @pytest.mark.parametrize(("customers", "seconds"), [(500, 1.8), (5_000, 15.0), (50_000, 150.0), (1, 0.6)])
    def test_is_a_page_of_two_hundred_for_each_of_a_hundred_calls_a_minute(
        self, customers: int, seconds: float
    ) -> None:
        assert vendor_bound_s(customers) == pytest.approx(seconds)

    def test_binds_only_where_there_are_more_pages_than_a_minute_has_calls(self) -> None:
        assert [quota_binds(n) for n in (20_000, 20_001, 50_000)] == [False, True, True]

    def test_is_what_the_minutes_are_held_against(self) -> None:
        told = pace(50_000, 165.0)
        assert told["times the vendor's bound"] == pytest.approx(1.10)
        assert told["minutes the vendor allows"] == 2.5
        assert told["records a second"] == pytest.approx(303.03, abs=0.01)


class TestTimeLeft:
    def test_that_was_never_told_has_no_figures(self) -> None:
        assert time_left([Sample(1, 10, 0, None), Sample(2, 10, 5, None)], 10) == {}

    def test_is_held_against_what_it_really_took(self) -> None:
        told = time_left([Sample(10, 100, 5, None), Sample(20, 100, 20, 100.0), Sample(60, 100, 60, 44.0)], 100)
        assert told["time left: told from, % of the time"] == 20
        assert told["time left: error of the first, %"] == pytest.approx(25)
        assert told["time left: largest error, %"] == pytest.approx(25)
        assert told["time left: mean error, %"] == pytest.approx(17.5)

    def test_is_not_judged_by_the_seconds_of_the_last_tenth(self) -> None:
        told = time_left([Sample(50, 100, 50, 50.0), Sample(99, 100, 99, 5.0)], 100)
        assert told["time left: largest error, %"] == pytest.approx(0)

    def test_that_is_first_told_in_the_last_tenth_is_judged_by_that(self) -> None:
        assert time_left([Sample(95, 100, 95, 10.0)], 100)["time left: largest error, %"] == pytest.approx(100)


class TestAPause:
    @pytest.mark.parametrize(
        ("reason", "waiting", "passed_over"),
        [("quota", 0, True), ("quota", 7, False), ("retry", 7, True), ("source", 0, False), ("paused", 0, False)],
    )
    def test_is_passed_over_where_nothing_else_happens(self, reason: str, waiting: int, passed_over: bool) -> None:
        run = {"waits_for": {"reason": reason, "until": None}, "waiting": waiting}
        assert nothing_else_happens(run) is passed_over


class TestALook:
    def test_counts_what_does_not_wait_as_ended(self) -> None:
        run = {"total": 400, "waiting": 150, "seconds_left": 12.4}
        sample = Sample.of(run, 3.0)
        assert sample == Sample(3.0, 400, 250, 12.4)
        words = sample.words(500, {"reason": "quota", "until": None})
        assert words == "400 of 500 judged, 250 ended, 12 s left as it says, waits: quota"
