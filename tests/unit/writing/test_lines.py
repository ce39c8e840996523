"""A line fills its calls: two claims a place are on their way to a shared call, and the next one waits for the end of one."""

from collections import Counter

from common.contracts.ids import Entity
from writing.lines import ONE_BY_ONE, Line

MEMBER, NOTE = Entity("member"), Entity("note")


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


class TestSharedCalls:
    def test_a_place_is_full_with_two_and_free_with_the_end_of_one(self) -> None:
        line, woken = Line(8), Woken()
        first = line.sharing({(MEMBER, "a"), (MEMBER, "b")}, woken)
        assert line.full == []
        line.sharing({(MEMBER, "a")}, woken)
        assert line.full == ["a"]
        first.may_share(False)
        assert (line.full, woken.times) == ([], 1)

    def test_two_kinds_of_records_do_not_fill_each_others_calls(self) -> None:
        line = Line(8)
        line.sharing({(MEMBER, "a")}, Woken())
        line.sharing({(NOTE, "a")}, Woken())
        assert line.full == []

    def test_whoever_has_single_calls_left_is_in_nobodys_way_until_it_shares_again(self) -> None:
        line, woken = Line(8), Woken()
        line.sharing({(MEMBER, "a")}, woken)
        single = line.sharing({(MEMBER, "a")}, woken)
        single.may_share(False)
        single.may_share(False)
        assert (line.full, woken.times) == ([], 1)
        single.may_share(True)
        assert line.full == ["a"]


class TestRowsThatGoOneByOne:
    def test_others_gather_behind_fifty_of_a_place(self) -> None:
        line, woken = Line(8), Woken()
        first, second = (line.sharing({(MEMBER, "a")}, woken) for _ in range(2))
        for one in (first, second):
            one.may_share(False)
        first.goes_one_by_one(Counter(a=ONE_BY_ONE - 1))
        assert line.full == []
        second.goes_one_by_one(Counter(a=1, b=1))
        assert line.full == ["a"]

    def test_until_some_have_gone(self) -> None:
        line, woken = Line(8), Woken()
        share = line.sharing({(MEMBER, "a")}, woken)
        share.may_share(False)
        share.goes_one_by_one(Counter(a=ONE_BY_ONE))
        share.goes_one_by_one(Counter(a=ONE_BY_ONE - 1))
        assert (line.full, woken.times) == ([], 2)

    def test_a_claim_that_is_over_holds_nobody_up(self) -> None:
        line, woken = Line(8), Woken()
        shares = [line.sharing({(MEMBER, "a")}, woken) for _ in range(2)]
        shares[0].goes_one_by_one(Counter(a=500))
        for one in shares:
            one.over()
        assert line.full == []
