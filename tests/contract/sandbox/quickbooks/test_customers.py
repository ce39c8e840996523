"""Customers: their names, their versions, what an update blanks, who is under whom, and what a merge leaves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.sandbox.quickbooks.books import Books

WHOLE: dict[str, Any] = {
    "GivenName": "Ada", "FamilyName": "Byron", "Notes": "pays late", "PrimaryEmailAddr": {"Address": "ada@byron.example"},
    "PrimaryPhone": {"FreeFormNumber": "1"}, "BillAddr": {"Line1": "1 High St", "City": "Leeds"},
}  # fmt: skip


class TestMaking:
    async def test_gives_an_id_a_version_and_a_name_made_of_its_parts(self, books: Books) -> None:
        made = await books.customer(**WHOLE)
        assert (made["SyncToken"], made["DisplayName"], made["FullyQualifiedName"]) == ("0", "Ada Byron", "Ada Byron")
        assert made["BillAddr"].pop("Id")
        assert WHOLE.items() <= made.items()
        assert (made["Active"], made["Job"], made["Balance"]) == (True, False, 0)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "2020"), ({"CompanyName": "Byron Ltd"}, "2020"), ({"DisplayName": "Byron:Ada"}, "2040"),
            ({"FamilyName": "a\tb"}, "2040"), ({"DisplayName": "x" * 501}, "2050"), ({"Title": "x" * 17, "GivenName": "a"}, "2050"),
            ({"DisplayName": "A", "Notes": "x" * 2_001}, "2050"),
            ({"DisplayName": "A", "PrimaryPhone": {"FreeFormNumber": "1" * 31}}, "2050"),
            ({"DisplayName": "A", "BillAddr": {"PostalCode": "1" * 32}}, "2050"),
            ({"DisplayName": "A", "PrimaryEmailAddr": {"Address": "nobody"}}, "2210"),
            ({"DisplayName": "A", "PrimaryEmailAddr": {"Address": "a@b.example; c@d.example, e"}}, "2210"),
            ({"DisplayName": "A", "Nickname": "B"}, "2010"), ({"DisplayName": 7}, "2010"), ({"DisplayName": "A", "Active": "yes"}, "2010"),
            ({"DisplayName": "A", "PreferredDeliveryMethod": "Pigeon"}, "2170"),
            ({"DisplayName": "A", "Job": True, "ParentRef": {"value": "999"}}, "2500"),
            ({"DisplayName": "A", "ParentRef": {"value": "1"}}, "6000"),
        ],
    )  # fmt: skip
    async def test_refuses_what_the_vendor_refuses(self, books: Books, body: dict[str, Any], code: str) -> None:
        assert await books.refused("POST", "/customer", body) == (400, code)
        assert books.state["records"]["Customer"] == []

    async def test_takes_several_addresses_with_commas_within_the_limit(self, books: Books) -> None:
        text = "ada@byron.example, office@byron.example"
        made = await books.customer("Ada", PrimaryEmailAddr={"Address": text})
        assert made["PrimaryEmailAddr"] == {"Address": text}
        longer = {"DisplayName": "Bo", "PrimaryEmailAddr": {"Address": f"{'x' * 60}@a.example,{'y' * 60}@b.example"}}
        assert await books.refused("POST", "/customer", longer) == (400, "2050")

    async def test_a_repeat_with_its_request_id_is_the_original_answer(self, books: Books) -> None:
        first = await books.send("POST", "/customer", {"DisplayName": "Ada"}, requestid="r-1")
        again = await books.send("POST", "/customer", {"DisplayName": "Ada"}, requestid="r-1")
        assert first.content == again.content
        assert len(books.state["records"]["Customer"]) == 1
        other = await books.send("POST", "/customer", {"DisplayName": "Bo"}, requestid="r-1")
        assert other.content == first.content
        books.switch(request_id_reuse="refused")
        assert await books.refused("POST", "/customer", {"DisplayName": "Bo"}, requestid="r-1") == (400, "600")
        assert await books.refused("POST", "/customer", {"DisplayName": "Bo"}, requestid="r" * 51) == (400, "2050")

    async def test_a_request_id_is_forgotten_after_a_while(self, operator: Books) -> None:
        first = await operator.ok("POST", "/customer", {"GivenName": "Ada"}, requestid="r-1")
        operator.later(86_401)
        assert await operator.refused("POST", "/customer", {"GivenName": "Ada"}, requestid="r-1") == (400, "6240")
        await operator.customer("Bo", Notes="x")
        await operator.ok("POST", "/customer", {"GivenName": "Cy"}, requestid="r-2")
        assert operator.state["request_ids"] == ["r-2"]
        assert first["Customer"]["DisplayName"] == "Ada"

    async def test_a_ghost_success_is_found_by_its_request_id(self, books: Books) -> None:
        books.core.faults.add({"vendor": "quickbooks", "kind": "half_commit", "count": 1})
        assert (await books.send("POST", "/customer", {"DisplayName": "Ada"}, requestid="r-1")).status_code == 500
        told = await books.ok("POST", "/customer", {"DisplayName": "Ada"}, requestid="r-1")
        assert [told["Customer"]["Id"]] == [one["Id"] for one in books.state["records"]["Customer"]]


class TestNames:
    async def test_are_unique_over_customers_vendors_and_employees(self, books: Books) -> None:
        await books.customer("Ada")
        for entity in ("customer", "vendor", "employee"):
            assert await books.refused("POST", f"/{entity}", {"DisplayName": " ada "}) == (400, "6240")
        await books.ok("POST", "/vendor", {"DisplayName": "Bo"})
        assert await books.refused("POST", "/customer", {"DisplayName": "Bo"}) == (400, "6240")

    async def test_of_the_inactive_say_so_and_still_block(self, books: Books) -> None:
        made = await books.customer("Ada")
        idle = await books.update(made, Active=False)
        assert (idle["DisplayName"], idle["Active"], idle["SyncToken"]) == ("Ada (deleted)", False, "1")
        assert await books.refused("POST", "/customer", {"DisplayName": "Ada"}) == (400, "6240")
        back = await books.update(idle, DisplayName=idle["DisplayName"], Active=True)
        assert back["DisplayName"] == "Ada"

    async def test_cannot_be_removed_and_may_stay_their_own(self, books: Books) -> None:
        made = await books.customer("Ada", GivenName="Ada")
        assert (await books.update(made, DisplayName="ADA"))["DisplayName"] == "ADA"
        await books.customer("Bo")
        bo = (await books.query("select * from Customer where DisplayName = 'Bo'"))["Customer"][0]
        body = {"Id": bo["Id"], "SyncToken": "0", "sparse": True, "DisplayName": ""}
        assert await books.refused("POST", "/customer", body) == (400, "2020")


class TestVersions:
    async def test_count_and_an_old_one_is_stale(self, books: Books) -> None:
        made = await books.customer("Ada")
        assert (await books.update(made, Notes="one"))["SyncToken"] == "1"
        body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Notes": "two"}
        answer = await books.send("POST", "/customer", body)
        error = answer.json()["Fault"]["Error"][0]
        assert (answer.status_code, error["code"], error["Message"]) == (400, "5010", "Stale Object Error")
        assert "were working on this at the same time" in error["Detail"]
        assert (await books.read(made["Id"]))["Notes"] == "one"
        del body["SyncToken"]
        assert await books.refused("POST", "/customer", body) == (400, "2020")

    async def test_a_full_update_blanks_what_it_leaves_out(self, books: Books) -> None:
        made = await books.customer(**WHOLE, Balance=12.5)
        sparse = await books.update(made, PrimaryPhone={"FreeFormNumber": "2"}, Notes=None)
        assert (sparse["PrimaryEmailAddr"], "Notes" in sparse) == (WHOLE["PrimaryEmailAddr"], False)
        body = {"Id": made["Id"], "SyncToken": "1", "DisplayName": "Ada Byron"}
        full = (await books.ok("POST", "/customer", body))["Customer"]
        assert not WHOLE.keys() & full.keys()
        assert full["Balance"] == 12.5

    async def test_writing_to_the_inactive_is_refused_unless_switched(self, books: Books) -> None:
        idle = await books.update(await books.customer("Ada"), Active=False)
        body = {"Id": idle["Id"], "SyncToken": "1", "sparse": True, "Notes": "x"}
        assert await books.refused("POST", "/customer", body) == (400, "610")
        assert (await books.read(idle["Id"]))["Active"] is False
        books.switch(inactive_writes="accepted")
        assert (await books.update(idle, Notes="x"))["Notes"] == "x"

    async def test_what_people_type_is_a_version_too(self, books: Books) -> None:
        made = await books.customer("Ada", Notes="old")
        typed = books.act("type_notes", id=made["Id"], text="!", where="after")
        assert (typed["Notes"], typed["SyncToken"]) == ("old!", "1")

    async def test_nobody_is_there_by_an_unknown_id(self, books: Books) -> None:
        assert await books.refused("GET", "/customer/999") == (400, "610")
        assert await books.refused("POST", "/customer", {"Id": "999", "SyncToken": "0"}) == (400, "610")
        assert await books.refused("GET", "/Customer/1") == (400, "500")


class TestFamilies:
    async def test_go_four_levels_deep(self, books: Books) -> None:
        above = await books.customer("L0")
        assert "Level" not in above
        for level in range(1, 5):
            under = {"Job": True, "ParentRef": {"value": above["Id"]}}
            above = await books.customer(f"L{level}", **under)
            assert above["Level"] == level
        assert above["FullyQualifiedName"] == "L0:L1:L2:L3:L4"
        under = {"DisplayName": "L5", "Job": True, "ParentRef": {"value": above["Id"]}}
        assert await books.refused("POST", "/customer", under) == (400, "6000")

    async def test_nobody_is_under_themselves(self, books: Books) -> None:
        top = await books.customer("Top")
        low = await books.customer("Low", Job=True, ParentRef={"value": top["Id"]})
        body = {"Id": top["Id"], "SyncToken": "0", "sparse": True, "Job": True, "ParentRef": {"value": low["Id"]}}
        assert await books.refused("POST", "/customer", body) == (400, "6000")

    async def test_have_projects_that_only_people_make_and_a_common_balance(self, books: Books) -> None:
        top = await books.customer("Top")
        project = books.act("project", parent=top["Id"], name="Roof")
        assert (project["IsProject"], project["Job"], project["FullyQualifiedName"]) == (True, True, "Top:Roof")
        books.act("invoice", customer=project["Id"], amount="100.10")
        read = await books.read(top["Id"])
        assert (read["Balance"], read["BalanceWithJobs"]) == (0, 100.1)


class TestMerging:
    async def test_leaves_one_with_what_was_theirs(self, books: Books) -> None:
        stays, goes = await books.customer("Stays"), await books.customer("Goes")
        child = await books.customer("Child", Job=True, ParentRef={"value": goes["Id"]})
        invoice = books.act("invoice", customer=goes["Id"], amount="50")
        note = {"Note": "hello", "AttachableRef": [{"EntityRef": {"type": "Customer", "value": goes["Id"]}}]}
        await books.ok("POST", "/attachable", note)
        told = books.act("merge", **{"from": goes["Id"], "into": stays["Id"]})
        assert (told["SyncToken"], told["Balance"], told["BalanceWithJobs"]) == ("1", 50, 50)
        assert await books.refused("GET", f"/customer/{goes['Id']}") == (400, "610")
        assert (await books.read(child["Id"]))["ParentRef"]["value"] == stays["Id"]
        assert (await books.read(invoice["Id"], "Invoice"))["CustomerRef"]["value"] == stays["Id"]
        named = f"select * from attachable where AttachableRef.EntityRef.Type = 'customer' and AttachableRef.EntityRef.value = '{stays['Id']}'"
        assert [one["Note"] for one in (await books.query(named))["Attachable"]] == ["hello"]
        await books.customer("Goes")  # the name is free


class TestAmounts:
    async def test_are_owed_until_they_are_paid(self, books: Books) -> None:
        made = await books.customer("Ada")
        invoice = books.act("invoice", customer=made["Id"], amount="100.10")
        payment = books.act("pay", invoice=invoice["Id"], amount="40.05")
        assert (await books.read(invoice["Id"], "Invoice"))["Balance"] == 60.05
        assert (await books.read(payment["Id"], "Payment"))["TotalAmt"] == 40.05
        assert (await books.read(made["Id"]))["Balance"] == 60.05
        books.act("delete", id=invoice["Id"], entity="Invoice")
        assert (await books.read(made["Id"]))["Balance"] == 0
        assert await books.refused("POST", "/invoice", {"Id": invoice["Id"]}) == (400, "500")


class TestNotes:
    async def test_hang_on_a_customer_and_change_nothing_of_it(self, books: Books) -> None:
        made = await books.customer("Ada")
        body = {"Note": "left the list", "AttachableRef": [{"EntityRef": {"type": "Customer", "value": made["Id"]}}]}
        told = (await books.ok("POST", "/attachable", body, requestid="n-1"))["Attachable"]
        assert told["AttachableRef"][0] == {
            "EntityRef": {"type": "Customer", "value": made["Id"]},
            "IncludeOnSend": False,
        }
        assert (await books.read(made["Id"]))["SyncToken"] == "0"
        assert await books.refused("POST", "/attachable", body | {"Note": "x" * 2_001}) == (400, "2050")
        body["AttachableRef"] = [{"EntityRef": {"type": "Customer", "value": "999"}}]
        assert await books.refused("POST", "/attachable", body) == (400, "2500")
        books.switch(customer_notes="refused")
        body["AttachableRef"] = [{"EntityRef": {"type": "Customer", "value": made["Id"]}}]
        assert await books.refused("POST", "/attachable", body) == (400, "6000")
