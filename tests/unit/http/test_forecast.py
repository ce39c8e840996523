"""How long so many calls take, by the places that come free."""

from __future__ import annotations

import pytest

from common.http.forecast import PLAYED, last_of

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
