"""Lists and who is in them: by state and page, never by address."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_campaigns.campaigns import Campaigns

ADD = "addlistandcontacts"
NEW = {"listname": "Autumn", "signupform": "private", "mode": "newlist", "emailids": "a@alder.example,b@alder.example"}


def seeded(campaigns: Campaigns, many: int) -> list[str]:
    """Addresses in the order in which they were added."""
    campaigns.simulator.seed("demo", many, 1, False)
    return list(campaigns.state["contacts"])


class TestLists:
    async def test_tell_their_key_counts_and_form(self, campaigns: Campaigns) -> None:
        for email in ("a@alder.example", "b@alder.example", "c@alder.example"):
            await campaigns.subscribe(email)
        campaigns.act("unsubscribe", email="b@alder.example")
        campaigns.act("bounce", email="c@alder.example")
        rows = (await campaigns.ok("GET", "getmailinglists", sort="asc"))["list_of_details"]
        assert set(rows[0]) == {
            "listkey", "listname", "listunino", "noofcontacts", "noofunsubcnt", "noofbouncecnt", "created_date", "is_public", "lockstatus",
            "owner", "zuid", "segments",
        }  # fmt: skip
        told = {
            key: rows[0][key]
            for key in ("listkey", "noofcontacts", "noofunsubcnt", "noofbouncecnt", "is_public", "lockstatus")
        }
        assert list(told.values()) == [campaigns.key(), "1", "1", "1", "false", "unlocked"]
        assert [row["is_public"] for row in rows] == ["false", "false", "true"]

    async def test_tell_numbers_as_text_or_as_numbers(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe("a@alder.example")
        campaigns.switch(row_numbers="numbers")
        row = (await campaigns.ok("GET", "getmailinglists", sort="asc"))["list_of_details"][0]
        assert (row["noofcontacts"], row["created_date"]) == (1, 1_735_689_600_000)
        assert (await campaigns.ok("GET", "listsubscriberscount", listkey=campaigns.key()))["no_of_contacts"] == 1

    async def test_are_none_as_an_error(self, campaigns: Campaigns) -> None:
        for name in ("Customers", "Partners", "Newsletter"):
            campaigns.act("delete_list", list=name)
        assert await campaigns.refused("GET", "getmailinglists") == "995"

    async def test_can_be_made_with_ten_addresses(self, campaigns: Campaigns) -> None:
        told = await campaigns.ok("POST", ADD, **NEW)
        state = campaigns.state["lists"]["Autumn"]
        assert (told["listkey"], list(state["members"])) == (state["key"], ["a@alder.example", "b@alder.example"])
        assert await campaigns.refused("POST", ADD, **(NEW | {"listname": "Other", "mode": "oldlist"})) == "1001"
        eleven = ",".join(f"p{at}@alder.example" for at in range(11))
        assert await campaigns.refused("POST", ADD, **(NEW | {"listname": "Other", "emailids": eleven})) == "1001"
        assert "Other" not in campaigns.state["lists"]

    async def test_with_a_taken_name_have_the_code_of_a_full_plan(self, campaigns: Campaigns) -> None:
        told = await campaigns.told("POST", ADD, **(NEW | {"listname": "customers"}))
        assert (told["code"], told["message"]) == ("2302", "Duplicate list is found.")

    @pytest.mark.parametrize(
        ("verb", "method", "query", "code"),
        [
            ("POST", "json/listsubscribe", {"contactinfo": "{Contact Email:a@alder.example}"}, "2002"),
            ("POST", "json/listunsubscribe", {"contactinfo": "{Contact Email:a@alder.example}"}, "2102"),
            ("POST", "addlistsubscribersinbulk", {"emailids": "a@alder.example"}, "2202"),
            ("GET", "listsubscriberscount", {}, "2401"),
            ("GET", "getlistsubscribers", {}, "2501"),
        ],
    )
    async def test_that_are_not_there_have_a_code_by_method(
        self, campaigns: Campaigns, verb: str, method: str, query: dict[str, str], code: str
    ) -> None:
        assert await campaigns.refused(verb, method, listkey="0" * 48, **query) == code
        assert await campaigns.refused(verb, method, listkey="", **query) == code
        campaigns.act("delete_list", list="Customers")
        assert await campaigns.refused(verb, method, listkey=campaigns.key(), **query) == "2206"


class TestContacts:
    async def test_show_an_address_and_four_fields(self, campaigns: Campaigns) -> None:
        campaigns.act("add_field", name="Books Id")
        values = {
            "First Name": "Ida",
            "Last Name": "Alder",
            "Phone": "1",
            "Company Name": "Alder Works",
            "Books Id": "7",
            "City": "Bonn",
        }
        await campaigns.subscribe("Ida@Alder.example", **values)
        [row] = (await campaigns.ok("GET", "getlistsubscribers", listkey=campaigns.key()))["list_of_details"]
        zuid = row.pop("zuid")
        assert zuid.isdigit()
        assert row == {
            "contact_email": "ida@alder.example", "firstname": "Ida", "lastname": "Alder", "phone": "1", "companyname": "Alder Works",
        }  # fmt: skip
        assert campaigns.stored("ida@alder.example")["values"]["Books Id"] == "7"

    async def test_are_asked_for_by_state(self, campaigns: Campaigns) -> None:
        for does in ("", "unsubscribe", "bounce", "spam", "do_not_mail"):
            await campaigns.subscribe(f"did-{does}@alder.example")
            if does:
                campaigns.act(does, email=f"did-{does}@alder.example")
        assert await campaigns.listed() == ["did-@alder.example"]
        assert await campaigns.listed("unsub") == ["did-unsubscribe@alder.example"]
        assert await campaigns.listed("bounce") == ["did-bounce@alder.example"]
        for status in ("spam", "do_not_mail", "all"):
            assert (
                await campaigns.refused("GET", "getlistsubscribers", listkey=campaigns.key(), status=status) == "1001"
            )

    async def test_are_recent_for_a_while(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe("a@alder.example")
        campaigns.later(10 * 86_400)
        again = campaigns.connected()
        await again.subscribe("b@alder.example")
        assert await again.listed("recent", sort="asc") == ["a@alder.example", "b@alder.example"]
        assert await again.listed("most recent") == await again.listed("mostrecent") == ["b@alder.example"]

    async def test_are_counted_by_state_where_spam_counts_too(self, campaigns: Campaigns) -> None:
        for email, does in (("a", ""), ("b", "unsubscribe"), ("c", "bounce"), ("d", "spam"), ("e", "spam")):
            await campaigns.subscribe(f"{email}@alder.example")
            if does:
                campaigns.act(does, email=f"{email}@alder.example")
        found = [
            (await campaigns.ok("GET", "listsubscriberscount", listkey=campaigns.key(), **query))["no_of_contacts"]
            for query in ({}, {"status": "active"}, {"status": "unsub"}, {"status": "bounce"}, {"status": "spam"})
        ]
        assert found == ["5", "1", "1", "1", "2"]
        assert await campaigns.refused("GET", "listsubscriberscount", listkey=campaigns.key(), status="gone") == "1001"

    async def test_are_none_as_an_error_or_not(self, campaigns: Campaigns) -> None:
        asked = {"listkey": campaigns.key()}
        assert await campaigns.refused("GET", "getlistsubscribers", **asked) == "2203"
        await campaigns.subscribe("a@alder.example")
        assert await campaigns.refused("GET", "getlistsubscribers", status="unsub", **asked) == "993"
        assert await campaigns.refused("GET", "getlistsubscribers", fromindex=2, **asked) == "993"
        campaigns.switch(empty_page="empty")
        assert (await campaigns.ok("GET", "getlistsubscribers", status="unsub", **asked))["list_of_details"] == []


class TestPages:
    async def test_are_twenty_of_the_newest_unless_said(self, campaigns: Campaigns) -> None:
        emails = seeded(campaigns, 45)
        assert await campaigns.listed() == emails[:-21:-1]
        assert await campaigns.listed(sort="asc", fromindex=41, range=20) == emails[40:]
        told = await campaigns.ok("GET", "getlistsubscribers", listkey=campaigns.key(), range=7)
        assert not {"total", "count", "next", "has_more"} & set(told)
        assert (told["range"], told["fromindex"], len(told["list_of_details"])) == ("7", "1", 7)

    async def test_have_a_largest_range_that_is_cut_or_refused(self, campaigns: Campaigns) -> None:
        emails = seeded(campaigns, 250)
        assert await campaigns.listed(sort="asc", range=1_000) == emails[:200]
        campaigns.switch(largest_range=50)
        assert await campaigns.listed(sort="asc", range=100) == emails[:50]
        campaigns.switch(beyond_range="refused")
        assert await campaigns.refused("GET", "getlistsubscribers", listkey=campaigns.key(), range=51) == "1001"

    async def test_shift_while_contacts_come_and_go(self, campaigns: Campaigns) -> None:
        emails = seeded(campaigns, 20)
        await campaigns.subscribe("new@alder.example")
        assert await campaigns.listed(fromindex=11, range=10) == emails[10:0:-1]  # the newest have moved it down
        campaigns.act("unsubscribe", email=emails[0])
        assert await campaigns.listed(sort="asc", fromindex=11, range=10) == [
            *emails[11:],
            "new@alder.example",
        ]  # one is missed

    async def test_may_be_ordered_by_address(self, campaigns: Campaigns) -> None:
        emails = seeded(campaigns, 20)
        campaigns.switch(contact_order="address")
        assert await campaigns.listed(sort="asc") == sorted(emails)


class TestLog:
    async def test_names_each_record_that_a_call_touched(self, campaigns: Campaigns) -> None:
        key = campaigns.key()
        for values in ({}, {"City": "Bonn"}, {"City": "Bonn"}):
            await campaigns.subscribe("ida@alder.example", **values)
        await campaigns.subscribe("ida@alder.example", "Newsletter")
        await campaigns.ok("GET", "tag/add", tagName="vip")
        told = [(call["route"], call["applied"]) for call in campaigns.calls()]
        member = {"kind": "member", "id": f"{key}/ida@alder.example"}
        assert told == [
            *(("POST /json/listsubscribe", [member | {"op": op}]) for op in ("create", "update", "noop")),
            (
                "POST /json/listsubscribe",
                [{"kind": "confirmation", "id": f"{campaigns.key('Newsletter')}/ida@alder.example", "op": "create"}],
            ),
            ("GET /tag/add", [{"kind": "tag", "id": "vip", "op": "create"}]),
        ]
        counts = {row["route"]: (row["calls"], row["writes"]) for row in campaigns.app.log.counts()}
        assert counts == {"POST /json/listsubscribe": (4, 3), "GET /tag/add": (1, 1)}
