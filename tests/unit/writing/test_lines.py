"""A line fills its calls: two claims a place are on their way to a shared call, and the next one waits for the end of one."""

import asyncio
from collections import Counter

import pytest

from common.contracts.ids import Entity
from writing.lines import ENOUGH, ONE_BY_ONE, PATIENCE, Line

MEMBER, NOTE = Entity("member"), Entity("note")


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


class TestSharedCalls:
    def test_a_place_is_full_with_two_and_free_with_the_end_of_one(self) -> None:
        line, woken = Line(8), Woken()
        first = line.sharing({(MEMBER, "a"): 1, (MEMBER, "b"): 1}, woken)
        assert line.full == []
        line.sharing({(MEMBER, "a"): 1}, woken)
        assert line.full == ["a"]
        first.may_share(False)
        assert (line.full, woken.times) == ([], 1)

    def test_two_kinds_of_records_do_not_fill_each_others_calls(self) -> None:
        line = Line(8)
        line.sharing({(MEMBER, "a"): 1}, Woken())
        line.sharing({(NOTE, "a"): 1}, Woken())
        assert line.full == []

    def test_whoever_has_single_calls_left_is_in_nobodys_way_until_it_shares_again(self) -> None:
        line, woken = Line(8), Woken()
        line.sharing({(MEMBER, "a"): 1}, woken)
        single = line.sharing({(MEMBER, "a"): 1}, woken)
        single.may_share(False)
        single.may_share(False)
        assert (line.full, woken.times) == ([], 1)
        single.may_share(True)
        assert line.full == ["a"]


class TestCompanyForTheNextCall:
    """Who comes alone waits for nobody; after several that shared a call the next ones gather for as long as so many more take."""

    async def test_is_waited_for_after_several_and_somebody_wakes_when_it_is_over(self) -> None:
        now, woken = [100.0], asyncio.Event()
        line = Line(8, clock=lambda: now[0])
        first = line.sharing({(MEMBER, "a"): 3, (MEMBER, "b"): 1}, lambda: None)
        second = line.sharing({(MEMBER, "a"): 2}, woken.set)
        first.may_share(True)
        first.over()
        assert line.full == ["a"]
        second.may_share(True)
        now[0] += 2 * PATIENCE.each_s
        assert line.full == ["a"], "the fewer do not end the wait of the more"
        now[0] += PATIENCE.each_s
        assert line.full == []
        await asyncio.wait_for(woken.wait(), 10.0)

    @pytest.mark.parametrize("rows", [1, ENOUGH, 500])
    def test_is_not_behind_one_alone_and_not_behind_a_call_that_is_full_enough(self, rows: int) -> None:
        line = Line(8)
        line.sharing({(MEMBER, "a"): rows}, Woken()).may_share(True)
        assert line.full == []

    def test_is_not_behind_rows_that_turned_out_to_go_one_by_one(self) -> None:
        line = Line(8)
        line.sharing({(MEMBER, "a"): 50}, Woken()).may_share(False)
        assert line.full == []


class TestRowsThatGoOneByOne:
    def test_others_gather_behind_fifty_of_a_place(self) -> None:
        line, woken = Line(8), Woken()
        first, second = (line.sharing({(MEMBER, "a"): 1}, woken) for _ in range(2))
        for one in (first, second):
            one.may_share(False)
        first.goes_one_by_one(Counter(a=ONE_BY_ONE - 1))
        assert line.full == []
        second.goes_one_by_one(Counter(a=1, b=1))
        assert line.full == ["a"]

    def test_until_some_have_gone(self) -> None:
        line, woken = Line(8), Woken()
        share = line.sharing({(MEMBER, "a"): 1}, woken)
        share.may_share(False)
        share.goes_one_by_one(Counter(a=ONE_BY_ONE))
        share.goes_one_by_one(Counter(a=ONE_BY_ONE - 1))
        assert (line.full, woken.times) == ([], 2)

    def test_a_claim_that_is_over_holds_nobody_up(self) -> None:
        line, woken = Line(8), Woken()
        shares = [line.sharing({(MEMBER, "a"): 1}, woken) for _ in range(2)]
        shares[0].goes_one_by_one(Counter(a=500))
        for one in shares:
            one.over()
        assert line.full == []
