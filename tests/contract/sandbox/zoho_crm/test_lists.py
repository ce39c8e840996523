"""Lists: their fields, their pages and tokens, what changed since, what was deleted."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_crm.conftest import Connect
from tests.contract.sandbox.zoho_crm.crm import Crm
from tests.support.sandbox import SandboxProcess


@pytest.fixture
def many(crm: Crm, sandbox: SandboxProcess) -> Crm:
    """2,300 contacts: more than numbers of pages reach."""
    sandbox.post("seed", {"vendor": "zoho-crm", "account": "demo", "size": 2_300})
    return crm


def at(sandbox: SandboxProcess, time: str) -> None:
    sandbox.post("clock", {"at": time})


class TestFields:
    def test_must_be_named_and_are_fifty_at_most(self, crm: Crm) -> None:
        assert crm.refused("GET", "/Contacts") == (400, "REQUIRED_PARAM_MISSING", {"param_name": "fields"})
        status, code, details = crm.refused("GET", "/Contacts", fields=",".join(f"F{n}" for n in range(51)))
        assert (status, code, details) == (400, "LIMIT_EXCEEDED", {"limit": 50, "param_name": "fields"})

    def test_rows_have_no_subforms_and_long_text_is_cut(self, crm: Crm) -> None:
        [desk] = crm.add("Products", {"Product_Name": "Desk"})
        line = {"Product_Name": {"id": desk}, "Quantity": 1}
        crm.add("Invoices", {"Subject": "S", "Invoiced_Items": [line], "Description": "x" * 600})
        [row] = crm.reported("GET", "/Invoices", fields="Subject,Invoiced_Items,Description")["data"]
        assert "Invoiced_Items" not in row
        assert len(row["Description"]) == 500


class TestPages:
    def test_an_empty_list_has_no_body(self, crm: Crm) -> None:
        assert crm.send("GET", "/Contacts", fields="Last_Name").status_code == 204

    def test_numbers_reach_two_thousand_and_tokens_the_rest(self, many: Crm) -> None:
        seen: list[str] = []
        for page in range(1, 11):
            document = many.reported("GET", "/Contacts", fields="Email", per_page=200, page=page, sort_order="asc")
            seen += [row["id"] for row in document["data"]]
        status, code, details = many.refused(
            "GET", "/Contacts", fields="Email", per_page=200, page=11, sort_order="asc"
        )
        assert (status, code, details) == (400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", {"limit": 2000})
        while token := document["info"]["next_page_token"]:
            asked = {"fields": "Email", "per_page": 200, "sort_order": "asc", "page_token": token}
            document = many.reported("GET", "/Contacts", **asked)
            seen += [row["id"] for row in document["data"]]
        assert document["info"]["more_records"] is False
        assert len(seen) == len(set(seen)) == 2_300
        assert seen == sorted(seen, key=int)

    def test_a_token_is_bound_to_its_parameters_and_its_user(self, many: Crm, connect: Connect) -> None:
        token = many.reported("GET", "/Contacts", fields="Email")["info"]["next_page_token"]
        mismatch = many.refused("GET", "/Contacts", fields="Email,Phone", page_token=token)
        assert mismatch[:2] == (400, "TOKEN_BOUND_DATA_MISMATCH")
        assert many.refused("GET", "/Contacts", fields="Email", page_token="nonsense")[1] == "PATTERN_NOT_MATCHED"
        many.token = connect(who="colleague").token
        assert many.refused("GET", "/Contacts", fields="Email", page_token=token)[1] == "TOKEN_BOUND_DATA_MISMATCH"

    def test_a_token_lives_a_day(self, many: Crm, operator: Crm, sandbox: SandboxProcess) -> None:
        token = operator.reported("GET", "/Contacts", fields="Email")["info"]["next_page_token"]
        sandbox.post("clock", {"advance_s": 86_400})
        assert operator.refused("GET", "/Contacts", fields="Email", page_token=token)[1] == "EXPIRED_VALUE"

    def test_are_sorted_newest_first_unless_asked(self, operator: Crm, sandbox: SandboxProcess) -> None:
        at(sandbox, "2026-12-01T10:00:00Z")
        first = operator.contact("A")
        second = operator.contact("B")
        at(sandbox, "2026-12-01T10:00:05Z")
        operator.write("Contacts", first, {"Title": "CFO"})
        asked = {"fields": "Last_Name"}
        assert [row["id"] for row in operator.reported("GET", "/Contacts", **asked)["data"]] == [second, first]
        rows = operator.reported("GET", "/Contacts", sort_by="Modified_Time", sort_order="asc", **asked)["data"]
        assert [row["id"] for row in rows] == [second, first]
        assert operator.refused("GET", "/Contacts", sort_by="Email", **asked)[1] == "PATTERN_NOT_MATCHED"
        assert [row["id"] for row in operator.reported("GET", "/Contacts", ids=first, **asked)["data"]] == [first]


class TestChangedSince:
    def test_shows_only_what_changed_and_304_when_nothing_did(self, operator: Crm, sandbox: SandboxProcess) -> None:
        at(sandbox, "2026-12-01T10:00:00Z")
        first = operator.contact("A")
        at(sandbox, "2026-12-01T10:00:10Z")
        second = operator.contact("B")
        for since, found in (("10:00:00", [second]), ("09:59:59", [second, first])):
            headers = {"if-modified-since": f"2026-12-01T{since}+00:00"}
            answer = operator.send("GET", "/Contacts", headers=headers, fields="Last_Name")
            assert [row["id"] for row in answer.json()["data"]] == found
        headers = {"if-modified-since": "2026-12-01T15:30:10+05:30"}
        assert operator.send("GET", "/Contacts", headers=headers, fields="Last_Name").status_code == 304


class TestDeleted:
    def test_tells_who_deleted_what_and_when(self, operator: Crm, sandbox: SandboxProcess) -> None:
        at(sandbox, "2026-12-01T10:00:00Z")
        id_ = operator.contact("Alder", First_Name="Ida")
        operator.reported("DELETE", f"/Contacts/{id_}")
        [row] = operator.reported("GET", "/Contacts/deleted", type="all")["data"]
        assert (row["id"], row["display_name"], row["type"]) == (id_, "Ida Alder", "recycle")
        assert row["deleted_time"] == "2026-12-01T15:30:00+05:30"
        assert row["deleted_by"]["id"]
        assert operator.send("GET", "/Contacts/deleted", type="permanent").status_code == 204
        since = {"if-modified-since": "2026-12-01T10:00:00+00:00"}
        assert operator.send("GET", "/Contacts/deleted", headers=since).status_code == 304

    def test_forgets_after_sixty_days(self, operator: Crm, sandbox: SandboxProcess) -> None:
        operator.reported("DELETE", f"/Contacts/{operator.contact()}")
        sandbox.post("clock", {"advance_s": 59 * 86_400})
        assert operator.send("GET", "/Contacts/deleted").status_code == 200
        sandbox.post("clock", {"advance_s": 86_400})
        assert operator.send("GET", "/Contacts/deleted").status_code == 204
