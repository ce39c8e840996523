"""How the row for which a whole call fails is found: for every place where it may stand."""

import math
from collections.abc import Sequence

import pytest

from common.failures import Bug, Conflict, Failure, RateLimited, Rejected, Transient, Unauthorised, Unknown
from writing.splitting import Hunt, is_about_some_row, parts


class Search:
    """What an executor does, without calls: a call fails that has one of the guilty rows in it."""

    def __init__(self, guilty: set[int]) -> None:
        self.guilty = guilty
        self.calls = 0
        self.breaks = 0
        self.alone: set[int] = set()
        self.written: list[int] = []

    def call(self, rows: Sequence[int]) -> bool:
        self.calls += 1
        failed = bool(self.guilty & set(rows))
        if failed and len(rows) == 1:
            self.alone |= set(rows)
        if not failed:
            self.written += rows
        return not failed

    def whole(self, rows: Sequence[int]) -> None:
        if not self.call(rows) and len(rows) > 1:
            self.part(rows, 1)

    def part(self, rows: Sequence[int], depth: int) -> None:
        self.breaks = max(self.breaks, depth)
        if len(rows) == 1:
            return self.whole(rows)
        first, others = parts(rows)
        passed = self.call(first)
        if not passed and len(first) > 1:
            self.part(first, depth + 1)
        return self.part(others, depth) if passed else self.whole(others)


class TestParts:
    def test_one_guilty_row_of_five_hundred_is_alone_after_sixteen_calls_and_its_neighbours_are_written(self) -> None:
        most_calls = most_breaks = 0
        for guilty in range(500):
            search = Search({guilty})
            search.whole(range(500))
            assert search.alone == {guilty} and sorted(search.written) == [n for n in range(500) if n != guilty]
            most_calls, most_breaks = max(most_calls, search.calls), max(most_breaks, search.breaks)
        assert most_calls == 16 <= 2 * math.log2(500)
        # Where each break is waited out (R2), so many times the last rows wait.
        assert most_breaks == 6

    @pytest.mark.parametrize("guilty", [{0, 499}, {7, 8, 9}, set(range(0, 500, 50)), {3, 4}])
    def test_several_are_all_found(self, guilty: set[int]) -> None:
        search = Search(guilty)
        search.whole(range(500))
        assert search.alone == guilty and len(search.written) == 500 - len(guilty) == len(set(search.written))


class TestIsAboutSomeRow:
    @pytest.mark.parametrize("status", [400, 404, 413, 422])
    def test_a_call_that_was_refused_whole_is(self, status: int) -> None:
        assert is_about_some_row(Rejected("X", "x", vendor_status=status), 2)
        assert not is_about_some_row(Rejected("X", "x", vendor_status=status), 1)

    def test_a_document_on_which_our_code_broke_before_anything_was_sent_is(self) -> None:
        assert is_about_some_row(Bug("VENDOR_CODE_FAILED", "x"), 2)

    @pytest.mark.parametrize(
        "failure",
        [
            Rejected("X", "x", vendor_status=403, about="account"),
            Rejected("X", "x", vendor_status=404, about="place"),
            Unknown("X", "x", vendor_status=500, complete=True),
            RateLimited("X", "x", vendor_status=429),
            Unauthorised("X", "x", vendor_status=401),
            Conflict("X", "x", vendor_status=404),
            Transient("VENDOR_UNREACHABLE", "x"),
            None,
        ],
    )
    def test_nothing_else_is(self, failure: Failure | None) -> None:
        assert not is_about_some_row(failure, 500)


class TestHunt:
    def test_is_given_up_where_everything_is_refused(self) -> None:
        hunt = Hunt(500)
        for _ in range(17):
            hunt.tell(Rejected("X", "x"))
        assert not hunt.is_vain
        hunt.tell(Rejected("X", "x"))
        assert hunt.is_vain
        hunt.tell(None)
        assert not hunt.is_vain
