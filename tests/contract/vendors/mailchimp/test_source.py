"""Events of audiences in neutral words."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from common.contracts.ids import ConnectionId, EventId, VendorName
from common.contracts.messages import Receipt
from common.contracts.records import RECORDS
from common.failures import Rejected
from vendors.mailchimp.members import subscriber_hash
from vendors.mailchimp.source import MailchimpSource
from vendors.vendor import State

NOW = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
LIST = "a6b5da1054"


def receipt(body: bytes, by: str = "signature") -> Receipt:
    return Receipt(
        id=EventId("e"), connection=ConnectionId("c"), vendor=VendorName("mailchimp"), received_at=NOW, method="POST",
        path="/", body=body, verified_by=by,
    )  # fmt: skip


def told(kind: str, **content: str) -> State:
    pairs = {"type": kind, "fired_at": "2026-01-01 00:00:00", "data[list_id]": LIST}
    pairs |= {f"data[{name.replace('__', '][')}]": value for name, value in content.items()}
    (state,) = MailchimpSource().receipt(receipt(urlencode(pairs).encode())).states
    return state


class TestReceipt:
    @pytest.mark.parametrize(
        ("kind", "content", "status", "reason"),
        [
            ("subscribe", {}, "subscribed", None),
            ("unsubscribe", {"action": "unsub", "reason": "manual"}, "unsubscribed", "manual"),
            ("unsubscribe", {"reason": "abuse"}, "unsubscribed", "abuse"),
            ("unsubscribe", {"action": "delete", "reason": "manual"}, "archived", "manual"),
            ("cleaned", {"reason": "hard"}, "cleaned", "hard"),
            ("profile", {}, None, None),
        ],
    )
    def test_says_what_became_of_consent(self, kind: str, content: dict[str, str], status: str | None, reason: Any) -> None:  # fmt: skip
        state = told(kind, email="Ada@Example.test", **content)
        assert (state.entity, state.record) == ("subscription", f"{LIST}.{subscriber_hash('ada@example.test')}")
        assert (state.fields.get("status"), state.fields.get("reason")) == (status, reason)
        assert (state.version.stamp, state.version.settled) == (datetime(2026, 1, 1, tzinfo=UTC), False)
        RECORDS["subscription"].model_validate(state.fields)

    def test_a_change_of_address_names_both(self) -> None:
        state = told("upemail", new_id="x", new_email="new@example.test", old_email="old@example.test")
        assert state.record == f"{LIST}.{subscriber_hash('new@example.test')}"
        assert (state.fields["email"], state.fields["previous_email"]) == ("new@example.test", "old@example.test")

    def test_merge_fields_come_flat(self) -> None:
        state = told("profile", email="a@b.test", merges__FNAME="Ada", merges__ADDRESS__addr1="1 St", merges__EMAIL="a@b.test")  # fmt: skip
        assert state.fields["custom"] == {"merge.FNAME": "Ada", "merge.ADDRESS.addr1": "1 St"}

    def test_a_campaign_is_no_member(self) -> None:
        assert told("campaign", id="camp1", status="sent").entity == "campaign"

    def test_events_of_mandrill_tell_nothing_of_an_audience(self) -> None:
        assert MailchimpSource().receipt(receipt(b"mandrill_events=%5B%5D", "mandrill-signature")).states == ()

    @pytest.mark.parametrize(
        "body", [b"", b"\xff\xfe", b"type=nonsense", b"type=subscribe&data%5Blist_id%5D=a&fired_at=x&data%5Bemail%5D=a@b.c"]
    )  # fmt: skip
    def test_what_cannot_be_read_is_rejected(self, body: bytes) -> None:
        with pytest.raises(Rejected) as caught:
            MailchimpSource().receipt(receipt(body))
        assert caught.value.code == "MC_WEBHOOK_UNREADABLE"
