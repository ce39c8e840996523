"""What a late observation is, by the field's known history (R19)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from common.pairs import pair as pairs
from common.pairs.pair import Pair
from common.pairs.sides import Observation, Part

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def saw(second: int, value: str, *, settled: bool = False, by_us: bool = False) -> Observation:
    return Observation(NOON + timedelta(seconds=second), settled, {"name": value}, by_us)


def overwritten_unseen() -> Pair:
    """We wrote "ours" over "theirs" in one second; nobody saw the answer, and the hook of "theirs" came after the look."""
    both = pairs.seen(Pair(), "right", saw(0, "old", settled=True))
    both = pairs.begun(both, "right", {"name": Part("ours", "old", "ours")})
    both = pairs.looked(both, "right", saw(7, "ours", settled=True, by_us=True))
    return pairs.seen(both, "right", saw(7, "theirs"))


class TestOneSecond:
    def test_what_our_write_left_at_its_end_is_no_edit_after_another_write(self) -> None:
        both = overwritten_unseen()
        assert both.right.overwritten["name"].value == "theirs"
        both = pairs.begun(both, "right", {"name": Part("theirs", "ours", "ours", restores=True)})
        both = pairs.answered(both, "right", NOON + timedelta(seconds=11), {"name": "theirs"}, "values")
        both = pairs.seen(both, "right", saw(10, "ours"))
        assert (both.right.seen["name"], both.right.overwritten, both.right.outdated) == ("theirs", {}, ())
