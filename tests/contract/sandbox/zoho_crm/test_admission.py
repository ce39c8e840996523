"""Who gets in: tokens, scopes, accounts and their editions."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.sandbox.zoho_crm.conftest import Act, Connect
from tests.contract.sandbox.zoho_crm.crm import Crm, account_of
from tests.support.sandbox import SandboxProcess

INVENTORY = ["Invoices", "Products", "Purchase_Orders", "Quotes", "Sales_Orders", "Vendors"]


class TestTokens:
    def test_refuses_no_token_and_a_dead_one_by_different_codes(self, crm: Crm) -> None:
        bare = httpx.get(f"{crm.base_url}/org", trust_env=False)
        assert (bare.status_code, bare.json()["code"]) == (401, "AUTHENTICATION_FAILURE")
        crm.token = "1000.dead.beef"
        assert crm.refused("GET", "/org") == (401, "INVALID_TOKEN", {})

    def test_may_call_a_dead_token_an_authentication_failure(self, crm: Crm, switch: Act) -> None:
        switch(dead_token="AUTHENTICATION_FAILURE")
        crm.token = "1000.dead.beef"
        assert crm.refused("GET", "/org")[:2] == (401, "AUTHENTICATION_FAILURE")

    def test_refuses_a_token_of_another_data_centre(self, connect: Connect) -> None:
        crm = connect("demo-us")
        crm.token = connect("demo").token
        assert crm.refused("GET", "/org")[:2] == (401, "INVALID_TOKEN")

    def test_refuses_an_expired_token(self, crm: Crm, sandbox: SandboxProcess) -> None:
        sandbox.post("clock", {"advance_s": 3601})
        assert crm.refused("GET", "/org")[:2] == (401, "INVALID_TOKEN")

    def test_refuses_what_no_scope_covers(self, connect: Connect) -> None:
        crm = connect(scope="ZohoCRM.modules.contacts.READ,ZohoCRM.settings.fields.READ")
        assert crm.send("GET", "/Contacts", fields="Last_Name").status_code == 204
        mismatch = (401, "OAUTH_SCOPE_MISMATCH", {})
        assert crm.refused("GET", "/Accounts", fields="Account_Name") == mismatch
        assert crm.refused("POST", "/Contacts", {"data": [{"Last_Name": "A"}]}) == mismatch
        assert crm.refused("GET", "/settings/modules") == mismatch
        assert crm.refused("GET", "/org") == mismatch

    def test_takes_a_self_clients_token(self, crm: Crm, sandbox: SandboxProcess) -> None:
        account = account_of(sandbox, "demo")
        asked = {
            "grant_type": "client_credentials", "client_id": account["self_client_id"],
            "client_secret": account["self_client_secret"], "scope": "ZohoCRM.org.READ", "soid": account["soid"],
        }  # fmt: skip
        answer = httpx.post(f"{account['accounts_url']}/oauth/v2/token", data=asked, trust_env=False)
        crm.token = answer.json()["access_token"]
        assert crm.reported("GET", "/org")["org"][0]["zgid"] == account["organization_id"]


class TestAddresses:
    def test_knows_paths_methods_and_modules(self, crm: Crm) -> None:
        assert crm.refused("GET", "/a/b/c/d/e") == (404, "INVALID_URL_PATTERN", {})
        assert crm.refused("PATCH", "/Contacts", {}) == (400, "INVALID_REQUEST_METHOD", {})
        assert crm.refused("GET", "/Nothings", fields="id") == (400, "INVALID_MODULE", {"resource_path_index": 0})

    def test_answers_in_every_data_centre(self, connect: Connect, sandbox: SandboxProcess) -> None:
        rows = [row for row in sandbox.get("accounts")["accounts"] if row["vendor"] == "zoho-crm"]  # type: ignore[attr-defined]
        assert len({row["dc"] for row in rows}) == 8
        for row in rows:
            assert connect(row["name"]).reported("GET", "/org")["org"][0]["id"] == row["organization_id"]


class TestEditions:
    @pytest.mark.parametrize("edition", ["free", "standard", "professional", "enterprise", "ultimate"])
    def test_are_told_by_the_licence_and_have_their_modules(self, crm: Crm, switch: Act, edition: str) -> None:
        limits = switch(edition=edition)["limits"]
        licence = crm.reported("GET", "/org")["org"][0]["license_details"]
        assert (licence["paid_type"], licence["paid"]) == (edition, edition != "free")
        names = [one["api_name"] for one in crm.reported("GET", "/settings/modules")["modules"]]
        has_inventory = edition in ("professional", "enterprise", "ultimate")
        assert sorted(set(names) & set(INVENTORY)) == (INVENTORY if has_inventory else [])
        assert {"Leads", "Accounts", "Contacts", "Deals", "Notes"} <= set(names)
        numbers = {
            "free": (5_000, 5), "standard": (51_250, 10), "professional": (52_500, 15), "enterprise": (55_000, 20),
            "ultimate": (60_000, 25),
        }  # fmt: skip
        limits = limits["demo"]  # type: ignore[index]
        assert (limits["credits"], limits["concurrency"]) == numbers[edition]  # type: ignore[index]

    @pytest.mark.parametrize(
        ("code", "status"), [("INVALID_MODULE", 400), ("NOT_SUPPORTED", 400), ("NO_PERMISSION", 403)]
    )
    def test_below_professional_refuse_invoices_by_a_code_that_can_be_chosen(
        self, crm: Crm, switch: Act, code: str, status: int
    ) -> None:
        switch(edition="standard", absent_module=code)
        assert crm.refused("GET", "/Invoices", fields="Subject")[:2] == (status, code)
        assert crm.refused("GET", "/settings/fields", module="Invoices")[:2] == (status, code)

    def test_accounts_from_free_to_ultimate_are_there(self, sandbox: SandboxProcess) -> None:
        rows = [row for row in sandbox.get("accounts")["accounts"] if row["vendor"] == "zoho-crm"]  # type: ignore[attr-defined]
        assert {row["edition"] for row in rows} == {"free", "standard", "professional", "enterprise", "ultimate"}
        assert {row["name"]: row["edition"] for row in rows}["demo"] == "enterprise"
        assert all(row["base_url"] and row["operator_token"] for row in rows)
