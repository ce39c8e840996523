"""Records written and read: one entry for each row, in order, in the vendor's words."""

from __future__ import annotations

import contextlib
import re

import httpx
import pytest

from tests.contract.sandbox.zoho_crm.conftest import Act, Connect
from tests.contract.sandbox.zoho_crm.crm import VENDOR, Crm
from tests.support.sandbox import SandboxProcess

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30\Z")
MODULES = {
    "Leads": {"Last_Name": "Alder"}, "Accounts": {"Account_Name": "Alder"}, "Contacts": {"Last_Name": "Alder"},
    "Deals": {"Deal_Name": "Desks", "Stage": "Qualification"}, "Vendors": {"Vendor_Name": "Oak"},
    "Products": {"Product_Name": "Desk"},
}  # fmt: skip
PAPERS = {
    "Quotes": "Quoted_Items", "Sales_Orders": "Ordered_Items", "Purchase_Orders": "Purchase_Items",
    "Invoices": "Invoiced_Items",
}  # fmt: skip


class TestWriting:
    def test_answers_a_row_with_its_times_and_people(self, crm: Crm) -> None:
        [row] = crm.reported("POST", "/Contacts", {"data": [{"Last_Name": "Alder"}]}, 201)["data"]
        details = row.pop("details")
        assert row == {"code": "SUCCESS", "message": "record added", "status": "success"}
        assert details["id"].isdigit()
        assert STAMP.match(details["Created_Time"])
        assert details["Modified_Time"] == details["Created_Time"]
        assert details["Created_By"]["id"] == details["Modified_By"]["id"]
        row = crm.write("Contacts", details["id"], {"First_Name": "Ida"})
        assert (row["code"], row["message"]) == ("SUCCESS", "record updated")
        assert crm.read("Contacts", details["id"])["Full_Name"] == "Ida Alder"

    def test_judges_each_row_for_itself(self, crm: Crm) -> None:
        rows = [{"Last_Name": "A"}, {"First_Name": "B"}, {"Last_Name": "C"}]
        data = crm.reported("POST", "/Contacts", {"data": rows}, 207)["data"]
        assert [row["status"] for row in data] == ["success", "error", "success"]
        assert data[1] == {
            "code": "MANDATORY_NOT_FOUND", "message": "required field not found", "status": "error",
            "details": {"api_name": "Last_Name", "json_path": "$.data[1].Last_Name"},
        }  # fmt: skip
        assert crm.reported("POST", "/Contacts", {"data": [{}]}, 400)["data"][0]["code"] == "MANDATORY_NOT_FOUND"

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"Email": "nobody"}, {"expected_data_type": "email"}),
            ({"Last_Name": "x" * 81}, {"maximum_length": 80}),
            ({"Last_Name": 7}, {"expected_data_type": "text"}),
            ({"Email_Opt_Out": "yes"}, {"expected_data_type": "boolean"}),
            ({"Date_of_Birth": "31.12.1999"}, {"expected_data_type": "date"}),
            ({"Salutation": "Sir"}, {"supported_values": ["Mr.", "Mrs.", "Ms.", "Dr.", "Prof."]}),
            ({"Account_Name": "Alder"}, {"expected_data_type": "jsonobject"}),
        ],
    )
    def test_says_what_is_wrong_with_a_value(
        self, crm: Crm, values: dict[str, object], told: dict[str, object]
    ) -> None:
        [row] = crm.reported("POST", "/Contacts", {"data": [{"Last_Name": "Alder", **values}]}, 400)["data"]
        [name] = values
        assert row["code"] == "INVALID_DATA"
        assert row["details"] == {**told, "api_name": name, "json_path": f"$.data[0].{name}"}

    def test_tells_several_faults_of_a_row_together(self, crm: Crm) -> None:
        [row] = crm.reported("POST", "/Contacts", {"data": [{"Email": "nobody"}]}, 400)["data"]
        assert row["code"] == "MULTIPLE_OR_MULTI_ERRORS"
        assert [one["code"] for one in row["details"]["errors"]] == ["MANDATORY_NOT_FOUND", "INVALID_DATA"]

    def test_refuses_an_unknown_currency_and_knows_its_own(self, crm: Crm) -> None:
        row = crm.write("Contacts", crm.contact(), {"Currency": "XXX"}, 400)
        assert (row["code"], row["details"]["api_name"]) == ("INVALID_DATA", "Currency")
        codes = [one["iso_code"] for one in crm.reported("GET", "/org/currencies")["currencies"]]
        assert row["details"]["supported_values"] == codes

    def test_passes_over_names_that_no_field_has(self, crm: Crm) -> None:
        id_ = crm.contact(Nonsense="x", Created_Time="2001-01-01T00:00:00Z")
        read = crm.read("Contacts", id_)
        assert "Nonsense" not in read
        assert not read["Created_Time"].startswith("2001")

    def test_takes_a_hundred_rows_and_not_one_more(self, crm: Crm) -> None:
        rows = [{"Last_Name": f"A{at}"} for at in range(101)]
        status, code, details = crm.refused("POST", "/Contacts", {"data": rows})
        assert (status, code, details["maximum_length"]) == (400, "INVALID_DATA", 100)
        assert len(crm.add("Contacts", *rows[:100])) == 100

    def test_changes_many_by_their_ids(self, crm: Crm) -> None:
        first, second = crm.contact("A"), crm.contact("B")
        rows = [
            {"id": second, "Title": "CFO"},
            {"id": "1", "Title": "CFO"},
            {"Title": "CFO"},
            {"id": first, "Title": "CEO"},
        ]
        data = crm.reported("PUT", "/Contacts", {"data": rows}, 207)["data"]
        assert [row["code"] for row in data] == ["SUCCESS", "INVALID_DATA", "MANDATORY_NOT_FOUND", "SUCCESS"]
        assert [crm.read("Contacts", id_)["Title"] for id_ in (first, second)] == ["CEO", "CFO"]

    def test_deletes_by_ids(self, crm: Crm) -> None:
        first, second = crm.contact("A"), crm.contact("B")
        data = crm.reported("DELETE", "/Contacts", expect=207, ids=f"{first},1")["data"]
        assert [row["code"] for row in data] == ["SUCCESS", "INVALID_DATA"]
        assert data[0]["message"] == "record deleted"
        assert crm.reported("DELETE", f"/Contacts/{second}")["data"][0]["details"] == {"id": second}
        assert crm.send("GET", f"/Contacts/{second}").status_code == 204

    @pytest.mark.parametrize("module", MODULES)
    def test_knows_the_modules(self, crm: Crm, module: str) -> None:
        [id_] = crm.add(module, MODULES[module])
        assert MODULES[module].items() <= crm.read(module, id_).items()

    @pytest.mark.parametrize("module", PAPERS)
    def test_papers_need_lines_of_products(self, crm: Crm, module: str) -> None:
        items = PAPERS[module]
        [row] = crm.reported("POST", f"/{module}", {"data": [{"Subject": "S"}]}, 400)["data"]
        assert (row["code"], row["details"]["api_name"]) == ("MANDATORY_NOT_FOUND", items)
        [desk] = crm.add("Products", {"Product_Name": "Desk"})
        line = {"Product_Name": {"id": desk}, "Quantity": 2, "List_Price": 99.5}
        [id_] = crm.add(module, {"Subject": "S", items: [line]})
        [kept] = crm.read(module, id_)[items]
        assert (kept["Product_Name"], kept["Total"]) == ({"name": "Desk", "id": desk}, 199.0)
        [row] = crm.reported("POST", f"/{module}", {"data": [{"Subject": "S", items: [{"Quantity": 1}]}]}, 400)["data"]
        assert row["details"]["json_path"] == f"$.data[0].{items}[0].Product_Name"

    def test_names_each_record_in_the_log(self, crm: Crm, sandbox: SandboxProcess) -> None:
        id_ = crm.contact()
        crm.write("Contacts", id_, {"Title": "CFO"})
        crm.write("Contacts", id_, {"Title": "CFO"})
        crm.reported("DELETE", f"/Contacts/{id_}")
        calls = [row for row in sandbox.get("log")["calls"] if row["vendor"] == "zoho-crm"]  # type: ignore[attr-defined]
        assert [row["applied"] for row in calls] == [
            [{"kind": "Contacts", "id": id_, "op": op}] for op in ("create", "update", "noop", "delete")
        ]
        assert calls[1]["route"] == "PUT /Contacts/{id}"


class TestLookups:
    def test_are_written_by_id_and_read_with_their_name(self, crm: Crm) -> None:
        [account] = crm.add("Accounts", {"Account_Name": "Alder"})
        id_ = crm.contact(Account_Name={"id": account})
        assert crm.read("Contacts", id_)["Account_Name"] == {"name": "Alder", "id": account}
        row = crm.write("Contacts", id_, {"Account_Name": {"id": "12"}}, 400)
        assert (row["code"], row["message"]) == ("INVALID_DATA", "the id given seems to be invalid")
        crm.reported("DELETE", f"/Accounts/{account}")
        assert crm.read("Contacts", id_)["Account_Name"] is None

    def test_lead_back_by_related_lists(self, crm: Crm) -> None:
        [account] = crm.add("Accounts", {"Account_Name": "Alder"})
        id_ = crm.contact(Account_Name={"id": account})
        crm.contact("Elsewhere")
        rows = crm.reported("GET", f"/Accounts/{account}/Contacts", fields="Last_Name")["data"]
        assert rows == [{"id": id_, "Last_Name": "Alder"}]
        assert crm.send("GET", f"/Accounts/{account}/Deals", fields="Deal_Name").status_code == 204


class TestNotes:
    def test_hang_on_their_record(self, crm: Crm) -> None:
        [account] = crm.add("Accounts", {"Account_Name": "Alder"})
        body = {"data": [{"Note_Title": "Invoice 7", "Note_Content": "paid"}]}
        crm.reported("POST", f"/Accounts/{account}/Notes", body, 201)
        parent = {"Parent_Id": {"module": {"api_name": "Accounts"}, "id": account}}
        [second] = crm.add("Notes", {"Note_Title": "Invoice 8", "Note_Content": "open", **parent})
        rows = crm.reported("GET", f"/Accounts/{account}/Notes", fields="Note_Title", sort_order="asc")["data"]
        assert [row["Note_Title"] for row in rows] == ["Invoice 7", "Invoice 8"]
        crm.write("Notes", second, {"Note_Content": "paid"})
        read = crm.read("Notes", second)
        assert (read["Note_Content"], read["Parent_Id"]["module"]) == ("paid", {"api_name": "Accounts"})


class TestExternalFields:
    def test_name_records_and_lookups_instead_of_ids(self, crm: Crm) -> None:
        for module in ("Accounts", "Contacts"):
            crm.make_field(module, "Books Id", external={"type": "org"})
        [account] = crm.add("Accounts", {"Account_Name": "Alder", "Books_Id": "A-17"})
        headers = {"x-external": "Contacts.Books_Id,Contacts.Account_Name.Books_Id"}
        id_ = crm.contact(Books_Id="C-1")
        crm.write("Contacts", "C-1", {"Account_Name": {"Books_Id": "A-17"}}, headers=headers)
        assert crm.read("Contacts", id_)["Account_Name"]["id"] == account
        assert crm.send("GET", "/Contacts/C-1", headers=headers).json()["data"][0]["id"] == id_

    def test_refuse_a_value_that_another_record_has(self, crm: Crm) -> None:
        crm.make_field("Contacts", "Books Id", external={"type": "org"})
        first = crm.contact("A", Books_Id="C-1")
        [row] = crm.reported("POST", "/Contacts", {"data": [{"Last_Name": "B", "Books_Id": "c-1"}]}, 400)["data"]
        assert (row["code"], row["details"]["id"]) == ("DUPLICATE_DATA", first)
        assert row["details"]["duplicate_record"]["id"] == first
        assert row["details"]["duplicate_record"]["module"]["api_name"] == "Contacts"


class TestFields:
    def test_are_made_five_in_a_call_with_labels_of_25(self, crm: Crm) -> None:
        rows = [{"field_label": f"Own {at}", "data_type": "text"} for at in range(6)]
        status, code, details = crm.refused("POST", "/settings/fields", {"fields": rows}, module="Deals")
        assert (status, code, details["limit"]) == (400, "LIMIT_EXCEEDED", 5)
        rows[1]["field_label"] = "x" * 26
        made = crm.reported("POST", "/settings/fields", {"fields": rows[:5]}, 207, module="Deals")["fields"]
        assert [one["code"] for one in made] == ["SUCCESS", "INVALID_DATA", "SUCCESS", "SUCCESS", "SUCCESS"]
        assert made[1]["details"]["maximum_length"] == 25

    def test_tell_what_a_value_must_be(self, crm: Crm) -> None:
        crm.make_field("Deals", "Books Id", external={"type": "org"}, unique={"case_sensitive": False})
        fields = {one["api_name"]: one for one in crm.reported("GET", "/settings/fields", module="Deals")["fields"]}
        assert (fields["Deal_Name"]["system_mandatory"], fields["Deal_Name"]["length"]) == (True, 120)
        assert "Closed Won" in [one["actual_value"] for one in fields["Stage"]["pick_list_values"]]
        assert fields["Account_Name"]["lookup"]["module"]["api_name"] == "Accounts"
        books = fields["Books_Id"]
        assert (books["custom_field"], books["external"]["type"], books["unique"]) == (
            True, "org", {"case_sensitive": "false"},
        )  # fmt: skip

    def test_end_where_the_edition_ends(self, connect: Connect) -> None:
        free = connect("demo-au")
        row = {"fields": [{"field_label": "Own", "data_type": "text"}]}
        [told] = free.reported("POST", "/settings/fields", row, 400, module="Contacts")["fields"]
        assert (told["code"], told["details"]["limit"]) == ("LIMIT_EXCEEDED", 0)


class TestModules:
    def test_are_made_for_five_hundred_credits(self, crm: Crm, switch: Act) -> None:
        row = {
            "singular_label": "Payment", "plural_label": "Payments", "api_name": "Payments", "profiles": [{"id": "1"}],
            "display_field": {"field_label": "Payment Number", "data_type": "text"},
        }  # fmt: skip
        switch(credits=600)
        answer = crm.send("POST", "/settings/modules", {"modules": [row]})
        assert (answer.status_code, answer.headers["x-api-credits-remaining"]) == (201, "100")
        switch(credits=10_000)
        [id_] = crm.add("Payments", {"Payment_Number": "P-1"})
        assert crm.read("Payments", id_)["Payment_Number"] == "P-1"
        for wrong, code in (
            ({}, "DUPLICATE_DATA"),
            ({"singular_label": "x" * 26}, "INVALID_DATA"),
            ({"profiles": []}, "MANDATORY_NOT_FOUND"),
        ):
            [told] = crm.reported("POST", "/settings/modules", {"modules": [{**row, **wrong}]}, 400)["modules"]
            assert told["code"] == code

    def test_end_where_the_edition_ends(self, connect: Connect) -> None:
        row = {"singular_label": "A", "plural_label": "As", "api_name": "As", "profiles": [{"id": "1"}]}
        [told] = connect("demo-au").reported("POST", "/settings/modules", {"modules": [row]}, 400)["modules"]
        assert told["code"] == "NOT_ALLOWED"


class TestFaults:
    @pytest.mark.parametrize("kind", ["half_commit", "reset_after"])
    def test_a_ghost_is_found_again_by_its_external_field(self, crm: Crm, sandbox: SandboxProcess, kind: str) -> None:
        crm.make_field("Contacts", "Books Id", external={"type": "org"})
        body = {"data": [{"Last_Name": "Alder", "Books_Id": "C-1"}], "duplicate_check_fields": ["Books_Id"]}
        sandbox.post("faults", {"vendor": VENDOR, "route": "POST /Contacts/upsert", "kind": kind, "count": 1})
        with contextlib.suppress(httpx.TransportError):
            assert crm.send("POST", "/Contacts/upsert", body).status_code == 500
        [again] = crm.reported("POST", "/Contacts/upsert", body)["data"]
        assert (again["action"], again["duplicate_field"]) == ("update", "Books_Id")

    def test_a_late_commit_comes_by_the_clock(self, operator: Crm, sandbox: SandboxProcess) -> None:
        fault = {"vendor": VENDOR, "route": "POST /Contacts", "kind": "late_commit", "count": 1, "seconds": 60}
        sandbox.post("faults", {**fault, "operator": True})
        with pytest.raises(httpx.TransportError):
            operator.contact("Alder")
        assert operator.send("GET", "/Contacts", fields="Last_Name").status_code == 204
        sandbox.post("clock", {"advance_s": 61})
        assert len(operator.reported("GET", "/Contacts", fields="Last_Name")["data"]) == 1

    def test_a_storm_is_the_vendors_own_429(self, crm: Crm, sandbox: SandboxProcess) -> None:
        sandbox.post("faults", {"vendor": VENDOR, "kind": "storm_429"})
        assert crm.refused("GET", "/org")[:2] == (429, "TOO_MANY_REQUESTS")
