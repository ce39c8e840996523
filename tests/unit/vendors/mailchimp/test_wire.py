"""The forms of members: what is sent, what is the same, and what a look tells."""

from datetime import UTC, datetime

import pytest

from common.failures import FailureClass
from tests.support.members import looked_at, member
from vendors.acts import Act, Attempt
from vendors.mailchimp import row_errors, seeing, wire
from vendors.target_record import TargetRecord

AT = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = {"street": "1 St", "street2": None, "city": "Ulm", "state": "BW", "zip": "89073", "country": "DE"}


class TestSent:
    def test_empty_clears_and_an_address_has_all_its_parts(self) -> None:
        sent = wire.merge_fields({"email": "a@x.org", "merge.FNAME": None, "merge.ADDRESS": ADDRESS})
        parts = {"addr1": "1 St", "addr2": "", "city": "Ulm", "state": "BW", "zip": "89073", "country": "DE"}
        assert sent == {"FNAME": "", "ADDRESS": parts}

    def test_a_text_is_cut_at_255_bytes_and_never_inside_a_character(self) -> None:
        assert wire.fitting("ä" * 200) == "ä" * 127
        assert len(wire.fitting("a" * 300)) == 255

    def test_a_change_without_a_status_has_none(self) -> None:
        assert wire.change("", {"merge.FNAME": "A"}) == {"merge_fields": {"FNAME": "A"}}
        assert "email_address" not in wire.change("subscribed", {"email": "b@x.org"})


class TestSame:
    @pytest.mark.parametrize(
        ("wanted", "seen"),
        [(None, ""), ("", None), ("12.50", 12.5), ("7", 7), (" a ", "a"), (ADDRESS, {**ADDRESS, "street2": ""}), (None, {}), ("ä" * 200, "ä" * 127)],
    )  # fmt: skip
    def test_is_what_the_vendor_makes_of_it(self, wanted: object, seen: object) -> None:
        assert wire.same(wanted, seen)

    @pytest.mark.parametrize(("wanted", "seen"), [("a", "b"), ("0", ""), (ADDRESS, {**ADDRESS, "city": "Bonn"}), ("x", 1), (None, ADDRESS)])  # fmt: skip
    def test_and_nothing_else(self, wanted: object, seen: object) -> None:
        assert not wire.same(wanted, seen)


class TestLanded:
    SEEN = looked_at(standing="subscribed", values={"merge.FNAME": "Ana", "tags": ["a", "theirs"]})

    @pytest.mark.parametrize(
        ("act", "landed"),
        [
            (Act("create", "k", {"merge.FNAME": "Ana", "tags": ["a"], "standing": "subscribed"}), True),
            (Act("create", "k", {"merge.FNAME": "Bob", "standing": "subscribed"}), False),
            (Act("update", "k", {"merge.FNAME": "Ana"}), True),
            (Act("update", "k", {"merge.FNAME": "Anna"}), False),
            (Act("archive", "k", {"standing": "archived"}), False),
            (Act("withdraw", "k", {"standing": "unsubscribed"}), False),
            (Act("give:A", "k", {"tags": ["A"]}), True),
            (Act("give:b", "k", {"tags": ["b"]}), False),
            (Act("take:b", "k", {"tags": []}), True),
            (Act("take:a", "k", {"tags": []}), False),
        ],
    )
    def test_says_whether_it_is_so(self, act: Act, landed: bool) -> None:
        assert (seeing.landed(Attempt(act, {}, AT), self.SEEN) is not None) == landed

    def test_the_tags_of_a_create_that_landed_are_ours(self) -> None:
        done = seeing.landed(
            Attempt(Act("create", "k", {"merge.FNAME": "Ana", "tags": ["a", "lost"]}), {}, AT), self.SEEN
        )
        assert done is not None
        assert done.memory == {"gave": ["a"]}

    def test_an_archive_has_landed_when_nobody_is_there(self) -> None:
        archive = Attempt(Act("archive", "k", {"standing": "archived"}), {}, AT)
        assert seeing.landed(archive, member(exists=False)) is not None

    @pytest.mark.parametrize(
        "seen",
        [member(exists=False), member(exists=True, standing="archived"), member(exists=True, values={"merge.FNAME": "B", "tags": ["a"]}), member(exists=True, values={"merge.FNAME": "Ana"})],
    )  # fmt: skip
    def test_drift_is_seen(self, seen: TargetRecord) -> None:
        known = member(exists=True, standing="subscribed", values={"merge.FNAME": "Ana"}, ours=("a",))
        assert seeing.drifted(known, seen)
        assert not seeing.drifted(known, self.SEEN)


class TestRowErrors:
    @pytest.mark.parametrize(
        ("row", "code", "kind"),
        [
            ({"error": "x is already a list member, do you want to update?", "error_code": "ERROR_CONTACT_EXISTS"}, "MC_MEMBER_EXISTS", FailureClass.CONFLICT),
            ({"error": "x is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."}, "MC_COMPLIANCE_STATE", FailureClass.REJECTED),
            ({"error": "x was permanently deleted and cannot be re-imported."}, "MC_FORGOTTEN", FailureClass.REJECTED),
            ({"error": "x looks fake or invalid, please enter a real email address."}, "MC_ADDRESS_REFUSED", FailureClass.REJECTED),
            ({"error": "x has signed up to a lot of lists very recently; we're not allowing more signups for now"}, "MC_TOO_MANY_SIGNUPS", FailureClass.TRANSIENT),
            ({"error": "Your merge fields were invalid.", "field": "CUSTNO", "field_message": "Please enter a value"}, "MC_INVALID", FailureClass.REJECTED),
            ({}, "MC_INVALID", FailureClass.REJECTED),
        ],
    )  # fmt: skip
    def test_mean_what_a_single_call_would_have_said(self, row: dict[str, str], code: str, kind: FailureClass) -> None:
        failure = row_errors.failure(row)
        assert (failure.code, failure.kind) == (code, kind)

    def test_name_the_field(self) -> None:
        failure = row_errors.failure({"error": "Invalid.", "field": "CUSTNO", "field_message": "Please enter a value"})
        assert "CUSTNO: Please enter a value" in failure.vendor_words
