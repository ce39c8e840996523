"""Who gets in: addresses, tokens, scopes, accounts and roles, and how each refusal is told."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.zoho_accounts.centres import DATA_CENTRES
from tests.contract.sandbox.zoho_accounts.flow import REDIRECT, zuid
from tests.contract.sandbox.zoho_campaigns.campaigns import SUBSCRIBE, Campaigns, code_of

UNAUTHORISED = {
    "message": "Unauthorized request.", "version": "1.1", "URI": "/api/v1.1/getmailinglists", "Code": "1007", "status": "error",
}  # fmt: skip


async def asked(campaigns: Campaigns, authorization: str | None) -> httpx.Response:
    base = campaigns.row["base_url"].replace("{base}", "")
    headers = {} if authorization is None else {"authorization": authorization}
    return await campaigns.http.get(f"{base}/getmailinglists", params={"resfmt": "JSON"}, headers=headers)


class TestTokens:
    async def test_are_of_a_consent_in_its_region(self, operator: Campaigns) -> None:
        scope = "ZohoCampaigns.contact.CREATE-UPDATE,ZohoCampaigns.contact.READ"
        client = operator.core.zoho.client("demo")
        form = {
            "response_type": "code", "client_id": client.id, "scope": scope, "redirect_uri": REDIRECT, "state": "s", "access_type": "offline",
            "user": zuid("in"), "decision": "approve",
        }  # fmt: skip
        agreed = await operator.http.post("/zoho/in/accounts/oauth/v2/auth", data=form)
        code = parse_qs(urlsplit(agreed.headers["location"]).query)["code"][0]
        exchange = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": client.id,
            "client_secret": client.secrets["in"],
        }  # fmt: skip
        told = (await operator.http.post("/zoho/in/accounts/oauth/v2/token", data=exchange)).json()
        operator.token = told["access_token"]
        assert await operator.subscribe("ida@alder.example") == "User successfully subscribed."
        operator.row = operator.at("demo-eu").row
        assert (await asked(operator, f"Zoho-oauthtoken {operator.token}")).json() == UNAUTHORISED

    @pytest.mark.parametrize(
        "authorization", [None, "", "Zoho-oauthtoken 1000.dead.beef", "Zoho-oauthtoken", "Basic eDp5"]
    )
    async def test_refuses_none_and_a_dead_one_alike(self, campaigns: Campaigns, authorization: str | None) -> None:
        answer = await asked(campaigns, authorization)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORISED)
        assert list(answer.json()) == list(UNAUTHORISED)

    async def test_are_not_a_bearers(self, campaigns: Campaigns) -> None:
        assert (await asked(campaigns, f"Bearer {campaigns.token}")).status_code == 401
        assert (await asked(campaigns, f"Zoho-oauthtoken {campaigns.token}")).status_code == 200

    async def test_end_and_are_revoked(self, campaigns: Campaigns) -> None:
        campaigns.core.faults.add({"vendor": "zoho-campaigns", "kind": "token_revoked", "count": 1})
        assert (await campaigns.send("GET", "getmailinglists")).status_code == 401
        again = campaigns.connected()
        again.later(3601)
        assert (await again.send("GET", "getmailinglists")).status_code == 401

    @pytest.mark.parametrize(
        ("scope", "reads", "adds", "makes_fields"),
        [
            ("ZohoCampaigns.contact.ALL", True, True, True),
            ("ZohoCampaigns.contact.READ", True, False, False),
            ("ZohoCampaigns.contact.CREATE-UPDATE", False, True, True),
            ("ZohoCampaigns.contact.WRITE", False, True, True),
            ("ZohoCampaigns.contact.CREATE", False, False, True),
            ("ZohoCampaigns.campaign.ALL", False, False, False),
        ],
    )
    async def test_do_what_their_scopes_say(
        self, operator: Campaigns, scope: str, reads: bool, adds: bool, makes_fields: bool
    ) -> None:
        limited = operator.connected(scope)
        contact = {"listkey": limited.key(), "contactinfo": limited.contact("ida@alder.example")}
        field = {"type": "json", "fieldname": "BooksId", "fieldtype": "Text"}
        statuses = [
            (await limited.send(verb, method, None, **query)).status_code
            for verb, method, query in (("GET", "getmailinglists", {}), ("POST", SUBSCRIBE, contact), ("POST", "custom/add", field))
        ]  # fmt: skip
        assert statuses == [200 if allowed else 401 for allowed in (reads, adds, makes_fields)]
        limited.switch(scope_missing="privilege")
        if not adds:
            assert await limited.refused("POST", SUBSCRIBE, **contact) == "2701"


class TestAddresses:
    async def test_a_wrong_one_is_told_before_any_token_is_looked_at(self, campaigns: Campaigns) -> None:
        campaigns.token = "1000.dead.beef"
        for verb, method in (
            ("GET", "getlists"),
            ("POST", "getmailinglists"),
            ("POST", "listsubscribe"),
            ("PUT", "topics"),
        ):
            answer = await campaigns.send(verb, method, resfmt="JSON")
            assert (answer.status_code, code_of(answer.json())) == (200, "1004")

    async def test_there_is_one_account_in_each_region(self, operator: Campaigns) -> None:
        rows = operator.simulator.accounts()
        assert {row["dc"] for row in rows} == set(DATA_CENTRES)
        for row in rows:
            there = operator.at(row["name"])
            assert row["base_url"] == f"{{base}}/zoho/{row['dc']}/campaigns/api/v1.1"
            assert len((await there.ok("GET", "getmailinglists"))["list_of_details"]) == 3
        assert operator.simulator.owns("/zoho/uk/campaigns/api/v1.1/topics") is None
        assert operator.simulator.owns("/zoho/in/campaigns/api/v1/topics") is None


class TestAccounts:
    async def test_may_not_be_active(self, campaigns: Campaigns) -> None:
        campaigns.act("suspend")
        assert await campaigns.refused("GET", "getmailinglists") == "901"
        campaigns.act("resume")
        await campaigns.ok("GET", "getmailinglists")

    async def test_know_their_users_and_what_they_may(self, campaigns: Campaigns) -> None:
        contact = {"listkey": campaigns.key(), "contactinfo": campaigns.contact("ida@alder.example")}
        campaigns.act("set_role", role="reader")
        await campaigns.ok("GET", "getmailinglists")
        assert await campaigns.refused("POST", SUBSCRIBE, **contact) == "2701"
        assert await campaigns.refused("POST", "topics", details="{}") == "4010"
        campaigns.act("set_role", role="nobody")
        assert await campaigns.refused("GET", "getmailinglists") == "902"
        assert code_of(await campaigns.connected(who="colleague").ok("GET", "getmailinglists")) == "0"

    async def test_are_called_by_operators_outside_all_of_it(self, operator: Campaigns) -> None:
        operator.act("suspend")
        operator.switch(five_minutes=1)
        for _ in range(3):
            await operator.ok("GET", "getmailinglists")
        [call, *_] = operator.calls()
        assert call["operator"] is True
        assert operator.app.log.counts() == []
        assert operator.state["methods"] == {}
