"""A line fills its calls: two claims a place are on their way to a shared call, and the next one waits for the end of one."""

from common.contracts.ids import Entity
from writing.lines import Line

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
