"""Files and templates before anybody is asked: which legs they come to."""

from __future__ import annotations

from typing import Any

from console.use_cases.wishes import LegWish, SyncWish, written_legs
from mapper.mapping.definitions import template
from mapper.mapping.problems import Problem

ROWS = [{"target": "code", "from": "number"}]
TWO: dict[str, Any] = {
    "source": {"vendor": "a"},
    "target": {"vendor": "b"},
    "legs": [
        {"source": {"entity": "customer"}, "target": {"entity": "contact"}, "key": "code", "rows": ROWS},
        {
            "name": "contact-back", "direction": "back", "source": {"entity": "contact"}, "target": {"entity": "customer"},
            "key": "code", "rows": ROWS, "options": {"clear_empty": False},
        },
    ],
}  # fmt: skip


def legs_of(given: dict[str, Any], *legs: LegWish, **alone: Any) -> list[Any]:
    problems: list[Problem] = []
    found = written_legs(SyncWish("s", "t", "a", "b", LegWish(**alone), legs or None), given, problems)
    assert problems == []
    return found


class TestLegs:
    def test_a_file_without_legs_is_its_templates_one(self) -> None:
        (one,) = legs_of(template("zoho-books-to-mailchimp"), place="News", more_rows=ROWS)
        assert (one.at, one.name, one.direction, one.source_entity, one.target_entity, one.place) == (
            "", "customer", "forward", "customer", "member", "News",
        )  # fmt: skip
        assert one.asked == range(12, 13)

    def test_a_template_may_have_several(self) -> None:
        found = legs_of(TWO)
        assert [(one.name, one.direction, one.source_entity) for one in found] == [
            ("customer", "forward", "customer"),
            ("contact-back", "back", "contact"),
        ]

    def test_a_file_takes_the_rest_from_the_leg_of_the_same_name(self) -> None:
        (one,) = legs_of(TWO, LegWish(name="contact-back", filter="x", options={"on_delete": "leave"}))
        assert (one.direction, one.target_entity, one.definition.filter, one.definition.key) == (
            "back",
            "customer",
            "x",
            "code",
        )
        assert (one.definition.on_delete, one.definition.clears_empty, one.asked) == ("leave", False, range(2, 2))

    def test_a_leg_that_the_template_does_not_know_is_written_whole(self) -> None:
        (one,) = legs_of(TWO, LegWish(source_entity="invoice", target_entity="bill", key="code", rows=ROWS))
        assert (one.name, one.at, one.asked) == ("invoice", "legs[invoice]", range(1, 2))


class TestSettings:
    WITHIN: dict[str, Any] = TWO | {
        "activity": {"to": ["notes", "none"]},
        "legs": [
            TWO["legs"][0],
            {
                "name": "activity", "direction": "within", "source": {"entity": "customer"}, "target": {"entity": "note"},
                "key": "code", "rows": ROWS, "when": {"to": ["notes"]},
            },
        ],
    }  # fmt: skip

    def written(self, problems: list[Problem], **more: Any) -> list[Any]:
        wish = SyncWish("s", "t", "a", "b", LegWish(place="News", more_rows=ROWS), **more)
        return written_legs(wish, self.WITHIN, problems)

    def test_what_stands_at_the_top_is_not_that_of_a_leg_within_the_source(self) -> None:
        first, within = self.written([])
        assert (first.place, first.asked, within.place, within.asked, within.direction) == (
            "News", range(2, 3), "", range(2, 2), "within",
        )  # fmt: skip
        assert (first.definition.filter, within.definition.filter) == ("", "")

    def test_switch_a_leg_off_and_leave_it_in_place(self) -> None:
        first, within = self.written([], activity={"to": "none"})
        assert (first.definition.filter, within.definition.filter) == ("", "`false`")

    def test_that_do_not_exist_are_told_with_those_that_do(self) -> None:
        problems: list[Problem] = []
        self.written(problems, activity={"to": "fax", "profile_edits": "apply"})
        assert [one.words for one in problems] == [
            "There is no setting to: 'fax'; the template has to: notes, none.",
            "There is no setting profile_edits: 'apply'; the template has to: notes, none.",
        ]
