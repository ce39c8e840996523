"""Consent and tokens at the simulated accounts servers, and the account behind them, judged by our pure functions."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from common.secret import Secret
from tests.contract.sandbox.zoho_accounts.flow import REDIRECT, Browser
from tests.contract.sandbox.zoho_books.books import NO_TLS
from tests.support.sandbox import SandboxProcess
from vendors import zoho_crm
from vendors.grant import App, Ask, Discovery, GrantCall, Granted, GrantReply, NotGranted, Returned
from vendors.vendor import connection_of
from vendors.zoho_crm.grant import GRANT, SCOPES

OAUTH = GRANT.oauth
assert OAUTH is not None
# Edition and licences of each account of the sandbox, and what comes of them.
ACCOUNTS = {"in": ("enterprise", 55_000), "au": ("free", 5_000), "jp": ("standard", 51_250), "cn": ("ultimate", 60_000)}


async def sent(call: GrantCall) -> GrantReply:
    async with httpx.AsyncClient(verify=NO_TLS, trust_env=False) as http:
        answer = await http.request(call.method, call.url, data=call.form, headers=dict(call.headers))
    return GrantReply(answer.status_code, answer.content)


def app_of(sandbox: SandboxProcess, dc: str) -> App:
    row = next(one for one in sandbox.get("accounts")["accounts"] if one["vendor"] == "zoho-crm" and one["dc"] == dc)  # type: ignore[attr-defined]
    return App("zoho", row["client_id"], {dc: Secret(row["client_secret"])}, REDIRECT, f"{sandbox.base_url}/zoho")


async def granted(sandbox: SandboxProcess, dc: str) -> Granted:
    came = Browser(sandbox.base_url).consent(dc, "demo", scope=",".join(SCOPES))
    app = app_of(sandbox, dc)
    found = OAUTH.returned(app, dc, came)
    assert isinstance(found, Returned), found
    answer = OAUTH.exchanged(app, dc, await sent(OAUTH.exchange(app, found.site, found.code, "")))
    assert isinstance(answer, Granted), answer
    return answer


async def opened(sandbox: SandboxProcess, dc: str, token: Secret) -> Discovery | NotGranted:
    app = app_of(sandbox, dc)
    return OAUTH.discovered(app, dc, await sent(OAUTH.discover(app, dc, token)))


class TestConsent:
    @pytest.mark.parametrize("dc", ACCOUNTS)
    async def test_whole_way_to_the_account_its_edition_and_its_credits(self, sandbox: SandboxProcess, dc: str) -> None:
        found = await granted(sandbox, dc)
        assert found.refresh is not None and found.lives == timedelta(hours=1) and found.site == dc
        behind = await opened(sandbox, dc, found.access)
        assert isinstance(behind, Discovery) and behind.owner
        (place,) = behind.places
        edition, credits = ACCOUNTS[dc]
        assert (place.details["edition"], place.details["licences"], place.details["org_id"]) == (
            edition,
            "5",
            place.id,
        )
        connection = connection_of(zoho_crm.NAME, "crm", **{**behind.details, **place.details})
        assert zoho_crm.VENDOR.account(connection) == f"zoho-crm:{place.id}"
        assert zoho_crm.limits.credits_a_day(connection) == credits

    def test_the_address_asks_for_reading_and_a_grant_that_lasts(self, sandbox: SandboxProcess) -> None:
        url = OAUTH.consent_url(app_of(sandbox, "in"), Ask("in", "state-1"))
        asked = httpx.URL(url).params
        assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
        assert "ZohoCRM.modules.contacts.READ" in asked["scope"].split(",")

    async def test_a_dead_token_and_one_without_the_scope_are_told_apart(self, sandbox: SandboxProcess) -> None:
        dead = await opened(sandbox, "in", Secret("1000.nobody"))
        assert isinstance(dead, NotGranted) and (dead.means, dead.code) == ("dead", "GRANT_REVOKED")
        browser = Browser(sandbox.base_url)
        code = browser.consent("in", "demo", scope="ZohoCRM.modules.contacts.READ")["code"]
        token = str(browser.exchange("in", code).json()["access_token"])
        narrow = await opened(sandbox, "in", Secret(token))
        assert isinstance(narrow, NotGranted) and (narrow.means, narrow.code) == ("dead", "SCOPE_MISSING")

    def test_without_a_person_the_account_is_named(self, sandbox: SandboxProcess) -> None:
        call = OAUTH.credentials(app_of(sandbox, "in"), "in", "60001")
        assert call.form is not None
        assert (call.form["grant_type"], call.form["soid"]) == ("client_credentials", "ZohoCRM.60001")
