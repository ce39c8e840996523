"""How long so many calls take, by the places that come free."""

from __future__ import annotations

import pytest

from common.http.forecast import PLAYED, last_of, own_pace

OURS, WINDOW = 90, 60.0


class TestForecast:
    def test_of_what_fits_into_half_a_window_is_nothing(self) -> None:
        assert last_of([], 45, OURS, WINDOW) == 0

    def test_waits_for_the_places_of_a_window_that_is_used_up(self) -> None:
        assert last_of([20.0] * OURS, 1, OURS, WINDOW) == 20

    @pytest.mark.parametrize("calls", [250, PLAYED + 900])
    def test_never_has_more_calls_in_a_window_than_are_ours(self, calls: int) -> None:
        windows = -(-calls // OURS)
        assert (windows - 1) * WINDOW <= last_of([], calls, OURS, WINDOW) + 1 <= windows * WINDOW * 1.01 + 1

    def test_a_window_s_last_calls_take_until_the_next_place_comes_free(self) -> None:
        assert last_of([40.0] * (OURS - 2), 2, OURS, WINDOW) == pytest.approx(80 / 3)


def taken(times: list[float], now: float) -> list[float]:
    """When the places of the calls at these times come free, as seen now."""
    return [at + WINDOW - now for at in times if at + WINDOW > now]


class TestOwnPace:
    """Where our own processors are slower than the vendor allows, places that are free help nobody."""

    @pytest.mark.parametrize("own", [0.8, 2.0])
    def test_of_a_slow_machine_is_what_there_is_to_wait_for(self, own: float) -> None:
        times = [n * own for n in range(250)]
        for done in (25, 100, 200, 240):
            now = times[done - 1]
            assert last_of(taken(times[:done], now), 250 - done, OURS, WINDOW) == pytest.approx(
                times[-1] - now, rel=0.02
            )

    def test_of_a_burst_and_of_what_the_limit_leaves_is_no_slower_than_the_limit(self) -> None:
        """Half of a window at once and the rest as places come free; a pause is nobody's pace."""
        burst = [n * 0.1 for n in range(OURS // 2)]
        spread = [burst[-1] + n * WINDOW / OURS for n in range(1, OURS // 2)]
        assert own_pace(taken([*burst, *spread], spread[-1])) <= WINDOW / OURS
        assert own_pace(taken([*burst, 40.0], 40.0)) == pytest.approx(0.1)

    def test_of_a_few_calls_says_nothing(self) -> None:
        assert own_pace(taken([0.0, 5.0, 10.0], 10.0)) == 0
