"""Events of audiences in neutral words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from common.contracts.ids import ConnectionId, EventId, VendorName
from common.contracts.messages import Receipt
from common.contracts.records import RECORDS
from common.failures import Rejected
from common.http.call import Call
from tests.contract.vendors.account import Answering
from tests.contract.vendors.mailchimp import account
from tests.contract.vendors.source_suite import SourceSuite
from vendors import mailchimp
from vendors.mailchimp.events import SUBSCRIPTION
from vendors.mailchimp.members import member_of, subscriber_hash
from vendors.mailchimp.source import MailchimpSource
from vendors.vendor import State, connection_of

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


class TestMailchimpSource(SourceSuite):
    vendor = mailchimp.VENDOR
    opened = account.opened
    per_page = 1000
    numbered_pages = False
    overlap = 1


class Second:
    """An audience whose members were all changed within the same two seconds, listed as the vendor's description says."""

    def __init__(self, count: int) -> None:
        self.members = [(NOW + timedelta(seconds=n // (count - 100)), n) for n in range(count)]
        self.asked = 0

    def change(self, n: int) -> None:
        self.members = [m for m in self.members if m[1] != n]
        self.members.append((NOW + timedelta(seconds=60 + n), n))

    def remove(self, n: int) -> None:
        self.members = [m for m in self.members if m[1] != n]

    def __call__(self, call: Call) -> tuple[int, bytes]:
        self.asked += 1
        after = datetime.fromisoformat(call.query.get("since_last_changed") or "2000-01-01T00:00:00+00:00")
        found = sorted(m for m in self.members if m[0] > after)
        page = found[int(call.query["offset"]) :][: int(call.query["count"])]
        rows = [
            {"email_address": f"m{n}@b.test", "status": "subscribed", "last_changed": at.isoformat()} for at, n in page
        ]
        return 200, json.dumps({"members": rows, "total_items": len(found)}).encode()


class TestPagesWithinOneSecond:
    @pytest.mark.parametrize("happens", ["nothing", "change", "remove", "both"])
    async def test_nobody_slips_when_a_page_ends_among_many_of_one_second(self, happens: str) -> None:
        audience, told = Second(3500), set()
        api = Answering(mailchimp.VENDOR.profile, audience)
        connection = connection_of(mailchimp.NAME, "c", dc="us6")
        async for page in MailchimpSource().pages(connection, SUBSCRIPTION, None, api, LIST):
            told |= {state.record for state in page.states}
            if audience.asked in (1, 3) and happens in ("change", "both"):
                audience.change(7 + audience.asked)
            if audience.asked in (1, 3) and happens in ("remove", "both"):
                audience.remove(3 + audience.asked)
        left = {member_of(LIST, f"m{n}@b.test").record for _, n in audience.members}
        assert left <= told
        assert page.complete
        if happens == "nothing":
            # Each page begins with the row at which the one before ended.
            assert audience.asked == 4

    async def test_the_place_is_an_audience(self) -> None:
        api = Answering(mailchimp.VENDOR.profile, Second(10))
        with pytest.raises(Rejected):
            await anext(aiter(MailchimpSource().pages(connection_of(mailchimp.NAME, "c"), SUBSCRIPTION, None, api)))
