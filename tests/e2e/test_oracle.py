"""The judge itself: whatever is wrong it must see, or the tests that believe it prove nothing."""

from __future__ import annotations

from typing import Any

from tests.e2e.oracle import differences, untold
from tests.e2e.vendors import hash_of

EMAIL = "ida@alder.example"


def customer(**more: Any) -> dict[str, Any]:
    return {
        "contact_id": "1", "contact_type": "customer", "email": EMAIL, "first_name": "Ida", "last_name": "Alder", "phone": "",
        "mobile": "", "company_name": "", "currency_code": "EUR", "status": "active", "outstanding_receivable_amount": 0, **more,
    }  # fmt: skip


def member(**more: Any) -> dict[str, Any]:
    fields = {"FNAME": "Ida", "LNAME": "Alder", "PHONE": "", "COMPANY": ""} | more.pop("fields", {})
    tags = [{"name": name} for name in more.pop("tags", ["currency: EUR"])]
    return {"email_address": EMAIL, "status": "subscribed", "merge_fields": fields, "tags": tags, **more}


def told(action: str, email: str = EMAIL) -> dict[str, Any]:
    return {"step": "applied", "target_key": email, "details": {"action": action}}


def applied(op: str, kind: str = "member", email: str = EMAIL) -> dict[str, Any]:
    return {"applied": [{"kind": kind, "id": hash_of(email), "op": op}]}


class TestDifferences:
    def test_are_none_when_the_audience_is_as_it_must_be(self) -> None:
        assert differences([customer()], {EMAIL: member()}) == []

    def test_see_a_member_that_is_missing(self) -> None:
        assert differences([customer()], {}) == [f"{EMAIL}: is no member"]

    def test_see_a_member_that_should_be_gone(self) -> None:
        assert len(differences([], {EMAIL: member()})) == 1
        assert differences([], {EMAIL: member(status="archived")}) == []

    def test_see_a_field_a_tag_and_a_status(self) -> None:
        assert len(differences([customer(phone="1")], {EMAIL: member()})) == 1
        assert len(differences([customer(status="inactive")], {EMAIL: member()})) == 1
        assert len(differences([customer()], {EMAIL: member(tags=["currency: EUR", "inactive"])})) == 1
        assert len(differences([customer()], {EMAIL: member(status="archived")})) == 1

    def test_leave_other_peoples_tags_alone(self) -> None:
        assert differences([customer()], {EMAIL: member(tags=["currency: EUR", "vip"])}) == []

    def test_see_somebody_who_had_left_and_is_subscribed_again(self) -> None:
        assert differences([customer()], {EMAIL: member(status="unsubscribed")}, left=[EMAIL]) == []
        assert differences([customer()], {EMAIL: member()}, left=[EMAIL])

    def test_expect_the_smallest_of_those_who_share_an_address(self) -> None:
        two = [customer(contact_id="2", first_name="Bea", email=EMAIL.upper()), customer()]
        assert differences(two, {EMAIL: member()}) == []
        assert differences(two, {EMAIL: member(fields={"FNAME": "Bea"})})


class TestUntold:
    def test_is_nothing_when_both_sides_know_the_same(self) -> None:
        assert untold([told("create"), told("give:x")], [applied("create"), applied("update", "member_tags")]) == []

    def test_sees_a_write_that_the_journal_lacks_and_one_that_it_made_up(self) -> None:
        assert len(untold([], [applied("create")])) == 1
        assert len(untold([told("archive")], [])) == 1

    def test_counts(self) -> None:
        assert len(untold([told("update")], [applied("update"), applied("update")])) == 1

    def test_does_not_count_what_changed_nothing(self) -> None:
        assert untold([], [applied("noop")]) == []
