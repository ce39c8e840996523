"""Webhooks of the simulated application: recognised on the raw bytes, and split by event and company."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.failures import Rejected
from tests.contract.sandbox.quickbooks.books import Books, Listener
from tests.contract.vendors.quickbooks.account import asked, receipt
from vendors import quickbooks
from vendors.vendor import HookRequest, Unverified, Verified

INBOX, SOURCE = quickbooks.QuickBooksInbox(), quickbooks.QuickBooksSource()
NOW = datetime(2026, 11, 1, tzinfo=UTC)
TOKEN = "intuit-verifier-7d40"
FORMER = (
    b'{"eventNotifications":[{"realmId":"1185883450","dataChangeEvent":{"entities":[{"name":"Customer","id":"1","operation":"Update",'
    b'"lastUpdated":"2026-01-01T00:00:00.000Z"}]}}]}'
)
CLOUD: dict[str, Any] = {
    "specversion": "1.0", "id": "88cd52aa-33b6-4351-9aa4-47572edbd068", "source": "intuit.x", "type": "qbo.customer.updated.v1",
    "time": "2026-01-01T00:00:00.123456789Z", "intuitentityid": "1", "intuitaccountid": "1185883450",
}  # fmt: skip


def thin(body: bytes) -> list[str]:
    return [one.record for one in SOURCE.receipt(receipt(body)).thin]


def cloud(**changed: Any) -> bytes:
    return json.dumps([{name: value for name, value in (CLOUD | changed).items() if value is not None}]).encode()


class TestSignature:
    def test_is_that_of_the_sheet(self) -> None:
        request = asked(FORMER, **{"intuit-signature": "pDwrJnBOo5Wan9SJsRTUiw/HEbtDwcE2HzExnsYinfU="})
        assert isinstance(INBOX.verify(request, [b"former", TOKEN.encode()], NOW), Verified)
        for secrets in ([], [b""], [b"former"]):
            assert isinstance(INBOX.verify(request, secrets, NOW), Unverified)

    def test_ten_thousand_forged_ones_are_believed_by_nobody(self) -> None:
        """Other tokens, other bytes, cut and changed signatures."""
        good = base64.b64encode(hmac.new(TOKEN.encode(), FORMER, hashlib.sha256).digest()).decode()
        assert isinstance(INBOX.verify(asked(FORMER, **{"intuit-signature": good}), [TOKEN.encode()], NOW), Verified)
        believed = 0
        for number in range(10_000):
            other = base64.b64encode(hmac.new(b"%d" % number, FORMER, hashlib.sha256).digest()).decode()
            given = (other, good[: number % 44], good.swapcase(), "")[number % 4]
            believed += isinstance(INBOX.verify(asked(FORMER, **{"intuit-signature": given}), [TOKEN.encode()], NOW), Verified)  # fmt: skip
        assert believed == 0


class TestSplit:
    @pytest.mark.parametrize("form", ["cloudevents", "legacy"])
    async def test_each_event_goes_to_its_company_and_names_its_customer(
        self, operator: Books, listener: Listener, form: str
    ) -> None:
        operator.switch(hook_format=form, hook_gather_s=1)
        north = operator.at("demo-north")
        for books in (operator, north):
            await books.connect()
        operator.act("set_webhook", url=listener.url)
        ours, theirs = (books.act("create", values={"DisplayName": "Ada"})["Id"] for books in (operator, north))
        operator.act("invoice", customer=ours, amount="5.00")
        operator.later(2)
        parts = INBOX.split(await heard(listener))
        realms = [operator.row["realm_id"], north.row["realm_id"], operator.row["realm_id"]]
        assert [part.account for part in parts] == realms if form == "cloudevents" else sorted(realms)
        told = {(part.account, record) for part in parts for record in thin(part.body)}
        assert told == {(realms[0], ours), (realms[1], theirs)}
        subjects = [INBOX.subject(asked(part.body)) for part in parts]
        assert {one.record for one in subjects if one} == {ours, theirs}

    def test_an_event_is_the_same_bytes_whatever_it_came_with(self) -> None:
        one, other = json.loads(cloud()), json.loads(cloud(intuitentityid="2"))
        together = INBOX.split(asked(json.dumps(one + other).encode()))
        alone = INBOX.split(asked(json.dumps([dict(reversed(one[0].items()))], indent=2).encode()))
        assert alone == together[:1] and len(together) == 2

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"3", b"[3]", b'{"eventNotifications": [{}]}', b"[" * 100_000, b"\xff"]
    )
    def test_what_nobody_can_read_is_refused_with_a_code(self, body: bytes) -> None:
        for reads in (lambda: INBOX.split(asked(body)), lambda: SOURCE.receipt(receipt(body))):
            with pytest.raises(Rejected) as caught:
                reads()
            assert caught.value.code == "QB_WEBHOOK_UNREADABLE"
        assert INBOX.subject(asked(body)) is None


class TestReceipt:
    @pytest.mark.parametrize("more", [{}, {"data": {}}, {"data": None}, {"data": 3}, {"time": "2026-01-01T00:00:00Z"}, {"id": "x-Customer-1"}])  # fmt: skip
    def test_names_whom_to_read_however_it_is_written(self, more: dict[str, Any]) -> None:
        (subject,) = SOURCE.receipt(receipt(cloud(**more))).thin
        assert subject.record == "1" and subject.heard is not None
        # By the second, as records are stamped.
        assert subject.heard.version.stamp == datetime(2026, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize("time", [None, "yesterday", 3, "2026-01-01T00:00:00"])
    def test_without_a_time_the_record_is_read_all_the_same(self, time: Any) -> None:
        (subject,) = SOURCE.receipt(receipt(cloud(time=time))).thin
        assert (subject.record, subject.heard) == ("1", None)

    def test_merge_is_about_both(self) -> None:
        merged = cloud(type="qbo.customer.merged.v1", data={"deletedid": "27"})
        former = json.loads(FORMER)
        former["eventNotifications"][0]["dataChangeEvent"]["entities"][0] |= {"operation": "Merge", "deletedId": "27"}
        assert thin(merged) == thin(json.dumps(former).encode()) == ["1", "27"]
        for body in (merged, json.dumps(former).encode()):
            assert [(one.record, one.into) for one in SOURCE.receipt(receipt(body)).merged] == [("27", "1")]
        assert not SOURCE.receipt(receipt(cloud())).merged

    @pytest.mark.parametrize(
        "changed", [{"type": "qbo.invoice.updated.v1"}, {"type": "else"}, {"intuitentityid": None}]
    )
    def test_of_anything_else_there_is_nothing_to_read(self, changed: dict[str, Any]) -> None:
        assert thin(cloud(**changed)) == []

    def test_an_answer_is_wanted_within_three_seconds(self) -> None:
        assert INBOX.patience == timedelta(seconds=3) and INBOX.greeting(asked(b"")) is None


async def heard(listener: Listener) -> HookRequest:
    """The first message, believed."""
    async with asyncio.timeout(60):
        while not listener.heard:  # noqa: ASYNC110 - the condition is what was heard
            await asyncio.sleep(0.01)
    headers, body = listener.heard[0]
    return asked(body, **headers)
