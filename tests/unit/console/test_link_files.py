"""Files of links: every line is checked, and everything that is wrong is told at once."""

from __future__ import annotations

import json

import pytest

from console.use_cases.link_files import ReadLinks, read_links

HEAD = "left_account,left_entity,left_id,right_account,right_place,right_entity,right_key"
GOOD = "books,customer,1,chimp,list,member,ana@ex.org"


def wrong(text: str) -> list[tuple[int, str, str]]:
    return [(one.row, one.field, one.code) for one in read_links(text).problems]


def csv_of(*lines: str) -> str:
    return "\n".join([HEAD, *lines]) + "\n"


class TestLines:
    def test_of_csv(self) -> None:
        (row,) = read_links(csv_of(GOOD)).rows
        assert (row.line, row.left_account, row.left_id, row.right_place, row.right_key) == (
            2,
            "books",
            "1",
            "list",
            "ana@ex.org",
        )
        assert (row.state, row.rule, row.since) == ("linked", "imported", None)

    def test_of_json(self) -> None:
        told = {
            "left_account": "b", "left_entity": "customer", "left_id": "1", "right_account": "c", "right_entity": "contact",
            "right_id": "9", "state": "ended_right", "rule": "email", "since": "2026-05-04T12:00:00Z",
        }  # fmt: skip
        read = read_links(f"{json.dumps(told)}\n\nno json\n")
        assert [(row.line, row.right_id, row.state, row.rule) for row in read.rows] == [
            (1, "9", "ended_right", "email")
        ]
        assert read.rows[0].since is not None and read.rows[0].since.year == 2026
        assert [(one.row, one.code) for one in read.problems] == [(3, "LINK_FIELD_INVALID")]

    def test_a_cell_that_was_kept_from_being_a_formula(self) -> None:
        (row,) = read_links(csv_of("books,customer,'+49 30,chimp,list,member,'quoted")).rows
        assert (row.left_id, row.right_key) == ("+49 30", "'quoted")

    def test_with_a_mark_of_a_spreadsheet_at_the_beginning(self) -> None:
        assert len(read_links("\ufeff" + csv_of(GOOD)).rows) == 1

    def test_of_nothing(self) -> None:
        assert read_links("") == ReadLinks([], [problem_of_no_columns()])


def problem_of_no_columns() -> object:
    (one,) = read_links("a,b\n").problems
    return one


class TestWhatIsWrong:
    def test_all_of_it_at_once_with_the_lines(self) -> None:
        text = csv_of(GOOD, ",customer,2,chimp,list,member,b@ex.org", "books,customer,,chimp,list,member,", "books,customer,1,chimp,list,member,c@ex.org")  # fmt: skip
        assert wrong(text) == [
            (3, "left_account", "LINK_FIELD_MISSING"), (4, "left_id", "LINK_FIELD_MISSING"),
            (4, "right_id", "LINK_FIELD_MISSING"), (5, "left_id", "LINK_TWICE"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("field", "value"), [("state", "perhaps"), ("since", "yesterday"), ("left_id", "x" * 401), ("left_id", 7), ("rule", ["a"])]
    )  # fmt: skip
    def test_values_of_another_form(self, field: str, value: object) -> None:
        told = {
            "left_account": "b", "left_entity": "customer", "left_id": "1", "right_account": "c", "right_entity": "contact",
            "right_id": "9", field: value,
        }  # fmt: skip
        assert wrong(json.dumps(told)) == [(1, field, "LINK_FIELD_INVALID")]

    def test_several_records_may_share_a_counterpart(self) -> None:
        assert wrong(csv_of(GOOD, "books,customer,2,chimp,list,member,ana@ex.org")) == []

    def test_a_file_without_the_columns(self) -> None:
        assert wrong("a,b\n1,2\n") == [(1, "left_account", "LINK_FIELD_MISSING")]
