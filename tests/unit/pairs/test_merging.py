"""The three-way merge against a little judge that knows nothing of how it is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from common.pairs.merging import NOWHERE, Answer, Current, Merged, Policy, Question, Rule, merge3

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
VALUES = st.sampled_from("abc")
RULES = st.sampled_from(get_args(Rule))
TIMES = st.one_of(st.none(), st.integers(0, 3).map(lambda s: NOON + timedelta(seconds=s)))


def one(own: str, at: datetime | None = None, **more: Any) -> Current:
    return Current(own, own, at, **more)


def merged(agreed: tuple[str, str] | None, left: Current, right: Current, policy: Policy) -> Merged:
    return merge3({"f": agreed} if agreed else {}, {"f": left}, {"f": right}, policy)


def after(result: Merged, left: str, right: str) -> tuple[Any, Any]:
    """What both sides have once everything is written."""
    return result.to_left.get("f", left), result.to_right.get("f", right)


class TestMerge3:
    @given(VALUES, VALUES, VALUES, RULES, TIMES, TIMES)
    def test_against_a_judge(
        self, base: str, left: str, right: str, rule: Rule, at_left: datetime | None, at_right: datetime | None
    ) -> None:
        result = merged((base, base), one(left, at_left), one(right, at_right), Policy({"f": rule}))
        candidates = {left} if right == base else {right} if left == base else {left, right}
        if len(candidates) == 2 and left != right and rule == "ask":
            assert (after(result, left, right), dict(result.asks)) == ((left, right), {"f": Question(left, right)})
            return
        both = after(result, left, right)
        assert both[0] == both[1] and both[0] in candidates and not result.asks
        if len(candidates) == 2 and left != right:
            later = right if at_right and (at_left is None or at_right > at_left) else left
            assert both[0] == {"source": left, "target": right, "newest": later}[rule]
            assert [lost.value for lost in result.overridden] == [left if both[0] == right else right]
        else:
            assert not result.overridden

    @given(VALUES, VALUES, VALUES, RULES)
    def test_is_the_same_from_either_end(self, base: str, left: str, right: str, rule: Rule) -> None:
        """Sides have names, and no side has a privilege but the source's."""
        here = merged((base, base), one(left), one(right), Policy({"f": rule}, source="left"))
        there = merged((base, base), one(right), one(left), Policy({"f": rule}, source="right"))
        assert after(here, left, right) == after(there, right, left)[::-1]

    @given(VALUES, VALUES, VALUES, RULES)
    def test_of_its_own_result_changes_nothing(self, base: str, left: str, right: str, rule: Rule) -> None:
        both = after(merged((base, base), one(left), one(right), Policy({"f": rule})), left, right)
        if both[0] == both[1]:
            again = merged((both[0], both[1]), one(both[0]), one(both[1]), Policy({"f": rule}))
            assert (again.to_left, again.to_right, again.asks) == ({}, {}, {})

    def test_each_side_is_compared_with_its_own_spelling(self) -> None:
        """R15: one agreed value for both sides would send a and its normal form to and fro for ever."""
        result = merged(("a", "an"), one("a"), one("an"), Policy())
        assert (result.to_left, result.to_right, result.agreed) == ({}, {}, ())

    def test_what_the_mapping_makes_alike_is_agreed(self) -> None:
        result = merged(None, Current("Ana ", "Ana"), Current("Ana", "Ana"), Policy({"f": "ask"}))
        assert (result.agreed, result.asks) == (("f",), {})

    def test_without_an_agreement_both_have_changed(self) -> None:
        assert merged(None, one("a"), one("b"), Policy({"f": "ask"})).asks == {"f": Question("a", "b")}

    def test_what_one_side_has_not_told_is_left_alone(self) -> None:
        result = merge3({}, {"f": one("a")}, {}, Policy())
        assert (result.to_left, result.to_right) == ({}, {})


class TestAnswers:
    def test_an_answer_holds_for_its_two_values(self) -> None:
        """R20."""
        policy = Policy({"f": "ask"}, answers={"f": Answer("a", "b", "right")})
        assert merged(("0", "0"), one("a"), one("b"), policy).to_left == {"f": "b"}
        other = merged(("0", "0"), one("c"), one("b"), policy)
        assert (other.to_left, other.asks) == ({}, {"f": Question("c", "b")})


class TestWhatWasOverwritten:
    def test_clashes_with_what_overwrote_it(self) -> None:
        """R19."""
        lost = one("b", overwritten=True, clashes=True)
        assert merged(("a", "a"), one("a"), lost, Policy({"f": "target"})).to_right == {"f": "b"}
        kept = merged(("a", "a"), one("a"), lost, Policy({"f": "source"}))
        assert [o.value for o in kept.overridden] == ["b"]

    def test_is_restored_where_it_was_only_carried_along(self) -> None:
        result = merged(("a", "a"), one("a"), one("b", overwritten=True), Policy({"f": "source"}))
        assert (result.to_right, result.overridden) == ({"f": "b"}, ())


class TestAValueThatTheOtherSideCannotHave:
    """A required field that is empty here: nothing is written there, and what is there may come."""

    def test_stays_where_it_is(self) -> None:
        found = merge3({"city": ("a", "a")}, {"city": Current("", NOWHERE)}, {"city": Current("a", "a")}, Policy())
        assert (found.to_left, found.to_right, found.asks) == ({}, {}, {})

    def test_gives_way_to_an_edit_of_the_other(self) -> None:
        found = merge3({}, {"city": Current("", NOWHERE)}, {"city": Current("b", "b")}, Policy())
        assert (found.to_left, found.to_right) == ({"city": "b"}, {})

    def test_on_both_sides_is_nobodys(self) -> None:
        found = merge3({}, {"city": Current("", NOWHERE)}, {"city": Current("?", NOWHERE)}, Policy())
        assert (found.to_left, found.to_right, found.asks) == ({}, {}, {})
