"""Seeding, state, reset and restart: the same seed gives the same members, and nothing is lost in between."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.contract.sandbox.mailchimp.vendor import Admin, Json, Receiver, Vendor, hook_body
from tests.support.sandbox import SandboxProcess


def seed(vendor: Vendor, size: int, number: int = 7, *, trouble: bool = True, account: str = "demo") -> Json:
    body = {"vendor": "mailchimp", "account": account, "size": size, "seed": number, "trouble": trouble}
    return vendor.sandbox.post("seed", body)


def members(vendor: Vendor) -> dict[str, dict[str, object]]:
    accounts = vendor.sandbox.get("state/mailchimp", account="demo")["accounts"]
    assert isinstance(accounts, dict)
    found = accounts["demo"]["audiences"][vendor.plain]["members"]
    assert isinstance(found, dict)
    return found


class TestSeed:
    def test_the_same_seed_gives_the_same_bytes(self, vendor: Vendor) -> None:
        seed(vendor, 400)
        first = json.dumps(members(vendor))
        vendor.sandbox.post("reset")
        vendor.advance(1000)
        seed(vendor, 400)
        assert json.dumps(members(vendor)) == first
        seed(vendor, 400)
        assert json.dumps(members(vendor)) == first
        seed(vendor, 400, 8)
        assert json.dumps(members(vendor)) != first

    def test_trouble_has_every_story(self, vendor: Vendor) -> None:
        told = seed(vendor, 400)
        found = members(vendor).values()
        statuses = Counter(member["status"] for member in found)
        assert set(statuses) == {"subscribed", "unsubscribed", "cleaned", "archived", "pending"}
        assert Counter(member["withdrawn"] for member in found) == {"": 340, "user": 20, "cleaned": 20, "abuse": 20}
        addresses = [str(member["email_address"]) for member in found]
        assert [one for one in addresses if one.isupper()]
        assert [one for one in addresses if "+news@" in one]
        assert any(not str(member["merge_fields"]).isascii() for member in found)
        assert told["forgotten"] == 4

    def test_without_trouble_all_are_well(self, vendor: Vendor) -> None:
        seed(vendor, 100, trouble=False)
        assert {member["status"] for member in members(vendor).values()} == {"subscribed"}

    def test_hooks_and_tokens_stay(self, vendor: Vendor, receiver: Receiver) -> None:
        vendor.told("POST", f"/lists/{vendor.plain}/webhooks", hook_body(receiver.url))
        seed(vendor, 10)
        vendor.add("new@shop.example")
        assert receiver.wait(1)[0].form["data[email]"] == "new@shop.example"

    def test_opens_accounts_on_the_way(self, vendor: Vendor) -> None:
        seed(vendor, 5, account="second")
        rows = vendor.sandbox.get("accounts")["accounts"]
        assert isinstance(rows, list)
        [row] = [row for row in rows if row["name"] == "second"]
        assert row["api_key"] != vendor.key
        assert row["audience_ids"]


class TestPeople:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"action": "dance"}, 400),
            ({"action": "unsubscribe"}, 400),
            ({"action": "unsubscribe", "email": "stranger@shop.example"}, 404),
            ({"action": "subscribe", "email": "a@shop.example", "audience": "nowhere"}, 404),
            ({"action": "subscribe", "email": "not an address"}, 400),
            ({"action": "profile", "email": "ada@shop.example", "merge_fields": {"ADDRESS": {"addr1": "1"}}}, 400),
            ({"action": "upemail", "email": "ada@shop.example"}, 400),
            ({"action": "mandrill_hook"}, 400),
        ],
        ids=str,
    )
    def test_cannot_do_everything(self, vendor: Vendor, body: Json, status: int) -> None:
        vendor.add("ada@shop.example")
        address = f"{vendor.sandbox.base_url}/_sandbox/mailchimp/demo/people"
        assert vendor.http.post(address, json=body).status_code == status

    def test_belong_to_an_account(self, vendor: Vendor) -> None:
        for path in ("mailchimp/nobody/people", "nothing/demo/people", "zoho-accounts/demo/people"):
            answer = vendor.http.post(f"{vendor.sandbox.base_url}/_sandbox/{path}", json={"action": "campaign"})
            assert answer.status_code == 404


class TestSwitches:
    @pytest.mark.parametrize(
        "wrong",
        [{"connections": 0}, {"connections": 1.5}, {"plan": "free"}, {"webhook_signing": "yes"}, {"unknown": 1}],
        ids=str,
    )
    def test_know_what_they_are(self, vendor: Vendor, wrong: Json) -> None:
        address = f"{vendor.sandbox.base_url}/_sandbox/limits"
        answer = vendor.http.post(address, json={"vendor": "mailchimp", **wrong})
        assert answer.status_code == 400

    def test_can_be_read(self, vendor: Vendor) -> None:
        limits = vendor.switch()["limits"]
        assert isinstance(limits, dict)
        assert (limits["connections"], limits["batch_row_without_status"]) == (10, "overwrite")


class TestRestart:
    def test_finds_everything_again(self, tmp_path: Path, receiver: Receiver) -> None:
        process = SandboxProcess(tmp_path).start()
        try:
            vendor = Vendor.of(Admin(process.base_url))
            vendor.told("POST", f"/lists/{vendor.plain}/webhooks", hook_body(receiver.url))
            vendor.add("ada@shop.example", merge_fields={"FNAME": "Ada"})
            vendor.person("unsubscribe", "ada@shop.example")
            receiver.wait(2)
            vendor.switch(batch_row_without_status="keep")
            before = vendor.sandbox.get("state/mailchimp")
            process.stop()
            process.start()
            again = Vendor.of(Admin(process.base_url))
            assert again.sandbox.get("state/mailchimp") == before
            again.refused(400, "PATCH", again.member_path("ada@shop.example"), {"status": "subscribed"})
            limits = again.switch()["limits"]
            assert isinstance(limits, dict)
            assert limits["batch_row_without_status"] == "keep"
            again.person("subscribe", "ada@shop.example")
            assert "x-mailchimp-signature" in receiver.wait(3)[2].headers
        finally:
            process.stop()
