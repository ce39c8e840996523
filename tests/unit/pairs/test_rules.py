"""R15 to R20, each in the smallest history that needs it; what they hold together is in the property test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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
