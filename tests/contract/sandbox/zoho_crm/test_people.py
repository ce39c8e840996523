"""What people do in the CRM's own pages, and what stands in a writer's way because of it."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_crm.conftest import Act
from tests.contract.sandbox.zoho_crm.crm import VENDOR, Crm, Document
from tests.support.sandbox import SandboxProcess


def stored(sandbox: SandboxProcess) -> Document:
    return dict(sandbox.get(f"state/{VENDOR}", account="demo")["accounts"]["demo"])  # type: ignore[index]


class TestPeople:
    def test_edit_under_their_own_name(self, crm: Crm, act: Act) -> None:
        id_ = crm.contact()
        act("edit", module="Contacts", id=id_, values={"Title": "CEO"}, **{"as": "colleague@in.example"})
        read = crm.read("Contacts", id_)
        assert (read["Title"], read["Modified_By"]["name"]) == ("CEO", "Colleague (IN)")

    def test_lock_and_submit_for_approval(self, crm: Crm, act: Act) -> None:
        id_ = crm.contact()
        for does, undoes, code in (("lock", "unlock", "RECORD_LOCKED"), ("submit", "approve", "NOT_APPROVED")):
            act(does, module="Contacts", id=id_)
            assert crm.write("Contacts", id_, {"Title": "CEO"}, 400)["code"] == code
            assert crm.reported("DELETE", f"/Contacts/{id_}", expect=400)["data"][0]["code"] == code
            act(undoes, module="Contacts", id=id_)
            assert crm.write("Contacts", id_, {"Title": "CEO"})["code"] == "SUCCESS"

    def test_merge_records_and_what_led_to_them(self, crm: Crm, act: Act) -> None:
        crm.make_field("Accounts", "Books Id", external={"type": "org"})
        first, second = crm.add(
            "Accounts", {"Account_Name": "Alder"}, {"Account_Name": "Alder Ltd", "Phone": "1", "Books_Id": "A-1"}
        )
        id_ = crm.contact(Account_Name={"id": second})
        assert act("merge", module="Accounts", into=first, ids=[second])["merged"] == [second]
        read = crm.read("Accounts", first)
        assert (read["Account_Name"], read["Phone"], read["Books_Id"]) == ("Alder", "1", "A-1")
        assert crm.read("Contacts", id_)["Account_Name"]["id"] == first
        [gone] = crm.reported("GET", "/Accounts/deleted", type="permanent")["data"]
        assert (gone["id"], gone["display_name"], gone["deleted_by"]) == (second, None, None)

    def test_convert_leads_as_the_api_does(self, crm: Crm, act: Act) -> None:
        leads = crm.add(
            "Leads",
            *({"Last_Name": name, "Company": f"{name} Ltd", "Email": f"{name}@alder.example"} for name in ("a", "b")),
        )
        deal = {"Deal_Name": "Desks", "Stage": "Qualification"}
        by_hand = act("convert", id=leads[0], deal=deal)
        [row] = crm.reported("POST", f"/Leads/{leads[1]}/actions/convert", {"data": [{"Deals": deal}]})["data"]
        for made, email in ((by_hand, "a@alder.example"), (row["details"], "b@alder.example")):
            contact = crm.read("Contacts", made["Contacts"]["id"])  # type: ignore[index]
            assert contact["Email"] == email
            assert contact["Account_Name"]["id"] == made["Accounts"]["id"]  # type: ignore[index]
            assert crm.read("Deals", made["Deals"]["id"])["Contact_Name"]["id"] == contact["id"]  # type: ignore[index]
        assert crm.send("GET", "/Leads", fields="Email").status_code == 204
        assert len(crm.reported("GET", "/Leads", fields="Email", converted="both")["data"]) == 2
        again = crm.reported("POST", f"/Leads/{leads[1]}/actions/convert", {"data": [{}]}, 400)["data"][0]
        assert again["code"] == "ID_ALREADY_CONVERTED"

    def test_change_the_edition_and_keep_what_it_hides(self, crm: Crm, act: Act) -> None:
        [product] = crm.add("Products", {"Product_Name": "Desk"})
        act("change_edition", edition="standard")
        assert crm.reported("GET", "/org")["org"][0]["license_details"]["paid_type"] == "standard"
        assert crm.refused("GET", f"/Products/{product}")[1] == "INVALID_MODULE"
        act("change_edition", edition="professional", users=7)
        assert crm.read("Products", product)["Product_Name"] == "Desk"
        assert crm.reported("GET", "/org")["org"][0]["license_details"]["users_license_purchased"] == 7

    def test_switch_the_native_sync_on(self, act: Act, sandbox: SandboxProcess) -> None:
        assert stored(sandbox)["native_sync"] is False
        act("native_sync", on=True)
        assert stored(sandbox)["native_sync"] is True

    def test_add_fields_and_modules(self, crm: Crm, act: Act) -> None:
        act("add_field", module="Contacts", label="Books Id", external={"type": "org"})
        act("add_module", api_name="Payments")
        [id_] = crm.add("Payments", {"Name": "P-1"})
        assert crm.read("Payments", id_)["Name"] == "P-1"
        names = {one["api_name"]: one for one in crm.reported("GET", "/settings/modules")["modules"]}
        assert names["Payments"]["generated_type"] == "custom"

    def test_cannot_do_what_is_not_there(self, act: Act) -> None:
        for what, wanted in (("sing", {}), ("edit", {"id": "1"}), ("merge", {"into": "1"})):
            with pytest.raises(AssertionError, match="error"):  # the admin answers 400 with the reason
                act(what, **wanted)


class TestState:
    def test_tells_everything_stored(self, crm: Crm, sandbox: SandboxProcess) -> None:
        id_, gone = crm.contact("Alder", Email="ida@alder.example"), crm.contact("B")
        crm.reported("DELETE", f"/Contacts/{gone}")
        state = stored(sandbox)
        [kept] = state["records"]["Contacts"]
        assert (kept["id"], kept["Email"]) == (id_, "ida@alder.example")
        assert [one["id"] for one in state["deleted"]["Contacts"]] == [gone]

    def test_is_the_same_for_the_same_seed(self, sandbox: SandboxProcess) -> None:
        seeded = {"vendor": VENDOR, "account": "demo", "size": 60, "seed": 3, "trouble": True}
        first = sandbox.post("seed", seeded)
        assert (first["Contacts"], first["Accounts"], first["Deals"]) == (60, 20, 30)
        records = stored(sandbox)["records"]
        emails = [row["Email"] for row in records["Contacts"]]
        assert "info@shared.example" in emails
        assert None in emails
        sandbox.post("reset")
        sandbox.post("seed", seeded)
        assert stored(sandbox)["records"] == records
