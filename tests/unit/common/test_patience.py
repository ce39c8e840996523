"""Who is alone waits for nobody; the more came together, the longer the next ones may be kept."""

import random
from bisect import bisect_right

import pytest

from common.patience import Patience

PATIENCE = Patience(each_s=0.010, longest_s=0.2)


def waits(a_second: float, handled_in_s: float, *, seconds: float = 600.0) -> list[float]:
    """How long each record was kept, of a stream that comes at random to one who handles what is there."""
    rng = random.Random(11)
    kept, at, free, not_before, done = [], 0.0, 0.0, 0.0, 0
    coming = [at := at + rng.expovariate(a_second) for _ in range(int(a_second * seconds))]
    while done < len(coming):
        began = max(coming[done], free, not_before)
        batch = coming[done : bisect_right(coming, began)]
        done += len(batch)
        kept += [max(0.0, began - max(one, free)) for one in batch]
        waits = PATIENCE.after(len(batch), took_s=handled_in_s, idle_s=began - free)
        free, not_before = began + handled_in_s, began + waits
    return sorted(kept)


class TestPatience:
    @pytest.mark.parametrize("came", [0, 1])
    def test_nobody_is_kept_after_one_that_came_alone_however_long_it_took(self, came: int) -> None:
        assert PATIENCE.after(came, took_s=5.0) == 0

    def test_one_that_was_there_as_soon_as_there_was_time_for_it_is_not_alone(self) -> None:
        assert PATIENCE.after(1, idle_s=0.009) == 0.02
        assert PATIENCE.after(1, idle_s=0.011) == 0
        assert PATIENCE.after(0, idle_s=0.0) == 0

    def test_grows_with_what_came_and_never_beyond_its_bound(self) -> None:
        assert [PATIENCE.after(came) for came in (2, 5, 20, 500)] == [0.02, 0.05, 0.2, 0.2]

    def test_is_longer_where_the_work_takes_longer_than_company_would(self) -> None:
        assert PATIENCE.after(4, took_s=0.03) == pytest.approx(0.12)
        assert PATIENCE.after(4, took_s=5.0) == 0.2

    def test_but_not_where_two_or_three_have_met_by_chance(self) -> None:
        assert PATIENCE.after(2, took_s=5.0) == 0.02
        assert PATIENCE.after(3, took_s=5.0) == 0.03

    @pytest.mark.parametrize("handled_in_s", [0.01, 0.05, 0.1])
    def test_six_a_second_wait_for_nobody(self, handled_in_s: float) -> None:
        kept = waits(6.0, handled_in_s)
        assert kept[int(len(kept) * 0.95)] == 0.0
        assert kept[int(len(kept) * 0.99)] <= 0.03

    def test_three_hundred_a_second_come_together_however_quickly_each_is_handled(self) -> None:
        kept = waits(300.0, 0.002, seconds=60)
        assert len([one for one in kept if one > 0]) > len(kept) / 2

    def test_fifty_a_second_wait_a_few_milliseconds(self) -> None:
        kept = waits(50.0, 0.01)
        assert kept[len(kept) // 2] == 0.0
        assert kept[int(len(kept) * 0.99)] <= 0.03
