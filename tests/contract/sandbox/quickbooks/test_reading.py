"""Queries, lists that lag, and what has changed since a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.sandbox.quickbooks.books import Books


def since(books: Books, seconds: float) -> str:
    return (books.core.clock.now() - timedelta(seconds=seconds)).astimezone(UTC).isoformat()


class TestQueries:
    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            ("Id = '{ada}'", ["ada"]), ("Id IN ('{ada}', '{idle}') AND Active IN (true, false)", ["ada", "idle"]),
            ("DisplayName = 'bo o\\'hara'", ["bo"]), ("DisplayName LIKE 'A%'", ["ada"]), ("Active = false", ["idle"]),
            ("PrimaryEmailAddr = 'ada@byron.example'", ["ada"]), ("Balance > '9.5'", ["bo"]),
            ("MetaData.LastUpdatedTime > '2015-03-01'", ["ada", "bo"]), ("MetaData.CreateTime >= '2999-01-01T00:00:00-08:00'", []),
            ("GivenName = 'Ada' and FamilyName = 'Nobody'", []), ("DisplayName LIKE '%(deleted)' AND Active IN (false)", ["idle"]),
        ],
    )  # fmt: skip
    async def test_find_whom_they_name(self, operator: Books, condition: str, found: list[str]) -> None:
        ada = await operator.customer("Ada", GivenName="Ada", PrimaryEmailAddr={"Address": "ada@byron.example"})
        bo = await operator.customer("Bo O'Hara", Balance=9.75)
        idle = await operator.customer("Idle", Active=False)
        ids = {"ada": ada["Id"], "bo": bo["Id"], "idle": idle["Id"]}
        text = condition.format(**ids)
        got = await operator.ids(f"SELECT * FROM Customer WHERE {text} ORDERBY Id")
        assert got == [ids[name] for name in found]
        assert await operator.query(f"select count(*) from customer where {text}") == {"totalCount": len(found)}

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("select", "4000"), ("select * from Nothing", "4000"), ("select * from Customer where Id = '1' or Id = '2'", "4000"),
            ("select * from Customer where Id = 'x", "4000"), ("select * from Customer maxresults 1001", "4001"),
            ("select * from Customer startposition 0", "4001"), ("select * from Customer where Notes = 'x'", "4001"),
            ("select Nickname from Customer", "4001"), ("select * from Customer where MetaData.CreateTime > 'soon'", "4001"),
            ("select * from Customer where Balance > 'much'", "4001"), ("select * from Customer group by Id", "4000"),
        ],
    )  # fmt: skip
    async def test_refuse_what_the_language_has_not(self, operator: Books, text: str, code: str) -> None:
        assert await operator.refused("GET", "/query", query=text) == (400, code)

    async def test_have_pages_of_a_hundred_and_of_a_thousand_at_most(self, operator: Books) -> None:
        operator.simulator.seed("demo", 130, 1, False)
        told = await operator.query("SELECT * FROM Customer")
        assert (len(told["Customer"]), told["startPosition"], told["maxResults"]) == (100, 1, 100)
        rest = await operator.query(
            "select Id, DisplayName from Customer ORDER BY Id STARTPOSITION 101 MAXRESULTS 1000"
        )
        assert (len(rest["Customer"]), rest["startPosition"], rest["maxResults"]) == (30, 101, 30)
        assert rest["Customer"][0].keys() == {"Id", "DisplayName", "domain", "sparse"}
        assert [int(one["Id"]) for one in rest["Customer"]] == sorted(int(one["Id"]) for one in rest["Customer"])
        assert await operator.query("SELECT * FROM Customer STARTPOSITION 131") == {}

    async def test_may_be_posted_as_a_text(self, operator: Books) -> None:
        statement = "select count(*) from Customer"
        told = await operator.ok("POST", "/query", statement, kind="application/text")
        assert told["QueryResponse"] == {"totalCount": 0}
        assert await operator.refused("POST", "/query", statement) == (400, "2010")

    async def test_lag_behind_a_read_by_id(self, operator: Books) -> None:
        made = await operator.customer("Ada")
        operator.later(100)
        operator.switch(list_lag_s=60)
        await operator.update(made, Notes="new")
        fresh = await operator.customer("Bo")
        [listed] = (await operator.query("select * from Customer"))["Customer"]
        assert (listed["Id"], listed["SyncToken"], "Notes" in listed) == (made["Id"], "0", False)
        assert (await operator.read(made["Id"]))["SyncToken"] == "1"
        operator.later(61)
        listed_later = await operator.ids(
            "select * from Customer where MetaData.LastUpdatedTime > '2015-03-01' orderby Id"
        )
        assert listed_later == [made["Id"], fresh["Id"]]

    async def test_tell_what_the_company_is(self, operator: Books) -> None:
        told = await operator.ok("GET", f"/companyinfo/{operator.row['realm_id']}")
        assert told["CompanyInfo"]["CompanyName"] == operator.row["organization_name"]
        assert await operator.refused("GET", "/companyinfo/1") == (400, "610")


class TestChanges:
    async def test_are_whole_records_and_those_who_are_gone(self, operator: Books) -> None:
        idle = await operator.update(await operator.customer("Idle"), Active=False)
        goes, stays = await operator.customer("Goes"), await operator.customer("Stays")
        operator.act("merge", **{"from": goes["Id"], "into": stays["Id"]})
        asked = {"entities": "Invoice,Customer", "changedSince": since(operator, 3_600)}
        told = await operator.ok("GET", "/cdc", **asked)
        none, customers = told["CDCResponse"][0]["QueryResponse"]
        assert (none, customers["startPosition"], customers["maxResults"]) == ({}, 1, 3)
        rows = {one["Id"]: one for one in customers["Customer"]}
        assert rows[idle["Id"]]["Active"] is False
        assert rows[stays["Id"]]["SyncToken"] == "1"
        assert rows[goes["Id"]]["status"] == "Deleted"
        assert rows[goes["Id"]].keys() == {"domain", "status", "Id", "MetaData"}
        operator.switch(merged_in_cdc="inactive")
        told = await operator.ok("GET", "/cdc", **asked)
        rows = {one["Id"]: one for one in told["CDCResponse"][0]["QueryResponse"][1]["Customer"]}
        assert (rows[goes["Id"]]["Active"], rows[goes["Id"]]["DisplayName"]) == (False, "Goes (deleted)")

    async def test_are_a_thousand_at_most_the_newest_of_them(self, operator: Books) -> None:
        company = operator.simulator._world.named("demo")
        now = operator.core.clock.time()
        for at in range(1_005):
            company.put("Customer", {"DisplayName": f"C{at}"}, now - 1_005 + at)
        told = await operator.ok("GET", "/cdc", entities="Customer", changedSince=since(operator, 2_000))
        rows = told["CDCResponse"][0]["QueryResponse"][0]["Customer"]
        assert (len(rows), rows[0]["DisplayName"], rows[-1]["DisplayName"]) == (1_000, "C1004", "C5")

    async def test_go_thirty_days_back(self, operator: Books) -> None:
        await operator.customer("Old")
        operator.later(31 * 86_400)
        new = await operator.customer("New")
        asked = {"entities": "customer", "changedSince": "2020-01-01T00:00:00Z"}
        told = await operator.ok("GET", "/cdc", **asked)
        assert [one["Id"] for one in told["CDCResponse"][0]["QueryResponse"][0]["Customer"]] == [new["Id"]]
        operator.switch(cdc_too_old="refused")
        assert await operator.refused("GET", "/cdc", **asked) == (400, "6000")

    async def test_need_entities_and_a_time(self, operator: Books) -> None:
        moment = datetime.now(UTC).isoformat()
        assert await operator.refused("GET", "/cdc", changedSince=moment) == (400, "2020")
        assert await operator.refused("GET", "/cdc", entities="Customer") == (400, "2020")
        assert await operator.refused("GET", "/cdc", entities="Customer", changedSince="soon") == (400, "2010")
        assert await operator.refused("GET", "/cdc", entities="Nothing", changedSince=moment) == (400, "2170")
