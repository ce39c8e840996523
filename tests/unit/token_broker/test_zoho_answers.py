"""Every answer that Zoho's accounts servers are known to give, and the state it leads to."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from common.secret import Secret
from vendors.grant import App, Ask, Granted, GrantReply, NotGranted, Returned
from vendors.zoho.answers import read_exchange, read_refresh
from vendors.zoho.centres import CENTRES, SITES, by_api, centre
from vendors.zoho_books.grant import GRANT

APP = App("zoho", "id", {"eu": Secret("s-eu"), "us": Secret("s-us")}, "https://app.example/oauth/zoho/callback")
OAUTH = GRANT.oauth
assert OAUTH is not None

TOKEN = {
    "access_token": "1000.a.b",
    "api_domain": "https://www.zohoapis.eu",
    "token_type": "Bearer",
    "expires_in": 3600,
}
THROTTLED = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}

REFUSED = [
    # body, status, meaning on refresh, meaning on exchange
    ({"error": "invalid_code"}, 200, "dead", "dead"),
    ({"error": "invalid_code"}, 400, "dead", "dead"),
    (THROTTLED, 400, "wait", "wait"),
    (THROTTLED, 200, "wait", "wait"),
    ({"error": "access_denied"}, 200, "wait", "wait"),
    ({}, 429, "wait", "wait"),
    ({"error": "invalid_client"}, 200, "app", "app"),
    ({"error": "invalid_client_secret"}, 200, "app", "app"),
    ({"error": "invalid_client_secret"}, 400, "app", "app"),
    ({"error": "invalid_redirect_uri"}, 200, "app", "app"),
    ({"error": "general_error"}, 200, "transient", "transient"),
    ({"error": "general_error"}, 500, "transient", "transient"),
    ({"error": "something_new"}, 400, "transient", "transient"),
    ({}, 502, "transient", "transient"),
    ({}, 200, "unknown", "unknown"),
    ({"access_token": ""}, 200, "unknown", "unknown"),
    ({"access_token": 7}, 200, "unknown", "unknown"),
    (TOKEN, 302, "unknown", "unknown"),
]


def reply(body: object, status: int = 200) -> GrantReply:
    return GrantReply(status, body if isinstance(body, bytes) else json.dumps(body).encode())


class TestRefusals:
    @pytest.mark.parametrize(("body", "status", "refresh", "exchange"), REFUSED)
    def test_each_means_what_the_sheet_asks_for(
        self, body: dict[str, object], status: int, refresh: str, exchange: str
    ) -> None:
        on_refresh = read_refresh(APP, "eu", reply(body, status))
        on_exchange = read_exchange(APP, "eu", reply(body, status))
        assert isinstance(on_refresh, NotGranted) and on_refresh.means == refresh
        assert isinstance(on_exchange, NotGranted) and on_exchange.means == exchange

    @pytest.mark.parametrize("body", [b"", b"<html>Zoho is busy</html>", b"[]", b"null", b'{"access', b"\xff\xfe"])
    def test_garbage_is_an_unknown_outcome(self, body: bytes) -> None:
        said = read_refresh(APP, "eu", reply(body))
        assert isinstance(said, NotGranted) and said.means == "unknown"

    def test_a_throttle_waits_for_the_whole_window_and_never_asks_for_consent(self) -> None:
        said = read_refresh(APP, "eu", reply(THROTTLED, 400))
        assert isinstance(said, NotGranted)
        assert (said.code, said.wait) == ("TOKEN_THROTTLED", timedelta(minutes=10))

    def test_the_vendors_words_never_carry_a_token(self) -> None:
        leaking = {"error": "general_error", "error_description": "refresh_token=1000." + "a" * 32 + "." + "b" * 32}
        said = read_refresh(APP, "eu", reply(leaking))
        assert isinstance(said, NotGranted) and "aaaa" not in said.words


class TestTokens:
    def test_a_refresh_brings_an_hour_and_no_new_refresh_token(self) -> None:
        said = read_refresh(APP, "eu", reply(TOKEN))
        assert isinstance(said, Granted)
        assert (said.access.reveal(), said.refresh, said.lives) == ("1000.a.b", None, timedelta(hours=1))

    def test_an_exchange_without_a_refresh_token_is_explained(self) -> None:
        said = read_exchange(APP, "eu", reply(TOKEN))
        assert isinstance(said, NotGranted)
        assert said.code == "REFRESH_TOKEN_MISSING"

    @pytest.mark.parametrize(
        ("told", "lives"),
        [
            ({"expires_in": 3_600_000}, 3600),
            ({"expires_in": 3_600_000, "expires_in_sec": 3600}, 3600),
            ({"expires_in": "3600"}, 3600),
            ({"expires_in": 0}, 3600),
            ({"expires_in": -5}, 3600),
            ({"expires_in": None}, 3600),
            ({"expires_in": 1800}, 1800),
        ],
    )
    def test_a_lifetime_in_milliseconds_or_without_sense(self, told: dict[str, object], lives: int) -> None:
        said = read_refresh(APP, "eu", reply({**TOKEN, **told}))
        assert isinstance(said, Granted) and said.lives == timedelta(seconds=lives)

    @pytest.mark.parametrize(
        "poison",
        [
            "https://evil.example",
            "https://www.zohoapis.eu.evil.example",
            "https://www.zohoapis.eu@evil.example",
            "https://www.zohoapis.com",
            "http://www.zohoapis.eu",
            "https://WWW.zohoapis.eu:443",
            "//www.zohoapis.eu",
        ],
    )
    def test_a_poisoned_api_domain_is_refused(self, poison: str) -> None:
        said = read_exchange(APP, "eu", reply({**TOKEN, "refresh_token": "1000.c.d", "api_domain": poison}))
        assert isinstance(said, NotGranted) and said.code == "SITE_REFUSED"

    @pytest.mark.parametrize("site", SITES)
    def test_each_data_centre_is_known_by_its_api_domain(self, site: str) -> None:
        at = centre(site)
        assert at is not None and by_api(at.api()) is at
        said = read_exchange(APP, site, reply({**TOKEN, "refresh_token": "1000.c.d", "api_domain": at.api()}))
        assert isinstance(said, Granted) and said.details["dc"] == site


class TestCallback:
    @pytest.mark.parametrize(
        "query",
        [
            {"code": "c", "location": "eu", "accounts-server": "https://accounts.zoho.evil.example"},
            {"code": "c", "location": "eu", "accounts-server": "https://accounts.zoho.eu.evil.example"},
            {"code": "c", "location": "eu", "accounts-server": "https://accounts.zoho.eu@evil.example"},
            {"code": "c", "location": "eu", "accounts-server": "http://accounts.zoho.eu"},
            {"code": "c", "location": "eu", "accounts-server": "https://accounts.zoho.com"},
            {"code": "c", "location": "us", "accounts-server": "https://accounts.zoho.eu"},
            {"code": "c", "location": "eu", "accounts-server": "https://accounts.zoho.uk"},
            {"code": "c", "location": "eu", "accounts-server": ""},
            {"code": "c", "location": "in"},
            {"location": "eu", "accounts-server": "https://accounts.zoho.eu"},
        ],
    )
    def test_a_host_that_is_not_on_the_list_never_gets_the_code(self, query: dict[str, str]) -> None:
        said = OAUTH.returned(APP, "eu", query)
        assert isinstance(said, NotGranted) and said.code == "CALLBACK_REFUSED"

    def test_the_code_belongs_to_the_data_centre_of_the_user(self) -> None:
        query = {"code": "c", "location": "in", "accounts-server": "https://accounts.zoho.in"}
        assert OAUTH.returned(APP, "", query) == Returned("c", "in")

    def test_a_client_of_one_data_centre_is_told_nothing(self) -> None:
        assert OAUTH.returned(APP, "eu", {"code": "c"}) == Returned("c", "eu")

    def test_a_no_of_the_person(self) -> None:
        said = OAUTH.returned(APP, "eu", {"error": "access_denied"})
        assert isinstance(said, NotGranted) and said.code == "CONSENT_DENIED"


class TestAddresses:
    def test_the_table_is_that_of_the_sheet(self) -> None:
        # Written out again on purpose: a host that is wrong by a letter gets our client secret.
        assert {(c.dc, c.accounts_host, c.api_host, c.campaigns_host) for c in CENTRES if c.enabled} == {
            ("us", "accounts.zoho.com", "www.zohoapis.com", "campaigns.zoho.com"),
            ("eu", "accounts.zoho.eu", "www.zohoapis.eu", "campaigns.zoho.eu"),
            ("in", "accounts.zoho.in", "www.zohoapis.in", "campaigns.zoho.in"),
            ("au", "accounts.zoho.com.au", "www.zohoapis.com.au", "campaigns.zoho.com.au"),
            ("jp", "accounts.zoho.jp", "www.zohoapis.jp", "campaigns.zoho.jp"),
            ("ca", "accounts.zohocloud.ca", "www.zohoapis.ca", "campaigns.zohocloud.ca"),
            ("cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn", "campaigns.zoho.com.cn"),
            ("sa", "accounts.zoho.sa", "www.zohoapis.sa", "campaigns.zoho.sa"),
        }

    def test_a_consent_asks_for_offline_access_each_time(self) -> None:
        url = OAUTH.consent_url(APP, Ask("ca", "the-state"))
        assert url.startswith("https://accounts.zohocloud.ca/oauth/v2/auth?")
        assert "access_type=offline" in url and "prompt=consent" in url and "state=the-state" in url

    def test_each_data_centre_gets_its_own_secret(self) -> None:
        call = OAUTH.refresh(APP, "eu", Secret("r"))
        assert call.form is not None and call.form["client_secret"] == "s-eu"
        assert "s-eu" not in repr(call) and "'r'" not in repr(call)

    def test_a_stand_in_replaces_every_host(self) -> None:
        app = App("zoho", "id", {"": Secret("s")}, "http://x/cb", "http://127.0.0.1:9/zoho")
        assert OAUTH.consent_url(app, Ask("jp", "s")).startswith("http://127.0.0.1:9/zoho/jp/accounts/oauth/v2/auth")
        assert OAUTH.refresh(app, "jp", Secret("r")).url == "http://127.0.0.1:9/zoho/jp/accounts/oauth/v2/token"
        assert OAUTH.discover(app, "jp", Secret("t")).url == "http://127.0.0.1:9/zoho/jp/api/books/v3/organizations"
        assert OAUTH.origins(app) == {"http://127.0.0.1:9"}
