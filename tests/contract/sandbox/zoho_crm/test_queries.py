"""Search, which lags, and queries, which do not."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_crm.conftest import Act, Connect
from tests.contract.sandbox.zoho_crm.crm import Crm
from tests.support.sandbox import SandboxProcess


def asked(crm: Crm, query: str) -> list[dict[str, object]]:
    answer = crm.send("POST", "/coql", {"select_query": query})
    assert answer.status_code in (200, 204), answer.text
    return list(answer.json()["data"]) if answer.content else []


def refused(crm: Crm, query: str) -> tuple[int, str, dict[str, object]]:
    return crm.refused("POST", "/coql", {"select_query": query})


class TestSearch:
    def test_finds_by_criteria_email_phone_and_word(self, crm: Crm) -> None:
        id_ = crm.contact("Alder", Email="ida@alder.example", Phone="+49 30 1")
        crm.contact("Finch", Email="emil@finch.example")
        for query in (
            {"criteria": "(Last_Name:equals:alder)"},
            {"criteria": "((Last_Name:starts_with:Al)and(Email:not_equal:x))"},
            {"email": "IDA@alder.example"}, {"phone": "+49 30 1"}, {"word": "ald"},
        ):  # fmt: skip
            assert [row["id"] for row in crm.reported("GET", "/Contacts/search", **query)["data"]] == [id_]
        assert crm.send("GET", "/Contacts/search", email="nobody@alder.example").status_code == 204
        assert crm.refused("GET", "/Contacts/search", criteria="(Last_Name:resembles:A)")[1] == "INVALID_QUERY"
        assert crm.refused("GET", "/Contacts/search", word="a", per_page=200, page=11)[1] == "LIMIT_REACHED"

    def test_lags_behind_what_was_written(self, operator: Crm, switch: Act, sandbox: SandboxProcess) -> None:
        switch(search_lag_s=60)
        id_ = operator.contact("Alder", Email="old@alder.example")
        assert operator.send("GET", "/Contacts/search", email="old@alder.example").status_code == 204
        assert asked(operator, "select id from Contacts where Email = 'old@alder.example'") == [{"id": id_}]
        sandbox.post("clock", {"advance_s": 61})
        assert operator.send("GET", "/Contacts/search", email="old@alder.example").status_code == 200
        operator.write("Contacts", id_, {"Email": "new@alder.example"})
        assert operator.send("GET", "/Contacts/search", email="new@alder.example").status_code == 204
        assert operator.send("GET", "/Contacts/search", email="old@alder.example").status_code == 200

    def test_counts(self, crm: Crm) -> None:
        crm.add("Contacts", *({"Last_Name": name} for name in "ABC"))
        assert crm.reported("GET", "/Contacts/actions/count") == {"count": 3}
        assert crm.reported("GET", "/Contacts/actions/count", criteria="(Last_Name:equals:B)") == {"count": 1}


class TestQueries:
    @pytest.fixture
    def filled(self, crm: Crm) -> Crm:
        [account] = crm.add("Accounts", {"Account_Name": "Alder Ltd"})
        crm.add(
            "Contacts",
            {"Last_Name": "Alder", "Email": "ida@alder.example", "Account_Name": {"id": account}},
            {"Last_Name": "Berg", "Email": "emil@berg.example"},
            {"Last_Name": "Claus"},
        )
        crm.add("Deals", *({"Deal_Name": f"D{n}", "Stage": "Qualification", "Amount": n * 100} for n in (1, 2, 3)))
        return crm

    @pytest.mark.parametrize(
        ("criterion", "found"),
        [
            ("Email = 'IDA@alder.example'", ["Alder"]),
            ("Email in ('ida@alder.example', 'emil@berg.example')", ["Alder", "Berg"]),
            ("Email is null", ["Claus"]),
            ("Email is not null", ["Alder", "Berg"]),
            ("Last_Name like 'B%'", ["Berg"]),
            ("Last_Name not in ('Alder')", ["Berg", "Claus"]),
            ("((Last_Name = 'Alder' or Last_Name = 'Berg') and Email is not null)", ["Alder", "Berg"]),
            ("Account_Name.Account_Name = 'Alder Ltd'", ["Alder"]),
            ("Created_Time >= '2020-01-01T00:00:00+00:00'", ["Alder", "Berg", "Claus"]),
        ],
    )
    def test_compare(self, filled: Crm, criterion: str, found: list[str]) -> None:
        rows = asked(filled, f"select Last_Name from Contacts where {criterion} order by Last_Name asc limit 0, 200")
        assert [row["Last_Name"] for row in rows] == found

    def test_compare_amounts_and_order(self, filled: Crm) -> None:
        rows = asked(
            filled, "select Deal_Name, Amount from Deals where Amount between 100 and 250 order by Amount desc"
        )
        assert [(row["Deal_Name"], row["Amount"]) for row in rows] == [("D2", 200), ("D1", 100)]

    def test_show_lookups_and_what_lies_behind_them(self, filled: Crm) -> None:
        [row] = asked(filled, "select Account_Name, Account_Name.Account_Name from Contacts where Last_Name = 'Alder'")
        assert row["Account_Name"]["name"] == row["Account_Name.Account_Name"] == "Alder Ltd"  # type: ignore[index]

    def test_are_refused_by_kind(self, filled: Crm) -> None:
        assert refused(filled, "select id from Contacts")[:2] == (400, "SYNTAX_ERROR")
        assert refused(filled, "select id from Nothings where id = '1'")[:2] == (400, "INVALID_MODULE")
        assert refused(filled, "select Nothing from Contacts where id = '1'")[1] == "INVALID_QUERY"
        unpaired = "Last_Name = 'a' and Last_Name = 'b' and Last_Name = 'c'"
        assert refused(filled, f"select id from Contacts where {unpaired}")[1] == "SYNTAX_ERROR"
        many = ",".join(f"'{n}'" for n in range(51))
        for query, limit in (
            ("id is not null limit 2001", 2_000),
            (f"Email in ({many})", 50),
            ("id is null limit 99900, 200", 100_000),
        ):
            status, code, details = refused(filled, f"select id from Contacts where {query}")
            assert (status, code, details["limit"]) == (400, "LIMIT_EXCEEDED", limit)

    def test_answer_two_thousand_rows_a_call(self, crm: Crm, sandbox: SandboxProcess) -> None:
        sandbox.post("seed", {"vendor": "zoho-crm", "account": "demo", "size": 2_100})
        body = {"select_query": "select id from Contacts where id is not null limit 2000"}
        document = crm.reported("POST", "/coql", body)
        assert (len(document["data"]), document["info"]) == (2_000, {"count": 2_000, "more_records": True})
        assert len(asked(crm, "select id from Contacts where id is not null limit 2000, 2000")) == 100

    def test_need_the_scope_of_their_module_too(self, connect: Connect) -> None:
        crm = connect(scope="ZohoCRM.coql.READ,ZohoCRM.modules.contacts.READ")
        assert asked(crm, "select id from Contacts where id is not null") == []
        assert refused(crm, "select id from Accounts where id is not null")[:2] == (401, "OAUTH_SCOPE_MISMATCH")
