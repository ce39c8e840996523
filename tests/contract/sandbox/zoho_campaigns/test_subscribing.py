"""One contact a call: what is stored, who has to confirm, who may not come, and what is told as a success all the same."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_campaigns.campaigns import SILENCE, SUBSCRIBE, UNSUBSCRIBE, Campaigns

DONE = "User successfully subscribed."
ASKED = "A confirmation email is sent to the user. User needs to confirm to successfully subscribe."
IDA = "ida@alder.example"
BULK = "addlistsubscribersinbulk"


class TestContactInfo:
    async def test_adds_and_updates_by_one_call_and_tells_neither(self, campaigns: Campaigns) -> None:
        assert await campaigns.subscribe(IDA, **{"First Name": "Ida", "Company Name": "Alder"}) == DONE
        assert await campaigns.subscribe(IDA.upper(), **{"First Name": "Edda"}) == DONE
        assert campaigns.stored(IDA)["values"] == {"First Name": "Edda", "Company Name": "Alder"}
        assert await campaigns.listed() == [IDA]

    async def test_may_be_told_as_there_already_and_is_updated_all_the_same(self, campaigns: Campaigns) -> None:
        campaigns.switch(existing_answer="exists")
        assert await campaigns.subscribe(IDA) == DONE
        assert await campaigns.not_subscribed(IDA, City="Bonn") == "2003"
        assert campaigns.stored(IDA)["values"] == {"City": "Bonn"}
        assert campaigns.calls()[-1]["applied"][0]["op"] == "update"

    @pytest.mark.parametrize(
        "text",
        [
            "{First Name:mac,Contact Email:ida@alder.example}",
            '{"Contact Email": "ida@alder.example", "First Name": "mac"}',
            " {Contact Email: ida@alder.example , First Name : mac} ",
        ],
    )
    async def test_is_json_or_the_vendors_own(self, campaigns: Campaigns, text: str) -> None:
        await campaigns.ok("POST", SUBSCRIBE, listkey=campaigns.key(), contactinfo=text)
        assert campaigns.stored(IDA)["values"] == {"First Name": "mac"}

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("nothing", "2001"),
            ("[1]", "2001"),
            ("%7B%22Contact%20Email%22%3A%22a%40b.example%22%7D", "2001"),  # encoded twice
            ('{"Contact Email": "a@b.example"', "2001"),
            ('{"Contact Email": "\\ud800@b.example"}', "2001"),
            ("{First Name:mac}", "903"),
            ('{"contact email": "a@b.example"}', "903"),
            ('{"Contact Email": "a@b.example", "Contact Email": "b@b.example"}', "1006"),
            ('{"Contact Email": "a@b.example", "City": ["Bonn"]}', "1005"),
            ('{"Contact Email": ""}', "2004"),
        ],
    )
    async def test_is_refused_by_what_is_wrong_with_it(self, campaigns: Campaigns, text: str, code: str) -> None:
        assert await campaigns.refused("POST", SUBSCRIBE, listkey=campaigns.key(), contactinfo=text) == code
        assert campaigns.state["contacts"] == {}

    async def test_has_display_names_and_passes_over_others(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA, **{"firstname": "Ida", "first name": "Ida", "Books Id": "7", "City": "Bonn"})
        assert campaigns.stored(IDA)["values"] == {"City": "Bonn"}

    @pytest.mark.parametrize(
        ("effect", "left"), [("clears", {"State": "NRW"}), ("ignored", {"City": "Bonn", "State": "NRW"})]
    )
    async def test_an_empty_value_clears_or_does_nothing(
        self, campaigns: Campaigns, effect: str, left: dict[str, str]
    ) -> None:
        campaigns.switch(empty_value=effect)
        await campaigns.subscribe(IDA, City="Bonn")
        await campaigns.subscribe(IDA, City="", State="NRW", Country="")
        assert campaigns.stored(IDA)["values"] == left
        campaigns.switch(empty_value="refused")
        assert await campaigns.not_subscribed(IDA, City="") == "1001"

    async def test_values_have_a_type_and_a_length(self, campaigns: Campaigns) -> None:
        for name, kind in (
            ("Age", "Integer"),
            ("Since", "Date"),
            ("Rate", "Decimal"),
            ("Site", "URL"),
            ("Vip", "Checkbox"),
        ):
            await campaigns.ok("POST", "custom/add", type="json", fieldname=name, fieldtype=kind)
        await campaigns.ok("POST", "custom/add", type="json", fieldname="Short", fieldtype="Text", fieldlength=3)
        await campaigns.subscribe(
            IDA, Age="7", Since="2026-01-31", Rate="1.5", Site="https://a.example/x", Vip="true", Short="abc"
        )
        for values in (
            {"Age": "x"},
            {"Age": "1.5"},
            {"Since": "soon"},
            {"Rate": "1,5"},
            {"Site": "no"},
            {"Vip": "yes"},
        ):
            assert await campaigns.not_subscribed(IDA, **values) == "1005"
        assert await campaigns.not_subscribed(IDA, Short="abcd") == "1001"
        campaigns.switch(long_value="cut")
        await campaigns.subscribe(IDA, Short="wxyz")
        assert campaigns.stored(IDA)["values"]["Short"] == "wxy"


class TestAddresses:
    @pytest.mark.parametrize(
        ("email", "code"),
        [
            ("no address", "2004"), ("a@b", "2004"), (" a@b.example", "2004"), ("a..b@c.example", "2004"), (f"{'x' * 90}@long.example", "2004"),
            ("info@alder.example", "2005"), ("Sales@alder.example", "2005"),
        ],
    )  # fmt: skip
    async def test_may_be_invalid_or_of_a_group(self, campaigns: Campaigns, email: str, code: str) -> None:
        assert await campaigns.not_subscribed(email) == code
        assert campaigns.state["contacts"] == {}


class TestForms:
    async def test_send_a_mail_and_say_success(self, campaigns: Campaigns) -> None:
        assert await campaigns.subscribe(IDA, "Newsletter", City="Bonn") == ASKED
        assert await campaigns.subscribe(IDA, "Newsletter", State="NRW") == ASKED
        assert campaigns.state["contacts"] == {}
        assert await campaigns.listed(name="Newsletter") == []
        assert [mail["email"] for mail in campaigns.state["confirmation_mails"]] == [IDA, IDA]
        campaigns.act("confirm", list="Newsletter", email=IDA)
        assert await campaigns.listed(name="Newsletter") == [IDA]
        assert campaigns.stored(IDA)["values"] == {"City": "Bonn", "State": "NRW"}

    async def test_ask_nobody_who_is_there_already(self, campaigns: Campaigns) -> None:
        campaigns.act("subscribe", list="Newsletter", email=IDA, confirmed=True)
        assert await campaigns.subscribe(IDA, "Newsletter", City="Bonn") == DONE
        assert campaigns.state["confirmation_mails"] == []
        assert campaigns.stored(IDA)["values"] == {"City": "Bonn"}

    async def test_are_a_switch_of_the_list(self, campaigns: Campaigns) -> None:
        campaigns.act("set_form", list="Customers", on=True)
        assert await campaigns.subscribe(IDA) == ASKED
        campaigns.act("set_form", list="Customers", on=False)
        assert await campaigns.subscribe(IDA) == DONE
        assert campaigns.state["lists"]["Customers"]["waiting"] == {}


class TestAllContacts:
    async def test_have_everybody_of_every_list_once(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA, City="Bonn")
        await campaigns.subscribe(IDA, "Partners", State="NRW")
        assert list(campaigns.state["contacts"]) == [IDA]
        assert campaigns.stored(IDA)["values"] == {"City": "Bonn", "State": "NRW"}
        assert campaigns.status(IDA) == campaigns.status(IDA, "Partners") == "active"

    async def test_keep_those_of_a_deleted_list(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA)
        campaigns.act("delete_list", list="Customers")
        assert list(campaigns.state["contacts"]) == [IDA]


class TestConsent:
    @pytest.mark.parametrize("does", ["unsubscribe", "bounce", "spam"])
    async def test_is_raised_by_nobody_silently_or_without_effect(self, campaigns: Campaigns, does: str) -> None:
        await campaigns.subscribe(IDA)
        campaigns.act(does, email=IDA)
        status = campaigns.status(IDA)
        assert await campaigns.not_subscribed(IDA, City="Bonn") == "2001"
        campaigns.switch(resubscribing="ignored")
        assert await campaigns.subscribe(IDA, City="Bonn") == DONE
        assert (campaigns.status(IDA), campaigns.stored(IDA)["values"]) == (status, {})
        campaigns.switch(resubscribing="silent")
        assert await campaigns.subscribe(IDA, City="Bonn") == DONE
        assert (campaigns.status(IDA), campaigns.stored(IDA)["values"]) == ("active", {"City": "Bonn"})

    async def test_is_of_one_list(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA)
        campaigns.act("unsubscribe", list="Customers", email=IDA)
        assert await campaigns.subscribe(IDA, "Partners") == DONE
        assert (campaigns.status(IDA), campaigns.status(IDA, "Partners")) == ("unsub", "active")

    async def test_with_a_form_is_asked_for_again(self, campaigns: Campaigns) -> None:
        campaigns.act("subscribe", list="Newsletter", email=IDA, confirmed=True)
        campaigns.act("unsubscribe", email=IDA)
        campaigns.switch(resubscribing="silent")
        assert await campaigns.subscribe(IDA, "Newsletter") == ASKED
        assert campaigns.status(IDA, "Newsletter") == "unsub"

    async def test_is_withdrawn_by_a_call(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA)
        asked = {"listkey": campaigns.key(), "contactinfo": campaigns.contact(IDA)}
        for op in ("update", "noop"):
            told = await campaigns.ok("POST", UNSUBSCRIBE, **asked)
            assert told["message"] == "User successfully unsubscribed."
            assert campaigns.calls()[-1]["applied"][0]["op"] == op
        assert await campaigns.listed("unsub") == [IDA]
        nobody = asked | {"contactinfo": campaigns.contact("nobody@alder.example")}
        assert await campaigns.refused("POST", UNSUBSCRIBE, **nobody) == "2103"

    async def test_is_ended_for_the_account_by_do_not_mail(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA)
        await campaigns.subscribe(IDA, "Partners")
        said = [(await campaigns.ok("POST", SILENCE, contactinfo=campaigns.contact(IDA)))["message"] for _ in range(2)]
        assert said == ["User successfully moved to Do-Not-Mail.", "User is already in Do-Not-Mail."]
        assert campaigns.state["do_not_mail"] == [IDA]
        for name in ("Customers", "Partners"):
            assert [await campaigns.listed(status, name) for status in ("active", "unsub", "bounce")] == [[], [], []]
        assert await campaigns.refused("POST", SILENCE, contactinfo=campaigns.contact("nobody@alder.example")) == "2103"

    async def test_of_do_not_mail_is_refused_with_code_0_or_another(self, campaigns: Campaigns) -> None:
        campaigns.act("do_not_mail", email=IDA)
        assert await campaigns.subscribe(IDA, City="Bonn") == "User is in the Do-Not-Mail registry."
        campaigns.switch(do_not_mail_answer="refused")
        assert await campaigns.not_subscribed(IDA) == "2006"
        assert campaigns.state["contacts"] == {}
        assert [call["applied"] for call in campaigns.calls()] == [[], []]


class TestAddressesAlone:
    async def test_are_ten_a_call_without_fields(self, campaigns: Campaigns) -> None:
        emails = [f"p{at}@alder.example" for at in range(11)]
        told = await campaigns.ok("POST", BULK, listkey=campaigns.key(), emailids=",".join(emails[:10]))
        assert (told["listkey"], told["listname"]) == (campaigns.key(), "Customers")
        assert await campaigns.listed(sort="asc") == emails[:10]
        assert await campaigns.refused("POST", BULK, listkey=campaigns.key(), emailids=",".join(emails)) == "1001"
        assert await campaigns.refused("POST", BULK, listkey=campaigns.key(), emailids="") == "1001"

    async def test_leave_out_whoever_may_not_come_without_a_word(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA)
        campaigns.act("unsubscribe", email=IDA)
        campaigns.act("do_not_mail", email="silent@alder.example")
        sent = f"info@alder.example,nonsense,{IDA},silent@alder.example,new@alder.example"
        await campaigns.ok("POST", BULK, listkey=campaigns.key(), emailids=sent)
        assert await campaigns.listed() == ["new@alder.example"]
        assert campaigns.status(IDA) == "unsub"

    async def test_are_asked_to_confirm_too(self, campaigns: Campaigns) -> None:
        await campaigns.ok("POST", BULK, listkey=campaigns.key("Newsletter"), emailids=f"{IDA},b@alder.example")
        assert [mail["email"] for mail in campaigns.state["confirmation_mails"]] == [IDA, "b@alder.example"]

    async def test_keep_what_was_there(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA, City="Bonn")
        await campaigns.ok("POST", BULK, listkey=campaigns.key(), emailids=IDA)
        assert campaigns.stored(IDA)["values"] == {"City": "Bonn"}


class TestPlan:
    @pytest.mark.parametrize("code", ["2302", "914"])
    async def test_ends_where_it_ends(self, campaigns: Campaigns, code: str) -> None:
        campaigns.switch(plan_full=code)
        campaigns.act("change_plan", contacts=1)
        await campaigns.subscribe(IDA)
        assert await campaigns.not_subscribed("b@alder.example") == code
        assert await campaigns.subscribe(IDA, "Partners", City="Bonn") == DONE  # who is there already needs no room
        campaigns.act("change_plan", contacts=2)
        assert await campaigns.subscribe("b@alder.example") == DONE

    async def test_ends_in_the_middle_of_ten(self, campaigns: Campaigns) -> None:
        campaigns.act("change_plan", contacts=2)
        asked = {"listkey": campaigns.key(), "emailids": "a@alder.example,b@alder.example,c@alder.example"}
        assert await campaigns.refused("POST", BULK, **asked) == "2302"
        assert await campaigns.listed(sort="asc") == ["a@alder.example", "b@alder.example"]

    async def test_grows_by_itself_where_that_is_on_and_is_charged_at_once(self, campaigns: Campaigns) -> None:
        assert campaigns.state["plan"]["auto_upgrade"] is False
        campaigns.act("change_plan", contacts=1, auto_upgrade=True)
        for email in ("a@alder.example", "b@alder.example"):
            await campaigns.subscribe(email)
        plan = campaigns.state["plan"]
        assert (plan["contacts"], plan["used"]) == (500, 2)
        assert [(charge["former"], charge["now"]) for charge in plan["charges"]] == [(1, 500)]
