"""R15 to R20, each in the smallest history that needs it; what they hold together is in the property test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.pairs import pair as pairs
from common.pairs.merging import Answer, Policy, Question, SideName
from common.pairs.pair import Judgement, Pair, Tells
from common.pairs.sides import Observation

BEGAN = datetime(2026, 5, 4, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    return BEGAN + timedelta(seconds=second)


def told(pair: Pair, name: SideName, second: int, *, settled: bool = False, by_us: bool = False, **values: Any) -> Pair:
    return pairs.seen(pair, name, Observation(at(second), settled, values, by_us))


def judged(pair: Pair, rule: Any = "source", **answers: Answer) -> Judgement:
    return pairs.judged(pair, Policy({"city": rule}, answers=answers), lambda _, values: values)


def agreed(city: str = "0") -> Pair:
    both = told(told(Pair(), "left", 0, settled=True, city=city), "right", 0, settled=True, city=city)
    return judged(both).pair


def written(pair: Pair, second: int, became: str, tells: Tells = "values") -> Pair:
    """What is due to the right side is written there."""
    pair = pairs.begun(pair, "right", judged(pair).writes("right"))
    return pairs.answered(pair, "right", at(second), {"city": became} if tells == "values" else {}, tells)


def _odd(tells: Tells = "values") -> Pair:
    """The right side has made of our `a` a `b` that nobody has entered there."""
    pair = written(told(agreed(), "left", 1, city="a"), 2, "b", tells)
    return told(pair, "right", 2, settled=True, by_us=True, city="b") if tells == "author" else pair


class TestRules:
    def test_r15_what_a_side_has_made_of_a_write_is_no_edit_of_its(self) -> None:
        pair = written(told(agreed(), "left", 1, city="a"), 2, "A")
        assert (judged(pair).writes("left"), judged(pair).writes("right")) == ({}, {})

    def test_r16_what_is_seen_during_a_write_is_not_buried_by_its_answer(self) -> None:
        pair = told(agreed(), "left", 1, city="a")
        pair = pairs.begun(pair, "right", judged(pair).writes("right"))
        pair = told(pair, "right", 3, city="b")
        pair = pairs.answered(pair, "right", at(2), {"city": "a"}, "values")
        assert pair.right.seen == {"city": "b"}
        assert judged(pair).merged.to_left == {"city": "b"}

    def test_r17_another_value_with_the_stamp_of_our_write_asks_for_a_read(self) -> None:
        pair = told(written(told(agreed(), "left", 1, city="a"), 2, "a"), "right", 2, city="b")
        assert pair.right.doubtful
        assert judged(pair).free == frozenset()

    def test_r18_a_settled_read_that_names_us_tells_what_a_write_became(self) -> None:
        pair = written(told(agreed(), "left", 1, city="a"), 2, "", tells="author")
        pair = told(pair, "right", 2, settled=True, by_us=True, city="A")
        assert (pair.right.agreed, judged(pair).writes("left")) == ({"city": "A"}, {})

    @pytest.mark.parametrize("tells", ["values", "author"])
    def test_r18_what_no_known_form_explains_is_asked_and_nothing_is_written(self, tells: Tells) -> None:
        found = judged(_odd(tells))
        assert found.merged.unexplained == {"city": Question("a", "b")}
        assert (found.merged.asks, found.writes("left"), found.writes("right")) == ({}, {}, {})

    def test_r18_a_form_that_may_stay_is_asked_of_no_more(self) -> None:
        found = judged(_odd(), city=Answer("a", "b", "keep"))
        assert (found.merged.unexplained, found.writes("left"), found.writes("right")) == ({}, {}, {})

    def test_r18_what_is_shown_is_written_where_it_was_written_from_and_both_are_in_step(self) -> None:
        found = judged(_odd(), city=Answer("a", "b", "take"))
        assert ({at: one.sent for at, one in found.writes("left").items()}, found.writes("right")) == (
            {"city": "b"},
            {},
        )
        assert [(lost.side, lost.value, lost.rule) for lost in found.overridden] == [("left", "a", "answered")]
        pair = pairs.begun(found.pair, "left", found.writes("left"))
        pair = judged(pairs.answered(pair, "left", at(4), {"city": "b"}, "values")).pair
        assert (pair.left.agreed, pair.right.agreed, pair.right.unexplained) == (
            {"city": "b"},
            {"city": "b"},
            frozenset(),
        )

    def test_r18_an_edit_of_what_was_asked_about_goes_on(self) -> None:
        mended = judged(told(_odd(), "right", 5, city="c"))
        assert (mended.merged.to_left, mended.merged.unexplained) == ({"city": "c"}, {})
        again = written(told(_odd(), "left", 5, city="c"), 6, "c")
        assert (judged(again).merged.unexplained, again.right.unexplained) == ({}, frozenset())

    def test_r18_a_field_that_kept_what_it_had_was_not_emptied(self) -> None:
        pair = written(told(agreed(), "left", 1, city=""), 2, "0")
        assert judged(pair).merged.unexplained == {"city": Question("", "0")}

    def test_r19_an_edit_that_we_overwrote_unseen_is_judged_against_what_overwrote_it(self) -> None:
        pair = written(told(agreed(), "left", 1, city="a"), 3, "a")
        found = judged(told(pair, "right", 2, city="b"))
        assert [(lost.side, lost.value) for lost in found.overridden] == [("right", "b")]

    def test_r20_an_answer_holds_for_its_two_values(self) -> None:
        pair = told(told(agreed(), "left", 1, city="a"), "right", 1, city="b")
        answer = Answer("a", "b", "right")
        assert judged(pair, "ask", city=answer).merged.to_left == {"city": "b"}
        later = told(pair, "left", 2, city="c")
        assert judged(later, "ask", city=answer).merged.asks == {"city": Question("c", "b")}
