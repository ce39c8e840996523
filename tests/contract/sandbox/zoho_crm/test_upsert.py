"""Upsert, and changes that somebody else stands in the way of."""

from __future__ import annotations

from tests.contract.sandbox.zoho_crm.conftest import Act
from tests.contract.sandbox.zoho_crm.crm import Crm, Document
from tests.support.sandbox import SandboxProcess


def upserted(crm: Crm, module: str, *rows: Document, expect: int = 200, **more: object) -> list[Document]:
    return list(crm.reported("POST", f"/{module}/upsert", {"data": list(rows), **more}, expect)["data"])


class TestUpsert:
    def test_finds_a_contact_by_its_address_when_nothing_is_named(self, crm: Crm) -> None:
        id_ = crm.contact("Alder", Email="info@alder.example")
        [row] = upserted(crm, "Contacts", {"Last_Name": "Finch", "Email": "INFO@alder.example"})
        assert (row["action"], row["duplicate_field"], row["details"]["id"]) == ("update", "Email", id_)
        assert row["message"] == "record updated"
        assert crm.read("Contacts", id_)["Last_Name"] == "Finch"  # two people of one address are merged

    def test_finds_an_invoice_by_its_subject(self, crm: Crm) -> None:
        [desk] = crm.add("Products", {"Product_Name": "Desk"})
        paper = {"Subject": "INV-1", "Invoiced_Items": [{"Product_Name": {"id": desk}, "Quantity": 1}]}
        [first], [second] = upserted(crm, "Invoices", paper), upserted(crm, "Invoices", paper)
        assert (first["action"], first["duplicate_field"], first["message"]) == ("insert", None, "record added")
        assert (second["action"], second["duplicate_field"]) == ("update", "Subject")

    def test_looks_by_the_named_fields_alone_and_the_unique_ones(self, crm: Crm) -> None:
        crm.make_field("Contacts", "Books Id", external={"type": "org"})
        id_ = crm.contact("Alder", Email="info@alder.example", Books_Id="C-1")
        row = {"Last_Name": "Finch", "Email": "info@alder.example", "Books_Id": "C-2"}
        [made] = upserted(crm, "Contacts", row, duplicate_check_fields=["Books_Id"])
        assert (made["action"], made["details"]["id"] != id_) == ("insert", True)
        [found] = upserted(crm, "Contacts", {**row, "Books_Id": "C-1"}, duplicate_check_fields=["Books_Id"])
        assert (found["action"], found["duplicate_field"], found["details"]["id"]) == ("update", "Books_Id", id_)

    def test_looks_by_an_external_field_without_its_name(self, crm: Crm) -> None:
        crm.make_field("Contacts", "Books Id", external={"type": "org"})
        id_ = crm.contact("Alder", Books_Id="C-1")
        [row] = upserted(crm, "Contacts", {"Last_Name": "Finch", "Books_Id": "C-1"})
        assert (row["duplicate_field"], row["details"]["id"]) == ("Books_Id", id_)

    def test_takes_only_fields_that_are_unique(self, crm: Crm) -> None:
        body = {"data": [{"Last_Name": "A"}], "duplicate_check_fields": ["Phone"]}
        status, code, details = crm.refused("POST", "/Contacts/upsert", body)
        assert (status, code, details["supported_values"]) == (400, "INVALID_DATA", ["Email"])
        body["duplicate_check_fields"] = ["Email"] * 11
        assert crm.refused("POST", "/Contacts/upsert", body)[2]["maximum_length"] == 10

    def test_makes_one_record_of_two_rows_that_are_alike(self, crm: Crm) -> None:
        row = {"Last_Name": "Alder", "Email": "ida@alder.example"}
        rows = upserted(crm, "Contacts", row, row, {"Email": "x"}, expect=207)
        assert [one.get("action") for one in rows] == ["insert", "update", None]
        assert len(crm.reported("GET", "/Contacts", fields="Email")["data"]) == 1

    def test_may_let_an_id_in_the_row_win(self, crm: Crm, switch: Act) -> None:
        first, second = crm.contact("A", Email="a@alder.example"), crm.contact("B", Email="b@alder.example")
        row = {"id": first, "Last_Name": "A", "Email": "b@alder.example"}
        assert upserted(crm, "Contacts", row)[0]["details"]["id"] == first
        switch(id_wins_upsert=False)
        assert upserted(crm, "Contacts", {**row, "id": second, "Email": "c@alder.example"})[0]["action"] == "insert"


class TestModifiedSince:
    def test_refuses_a_change_of_what_is_newer(self, operator: Crm, sandbox: SandboxProcess) -> None:
        sandbox.post("clock", {"at": "2026-12-01T10:00:00Z"})
        id_ = operator.contact("Alder")
        sandbox.post("clock", {"at": "2026-12-01T10:00:05Z"})
        operator.write("Contacts", id_, {"Title": "CFO"})
        old = {"if-unmodified-since": "2026-12-01T10:00:04+00:00"}
        row = operator.write("Contacts", id_, {"Title": "CEO"}, 412, headers=old)
        assert (row["code"], row["details"]["id"]) == ("ALREADY_MODIFIED", id_)
        assert row["details"]["Modified_Time"] == "2026-12-01T15:30:05+05:30"
        assert row["message"] == "record updated time has already passed if-unmodified-since time"
        same = {"if-unmodified-since": "2026-12-01T10:00:05+00:00"}
        assert operator.write("Contacts", id_, {"Title": "CEO"}, headers=same)["code"] == "SUCCESS"

    def test_is_passed_over_where_the_header_is_not_known(
        self, operator: Crm, switch: Act, sandbox: SandboxProcess
    ) -> None:
        switch(if_unmodified_since=False)
        id_ = operator.contact("Alder")
        old = {"if-unmodified-since": "2001-12-01T10:00:04+00:00"}
        assert operator.write("Contacts", id_, {"Title": "CEO"}, headers=old)["code"] == "SUCCESS"


class TestForms:
    def test_values_may_be_kept_in_another_form(self, crm: Crm, switch: Act) -> None:
        switch(changed_forms=["trim", "lower_email", "bare_phone", "title_names"])
        id_ = crm.contact(" alder ", Email="Ida@Alder.example", Phone="+49 (30) 1-2")
        read = crm.read("Contacts", id_)
        assert (read["Last_Name"], read["Email"], read["Phone"]) == ("Alder", "ida@alder.example", "+493012")
