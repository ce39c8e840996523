"""After an outcome that nobody saw: what proves that a write of ours was applied, whatever people did to the member since."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.members import looked_at, member
from vendors.acts import Act, Attempt
from vendors.mailchimp import seeing, wire
from vendors.mailchimp.wire import CHANGED_AT, MADE_AT, MADE_BY
from vendors.target_record import TargetRecord

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def edited(**more: Any) -> TargetRecord:
    shown = {
        "standing": "subscribed", "values": {"merge.FNAME": "Queen", "merge.LNAME": "Lee", "tags": []},
        "made_at": AT + timedelta(seconds=1), "made_by": "API - Generic", "stamp": AT + timedelta(minutes=3),
    }  # fmt: skip
    return looked_at(**{**shown, **more})


EDITED = edited()
CREATE = Act("create", "k", {"email": "k", "merge.FNAME": "Ana", "merge.LNAME": "Lea", "standing": "subscribed"})
BACK = Act("return", "k", {"merge.FNAME": "Ana", "standing": "subscribed"})


def attempt(act: Act, **before: Any) -> Attempt:
    return Attempt(act, {f"merge.{name}": value for name, value in before.items()}, AT)


class TestACreate:
    def test_is_known_by_the_members_birth_and_not_by_its_values(self) -> None:
        assert seeing.landed(attempt(CREATE), EDITED) is not None

    def test_keeps_what_the_person_chose_since(self) -> None:
        done = seeing.landed(attempt(CREATE), edited(standing="unsubscribed"))
        assert done is not None
        assert done.became["standing"] == "unsubscribed"

    def test_did_not_make_a_member_who_was_there_before(self) -> None:
        older = edited(values=CREATE.values, made_at=AT - timedelta(minutes=1))
        assert seeing.landed(attempt(CREATE), older) is None

    @pytest.mark.parametrize("way", ["Hosted Signup Form", "Admin Add", "List Import from CSV"])
    def test_did_not_make_a_member_who_came_another_way(self, way: str) -> None:
        assert seeing.landed(attempt(CREATE), edited(made_by=way)) is None

    def test_is_known_by_its_values_where_no_birth_is_told(self) -> None:
        unborn = {"made_at": None, "made_by": ""}
        assert seeing.landed(attempt(CREATE), edited(**unborn)) is None
        assert seeing.landed(attempt(CREATE), edited(**unborn, values=CREATE.values)) is not None


class TestAnUpdate:
    ACT = Act("update", "k", {"merge.FNAME": "Ana", "merge.LNAME": "Lee"})

    def test_is_known_by_one_field_that_nobody_has_changed_again(self) -> None:
        assert seeing.landed(attempt(self.ACT, FNAME="A", LNAME="L"), EDITED) is not None

    def test_is_not_known_by_a_field_that_was_so_before(self) -> None:
        assert seeing.landed(attempt(self.ACT, FNAME="A", LNAME="Lee"), EDITED) is None

    def test_has_not_made_what_was_so_before_it_was_sent(self) -> None:
        there = edited(values=self.ACT.values, stamp=AT - timedelta(minutes=1))
        assert seeing.landed(attempt(self.ACT, FNAME="A"), there) is None


class TestAReturn:
    def test_is_known_by_the_member_being_back(self) -> None:
        assert seeing.landed(attempt(BACK, FNAME="A"), EDITED) is not None
        assert seeing.landed(attempt(BACK, FNAME="A"), edited(standing="archived")) is None

    def test_is_not_what_has_raised_a_member_higher(self) -> None:
        low = replace(BACK, values={**BACK.values, "standing": "unsubscribed"})
        assert seeing.landed(attempt(low, FNAME="A"), EDITED) is None
        ours = edited(values={"merge.FNAME": "Ana"})
        assert seeing.landed(attempt(low, FNAME="A"), ours) is not None


class TestLate:
    GONE, ARCHIVED = (
        member(exists=False),
        member(exists=True, met=True, standing="archived", former="subscribed"),
    )

    def test_by_a_create_that_came_late(self) -> None:
        assert seeing.late(attempt(CREATE), self.GONE, EDITED)

    def test_not_by_a_create_where_the_member_was_there_and_archived(self) -> None:
        assert not seeing.late(attempt(CREATE), self.ARCHIVED, EDITED)

    def test_not_by_us_where_a_person_signed_up(self) -> None:
        assert not seeing.late(attempt(CREATE), self.GONE, edited(made_by="Hosted Signup Form"))

    def test_by_a_return_whose_fields_are_there(self) -> None:
        back = edited(values={"merge.FNAME": "Ana"})
        assert seeing.late(attempt(BACK, FNAME="A"), self.ARCHIVED, back)
        assert not seeing.late(attempt(BACK, FNAME="Ana"), self.ARCHIVED, back)

    @pytest.mark.parametrize(
        ("act", "known", "seen"),
        [
            (Act("give:a", "k", {"tags": ["a"]}), {}, {"tags": ["a"]}),
            (Act("take:a", "k", {"tags": []}), {"tags": ["a"]}, {"tags": []}),
            (Act("update", "k", {"merge.LNAME": "Lee"}), {"merge.LNAME": "Lea"}, {"merge.LNAME": "Lee"}),
        ],
    )
    def test_is_what_we_see_and_do_not_know(self, act: Act, known: Any, seen: Any) -> None:
        there, knows = edited(values=seen), member(exists=True, standing="subscribed", values=known)
        assert seeing.late(attempt(act), knows, there)
        assert not seeing.late(attempt(act), member(exists=True, standing="subscribed", values=seen), there)
        assert not seeing.late(attempt(act), self.GONE, member(exists=False))
        assert not seeing.brings(act)

    def test_is_an_archive_where_the_member_is_there_for_all_we_know(self) -> None:
        act = attempt(Act("archive", "k", {"standing": "archived"}))
        assert seeing.late(act, EDITED, self.ARCHIVED)
        assert not seeing.late(act, self.ARCHIVED, self.ARCHIVED)


def test_a_look_tells_birth_way_and_stamp() -> None:
    shown = wire.member(
        {
            "email_address": "k", "status": "subscribed", "id": "1", "timestamp_signup": "", "source": "API - Generic",
            "timestamp_opt": "2026-01-01T12:00:00+00:00", "last_changed": "2026-01-01T12:00:05+00:00",
        }
    )  # fmt: skip
    assert tuple(shown.memory[name] for name in (MADE_AT, MADE_BY, CHANGED_AT)) == (
        AT,
        "API - Generic",
        AT + timedelta(seconds=5),
    )
