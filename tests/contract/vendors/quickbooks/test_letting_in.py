"""Consent and tokens of the simulated company, judged by our pure functions."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from common.secret import Secret
from tests.contract.sandbox.quickbooks.books import REDIRECT, Books
from vendors.grant import App, Ask, Discovery, GrantCall, Granted, GrantReply, NotGranted, Returned
from vendors.quickbooks.companies import company_of, environment_of
from vendors.quickbooks.oauth import QuickBooksOAuth

OAUTH = QuickBooksOAuth()
BASE = "http://sandbox.test/quickbooks"
A_DAY_S = 86_400.0


def app_of(books: Books) -> App:
    return App("quickbooks", books.row["client_id"], {"": Secret(books.row["client_secret"])}, REDIRECT, BASE)


async def sent(books: Books, call: GrantCall) -> GrantReply:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(call.url))
    assert origin in OAUTH.origins(app_of(books), books.row["realm_id"])
    answer = await books.http.request(call.method, call.url, data=call.form, json=call.json, headers=dict(call.headers))
    return GrantReply(answer.status_code, answer.content)


async def granted(books: Books) -> Granted:
    """The whole way through the page, from the address that we make."""
    address = OAUTH.consent_url(app_of(books), Ask("", "state-1"))
    assert (await books.http.get(address)).status_code == 200
    form = dict(parse_qsl(urlsplit(address).query)) | {"decision": "connect", "company": books.row["realm_id"]}
    back = (await books.http.post(address, data=form)).headers["location"]
    came = OAUTH.returned(app_of(books), "", dict(parse_qsl(urlsplit(back).query)))
    assert isinstance(came, Returned), came
    assert came.site == books.row["realm_id"]
    reply = await sent(books, OAUTH.exchange(app_of(books), came.site, came.code, ""))
    found = OAUTH.exchanged(app_of(books), came.site, reply)
    assert isinstance(found, Granted), found
    return found


def days(found: Granted) -> int:
    """Until its refresh value ends, to the nearest."""
    assert found.refresh_lives is not None
    return round(found.refresh_lives / timedelta(days=1))


async def refreshed(books: Books, value: Secret) -> Granted | NotGranted:
    reply = await sent(books, OAUTH.refresh(app_of(books), books.row["realm_id"], value))
    return OAUTH.refreshed(app_of(books), books.row["realm_id"], reply)


async def opened(books: Books, access: Secret, site: str = "") -> Discovery | NotGranted:
    site = site or books.row["realm_id"]
    return OAUTH.discovered(app_of(books), site, await sent(books, OAUTH.discover(app_of(books), site, access)))


class TestConsent:
    async def test_whole_way_to_the_company_that_was_chosen(self, operator: Books) -> None:
        found = await granted(operator)
        assert (found.lives, days(found)) == (timedelta(hours=1), 101)
        told = await opened(operator, found.access)
        assert isinstance(told, Discovery), told
        realm = operator.row["realm_id"]
        assert [(one.id, one.title) for one in told.places] == [(realm, "Alder & Finch (demo)")]
        assert told.details["realm_id"] == realm and told.site == found.site

    async def test_company_that_somebody_put_in_on_the_way_back_is_not_opened(self, operator: Books) -> None:
        found = await granted(operator)
        other = await opened(operator, found.access, operator.at("demo-north").row["realm_id"])
        assert isinstance(other, NotGranted) and (other.means, other.code) == ("dead", "GRANT_REVOKED")

    @pytest.mark.parametrize(
        ("query", "site", "code"),
        [
            ({"error": "access_denied"}, "", "CONSENT_DENIED"),
            ({"error": "server_error"}, "", "CONSENT_REFUSED"),
            ({"code": "c"}, "", "CALLBACK_REFUSED"),
            ({"realmId": "12"}, "", "CALLBACK_REFUSED"),
            ({"code": "c", "realmId": "12/../34"}, "", "CALLBACK_REFUSED"),
            ({"code": "c", "realmId": "12"}, "elsewhere", "SITE_REFUSED"),
        ],
    )
    def test_way_back_that_is_none(self, query: dict[str, str], site: str, code: str) -> None:
        came = OAUTH.returned(App("quickbooks", "id"), site, query)
        assert isinstance(came, NotGranted) and came.code == code

    @pytest.mark.parametrize(("asked", "site"), [("", "12"), ("production", "12"), ("sandbox", "sandbox.12"), ("sandbox.9", "sandbox.12")])  # fmt: skip
    def test_company_is_in_the_environment_that_was_asked_for(self, asked: str, site: str) -> None:
        came = OAUTH.returned(App("quickbooks", "id"), asked, {"code": "c", "realmId": "12"})
        assert isinstance(came, Returned) and came.site == site
        host = "sandbox-quickbooks" if "sandbox" in site else "quickbooks"
        call = OAUTH.discover(App("quickbooks", "id"), site, Secret("t"))
        assert call.url.startswith(f"https://{host}.api.intuit.com/v3/company/12/")

    @pytest.mark.parametrize("site", ["a", ".12", "other.12", "sandbox.", "sandbox.1a", "12.sandbox", "1" * 21, "12\n"])
    def test_what_is_no_company_gets_no_address(self, site: str) -> None:
        assert company_of(site) is None and environment_of(site) is None
        assert OAUTH.origins(App("quickbooks", "id"), site) == frozenset()


class TestTokens:
    async def test_value_stays_for_a_day_and_then_the_former_one_is_dead_at_once(self, operator: Books) -> None:
        first = await granted(operator)
        assert first.refresh is not None
        operator.later(51 * 60)
        same = await refreshed(operator, first.refresh)
        assert isinstance(same, Granted) and same.refresh is not None
        assert same.refresh.reveal() == first.refresh.reveal() and same.access.reveal() != first.access.reveal()
        operator.later(A_DAY_S)
        other = await refreshed(operator, first.refresh)
        assert isinstance(other, Granted) and other.refresh is not None
        assert other.refresh.reveal() != first.refresh.reveal()
        over = await refreshed(operator, first.refresh)
        assert isinstance(over, NotGranted) and (over.means, over.code) == ("dead", "GRANT_REVOKED")
        assert isinstance(await refreshed(operator, other.refresh), Granted)

    async def test_ends_when_nobody_used_it_and_after_five_years_in_any_case(self, operator: Books) -> None:
        operator.switch(refresh_lives_s=200 * 86_400)
        first = await granted(operator)
        assert first.refresh is not None
        operator.later(90 * A_DAY_S)
        used = await refreshed(operator, first.refresh)
        assert isinstance(used, Granted) and used.refresh is not None
        operator.later(60 * A_DAY_S)
        late = await refreshed(operator, used.refresh)
        # Fifty days of the five years are left here, and the other end is no later.
        assert isinstance(late, Granted) and late.hard_lives is not None
        assert (round(late.hard_lives / timedelta(days=1)), days(late)) == (50, 50)
        operator.later(50 * A_DAY_S)
        assert late.refresh is not None
        assert isinstance(await refreshed(operator, late.refresh), NotGranted)

    async def test_revoked_is_the_end_of_the_connection_and_twice_is_once(self, operator: Books) -> None:
        found = await granted(operator)
        assert found.refresh is not None
        for _ in range(2):
            call = OAUTH.revoke(app_of(operator), found.site, found.access, found.refresh)
            assert call is not None
            assert OAUTH.revoked(await sent(operator, call))
        assert isinstance(await refreshed(operator, found.refresh), NotGranted)
        assert isinstance(await opened(operator, found.access), NotGranted)

    async def test_wrong_secret_is_nothing_of_the_grant_s(self, operator: Books) -> None:
        found = await granted(operator)
        assert found.refresh is not None
        wrong = App("quickbooks", operator.row["client_id"], {"": Secret("wrong")}, REDIRECT, BASE)
        said = OAUTH.refreshed(wrong, found.site, await sent(operator, OAUTH.refresh(wrong, found.site, found.refresh)))
        assert isinstance(said, NotGranted) and said.means == "app"

    @pytest.mark.parametrize("do", ["withdraw", "demote"])
    async def test_company_that_lets_us_in_no_more_is_the_end(self, operator: Books, do: str) -> None:
        found = await granted(operator)
        operator.act(do)
        said = await opened(operator, found.access)
        assert isinstance(said, NotGranted) and said.means == "dead"

    @pytest.mark.parametrize("status", [400, 200])
    async def test_subscription_that_ended_leaves_the_grant(self, operator: Books, status: int) -> None:
        operator.switch(lapsed_status=status)
        found = await granted(operator)
        operator.act("lapse")
        said = await opened(operator, found.access)
        assert isinstance(said, NotGranted) and (said.means, said.code) == ("transient", "QB_COMPANY_ENDED")

    def test_answer_that_is_none_is_no_verdict(self) -> None:
        for body in (b"", b"<html>", b"[]", b'{"access_token": 1}', b'{"access_token": "a", "expires_in": 3600}'):
            found = OAUTH.refreshed(App("quickbooks", "id"), "12", GrantReply(200, body))
            assert isinstance(found, NotGranted) and found.means == "unknown"
