"""What `millrace review` says of a question on one line."""

from __future__ import annotations

from typing import Any

from millrace.review_words import review_line


def match(left: list[Any], right: list[Any]) -> str:
    ends = {"left": "books person -", "right": "crm person 7", "left_value": left, "right_value": right}
    return review_line({"id": 3, "kind": "match", "sync": "people", **ends})


class TestAMatch:
    def test_names_those_who_share_a_value(self) -> None:
        assert match(["1"], ["7", "8"]).endswith("in common: 1, and, 7, 8")

    def test_names_with_whom_a_record_is_paired_in_another_leg(self) -> None:
        said = match(["2-2", {"entity": "customer", "id": "1"}], ["7"])
        assert said.endswith("crm person 7: it is paired with customer 1 in a leg that it has left: who is it now?")
