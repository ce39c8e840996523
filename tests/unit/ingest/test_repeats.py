"""What a vendor sends again is known by its bytes and the name it is sent under, for a while."""

from __future__ import annotations

from common.contracts.ids import EventId
from ingest.repeats import Repeats

ONE, OTHER = EventId("one"), EventId("other")


class TestRepeats:
    def test_same_bytes_under_one_of_their_names_are_a_repeat_once_they_were_handled(self) -> None:
        repeats = Repeats()
        assert not repeats.knows(ONE, ["delivery 1", "orders/create e"])
        # A batch that failed comes again, and is handled then.
        assert not repeats.knows(ONE, ["delivery 1", "orders/create e"])
        repeats.handled(ONE, ["delivery 1", "orders/create e"])
        assert repeats.knows(ONE, ["delivery 1"])
        assert repeats.knows(ONE, ["delivery 2", "orders/create e"])

    def test_other_bytes_and_the_same_bytes_under_new_names_are_none(self) -> None:
        """Names are not signed; and an account that leaves a second time says the same as the first time."""
        repeats = Repeats()
        repeats.handled(ONE, ["delivery 1", "orders/create e"])
        assert not repeats.knows(OTHER, ["delivery 1", "orders/create e"])
        assert not repeats.knows(ONE, ["delivery 2", "orders/create f"])
        assert not repeats.knows(ONE, [])

    def test_memory_is_bounded_and_forgets_the_oldest(self) -> None:
        repeats = Repeats(most=3)
        for number in range(5):
            repeats.handled(ONE, [f"delivery {number}"])
        assert [repeats.knows(ONE, [f"delivery {number}"]) for number in range(5)] == [False, False, True, True, True]
