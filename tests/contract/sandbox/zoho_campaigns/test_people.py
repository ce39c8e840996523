"""What people do in mails and in the vendor's own pages, and what is stored of it."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_campaigns.campaigns import Campaigns

IDA = "ida@alder.example"


class TestPeople:
    async def test_come_back_by_a_form_where_nobody_else_brings_them(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA)
        campaigns.act("unsubscribe", email=IDA)
        campaigns.act("subscribe", list="Customers", email=IDA, values={"City": "Bonn"})
        assert await campaigns.listed() == [IDA]
        campaigns.act("do_not_mail", email=IDA)
        with pytest.raises(ValueError, match="in no such list"):
            campaigns.act("unsubscribe", email=IDA)
        campaigns.act("allow_mail", email=IDA)
        assert await campaigns.listed("unsub") == [IDA]

    async def test_wait_until_they_confirm(self, campaigns: Campaigns) -> None:
        campaigns.act("subscribe", list="Newsletter", email=IDA)
        assert list(campaigns.state["lists"]["Newsletter"]["waiting"]) == [IDA]
        await campaigns.subscribe(IDA)
        campaigns.act("do_not_mail", email=IDA)
        campaigns.act("subscribe", list="Newsletter", email=IDA)
        assert campaigns.state["do_not_mail"] == [IDA]  # until the mail is answered
        campaigns.act("confirm", list="Newsletter", email=IDA)
        assert campaigns.state["do_not_mail"] == []
        assert (campaigns.status(IDA, "Newsletter"), campaigns.status(IDA)) == ("active", "unsub")
        with pytest.raises(ValueError, match="asked to confirm"):
            campaigns.act("confirm", list="Newsletter", email="nobody@alder.example")

    async def test_unsubscribe_everywhere_unless_a_list_is_named(self, campaigns: Campaigns) -> None:
        for name in ("Customers", "Partners"):
            await campaigns.subscribe(IDA, name, topic=campaigns.row["topics"]["News"])
        campaigns.act("bounce", email=IDA, list="Partners")
        assert (campaigns.status(IDA), campaigns.status(IDA, "Partners")) == ("active", "bounce")
        campaigns.act("unsubscribe", email=IDA)
        assert (campaigns.status(IDA), campaigns.status(IDA, "Partners")) == ("unsub", "unsub")
        assert campaigns.stored(IDA)["topics"] == []

    async def test_edit_and_delete_contacts(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA, City="Bonn")
        campaigns.act("edit", email=IDA, values={"City": "", "State": "NRW"})
        assert campaigns.stored(IDA)["values"] == {"State": "NRW"}
        campaigns.act("delete_contact", email=IDA)
        assert await campaigns.listed() == []
        assert campaigns.state["contacts"] == {}

    async def test_make_and_rename_lists(self, campaigns: Campaigns) -> None:
        made = campaigns.act("create_list", name="Autumn", sign_up_form=True)
        campaigns.act("rename_list", list=made["key"], name="Winter")
        rows = (await campaigns.ok("GET", "getmailinglists"))["list_of_details"]
        assert (rows[0]["listkey"], rows[0]["listname"], rows[0]["is_public"]) == (made["key"], "Winter", "true")

    def test_make_topics(self, operator: Campaigns) -> None:
        made = operator.act("add_topic", name="Sales")
        assert made["id"] in [topic["id"] for topic in operator.state["topics"]]

    @pytest.mark.parametrize(
        "wanted",
        [
            {"do": "sing"}, {"do": "unsubscribe", "email": IDA}, {"do": "edit"}, {"do": "delete_list", "list": "None"},
            {"do": "subscribe", "list": "Customers", "email": "info@alder.example"}, {"do": "allow_mail", "email": IDA},
            {"do": "subscribe", "list": "Customers", "email": IDA, "values": {"Nothing": "x"}}, {"do": "add_field", "name": "phone"},
            {"do": "delete_field", "name": "Phone"}, {"do": "set_topics", "mode": "maybe"}, {"do": "set_role", "role": "king"},
            {"do": "change_plan", "contacts": "many"}, {"do": "lock", "method": "GET nothing"}, {"do": "lock", "method": "GET topics", "seconds": 86_401}, {"do": "delete_topic", "topic": "x"},
        ],
        ids=lambda wanted: wanted["do"],
    )  # fmt: skip
    def test_cannot_do_what_is_not_there(self, operator: Campaigns, wanted: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            operator.simulator.act("demo", wanted)


class TestSwitches:
    def test_are_changed_all_or_none_and_go_back(self, operator: Campaigns) -> None:
        first = operator.switch()["demo"]
        for wrong in (
            {"lock_s": 0},
            {"window": "square"},
            {"lock_prolongs": 1},
            {"nothing": 1},
            {"five_minutes": True},
        ):
            with pytest.raises(ValueError, match=r"\w"):
                operator.switch(subscribe_minute=1, **wrong)
        assert operator.switch()["demo"] == first
        operator.switch(subscribe_minute=1)
        assert operator.simulator.set_limits({"reset": True})["demo"] == first

    def test_are_of_one_account_or_of_all(self, operator: Campaigns) -> None:
        operator.switch(lock_s=5)
        assert operator.at("demo-eu").switch()["demo-eu"]["lock_s"] == 1_800
        operator.simulator.set_limits({"lock_s": 7})
        assert {numbers["lock_s"] for numbers in operator.simulator.set_limits({}).values()} == {7}


class TestAdmin:
    async def test_lists_accounts_and_tells_everything_stored(self, operator: Campaigns) -> None:
        rows = (await operator.http.get("/_sandbox/accounts")).json()["accounts"]
        [demo] = [row for row in rows if row["vendor"] == "zoho-campaigns" and row["name"] == "demo"]
        assert demo["base_url"] == "http://sandbox.test/zoho/in/campaigns/api/v1.1"
        assert demo["operator_token"].startswith("op")
        await operator.subscribe(IDA, topic=demo["topics"]["News"], City="Bonn")
        await operator.subscribe(IDA, "Newsletter")
        told = (await operator.http.get("/_sandbox/state/zoho-campaigns", params={"account": "demo"})).json()[
            "accounts"
        ]["demo"]
        assert told["contacts"][IDA]["values"] == {"City": "Bonn"}
        assert told["lists"]["Customers"]["members"][IDA]["status"] == "active"
        assert told["lists"]["Newsletter"]["waiting"][IDA]["mails"] == 1
        wish = {"do": "unsubscribe", "email": IDA}
        assert (await operator.http.post("/_sandbox/zoho-campaigns/demo/people", json=wish)).status_code == 200
        assert (await operator.http.post("/_sandbox/zoho-campaigns/nobody/people", json=wish)).status_code == 404
        assert (
            await operator.http.post("/_sandbox/limits", json={"vendor": "zoho-campaigns", "lock_s": 1})
        ).status_code == 200
        assert (await operator.http.get("/_sandbox/")).status_code == 200

    def test_seeds_the_same_contacts_for_the_same_seed(self, operator: Campaigns) -> None:
        operator.simulator.seed("demo", 200, 3, True)
        first = operator.state
        statuses = {member["status"] for member in first["lists"]["Customers"]["members"].values()}
        assert statuses == {"active", "unsub", "bounce", "spam", "do_not_mail"}
        operator.simulator.reset()
        assert operator.state["contacts"] == {}
        operator.simulator.seed("demo", 200, 3, True)
        assert operator.state == first
