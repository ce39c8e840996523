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


class TestAListThatTellsLess:
    """Addresses stand in no list of Zoho Books: of a version that a list has told they come with the read that follows, or with a late webhook."""

    def listed(self) -> Pair:
        return pairs.seen(pairs.seen(Pair(), "left", self.whole(0, "Graz")), "left", saw(5, "ours", settled=True))

    def whole(self, second: int, city: str, *, settled: bool = True) -> Observation:
        return Observation(NOON + timedelta(seconds=second), settled, {"name": "ours", "city": city})

    def test_is_followed_by_a_read_of_the_same_version(self) -> None:
        both = pairs.seen(pairs.seen(Pair(), "left", saw(5, "ours", settled=True)), "left", self.whole(5, "Vienna"))
        assert both.left.seen == {"name": "ours", "city": "Vienna"}

    def test_hides_no_edit_that_the_read_of_the_same_version_shows(self) -> None:
        assert pairs.seen(self.listed(), "left", self.whole(5, "Vienna")).left.seen["city"] == "Vienna"

    def test_is_doubted_when_a_late_webhook_of_its_second_tells_more_and_a_read_says_it(self) -> None:
        both = pairs.seen(self.listed(), "left", self.whole(5, "Vienna", settled=False))
        assert both.left.doubtful
        both = pairs.seen(both, "left", self.whole(5, "Vienna"))
        assert (both.left.doubtful, both.left.seen["city"]) == (False, "Vienna")

    def test_is_not_doubted_by_a_webhook_that_tells_what_is_known(self) -> None:
        assert not pairs.seen(self.listed(), "left", self.whole(5, "Graz", settled=False)).left.doubtful
