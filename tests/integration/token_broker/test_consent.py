"""A person connects an account in a browser, and others try to do so in their place."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from tests.support.broker import Broker, Browser, add_connection, gates, query
from tests.support.broker_world import World, eventually, fault


def begin(broker: Broker, connection: str = "books", vendor: str = "zoho-books", **more: str) -> dict[str, Any]:
    body = {"connection": connection, "vendor": vendor, "name": connection, **more}
    answer = broker.call("POST", "/v1/consents", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def state_of(broker: Broker, consent: dict[str, Any]) -> dict[str, Any]:
    return dict(broker.call("GET", f"/v1/consents/{consent['id']}").json())


def with_query(url: str, **changed: str | None) -> str:
    """The address with parameters exchanged, or taken out by None."""
    parts = urlsplit(url)
    found = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()} | changed
    return urlunsplit(
        parts._replace(query=urlencode({name: value for name, value in found.items() if value is not None}))
    )


class TestConnecting:
    def test_books_in_europe_from_the_address_to_the_token(self, world: World, broker: Broker, name: str) -> None:
        add_connection(world.database, name, "zoho-books")
        consent = begin(broker, name, site="eu")
        browser = Browser()
        vendor = browser.to_vendor(consent["start_url"])
        assert vendor.startswith(f"{world.account('zoho-books')['accounts_url']}/oauth/v2/auth?")
        page = browser.get(browser.decide(vendor))
        assert page.status_code == 200 and "Almost done" in page.text
        told = state_of(broker, consent)
        assert told["state"] == "choose"
        place = world.account("zoho-books")["organization_id"]
        assert place in {one["id"] for one in told["places"]}
        told = broker.call("POST", f"/v1/consents/{consent['id']}/place", json={"place": place}).json()
        assert (told["state"], told["details"]["dc"], told["details"]["organization_id"]) == ("complete", "eu", place)
        token = broker.token(name).json()
        books = httpx.get(
            f"{world.account('zoho-books')['base_url']}/contacts",
            params={"organization_id": place},
            headers={"authorization": f"Zoho-oauthtoken {token['token']}"},
        )
        assert books.status_code == 200

    def test_a_choice_that_is_told_twice_is_made_once(self, world: World, broker: Broker, name: str) -> None:
        """The only place is taken by itself while a command that was given it says so; and an answer may be lost."""
        add_connection(world.database, name, "zoho-books")
        consent = begin(broker, name, site="eu")
        browser = Browser()
        browser.get(browser.decide(browser.to_vendor(consent["start_url"])))
        ours, *others = (one["id"] for one in state_of(broker, consent)["places"])
        choice = f"/v1/consents/{consent['id']}/place"
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(lambda _: broker.call("POST", choice, json={"place": ours}), range(4)))
        assert [one.status_code for one in told] == [200] * 4, [one.text for one in told]
        assert {(one.json()["state"], one.json()["place"]) for one in told} == {("complete", ours)}
        refused = broker.call("POST", choice, json={"place": others[0]})
        assert (refused.status_code, refused.json()["code"]) == (409, "CONSENT_NOT_OPEN")

    @pytest.mark.parametrize("dc", ["us", "in", "au", "jp", "ca", "cn", "sa"])
    def test_every_other_data_centre(self, world: World, broker: Broker, name: str, dc: str) -> None:
        world.connect_books(broker, f"books-{dc}", dc)
        told = broker.call("GET", f"/v1/grants/books-{dc}").json()
        assert (told["site"], told["details"]["dc"], told["state"]) == (dc, dc, "active")

    def test_the_data_centre_of_the_user_is_found_when_none_is_named(
        self, world: World, broker: Broker, name: str
    ) -> None:
        consent = begin(broker, name)
        browser = Browser()
        vendor = browser.to_vendor(consent["start_url"])
        assert "/zoho/us/accounts/" in vendor
        page = browser.get(vendor).text
        user = re.search(r'value="(\d+)"[^>]*>[^<]*demo@jp\.example', page)
        assert user is not None
        assert browser.get(browser.decide(vendor, user=user.group(1))).status_code == 200
        assert state_of(broker, consent)["details"]["dc"] == "jp"

    def test_mailchimp_by_consent_and_by_key(self, world: World, broker: Broker, name: str) -> None:
        consent = begin(broker, "mc", "mailchimp")
        page = Browser().consent(consent["start_url"])
        assert page.status_code == 200 and "Connected" in page.text
        told = broker.token("mc").json()
        assert (told["kind"], told["expires_at"], told["good_for_s"]) == ("oauth", None, 300)
        key = world.account("mailchimp")["api_key"]
        answer = broker.call("PUT", "/v1/grants/mc-key/api-key", json={"vendor": "mailchimp", "api_key": key})
        assert answer.status_code == 200 and answer.json()["details"]["dc"] == "us6"
        assert broker.token("mc-key").json()["token"] == key
        world.advance(400 * 86400)
        assert broker.token("mc-key").json()["generation"] == 1

    def test_a_key_that_the_vendor_refuses_replaces_nothing(self, world: World, broker: Broker, name: str) -> None:
        key = world.account("mailchimp")["api_key"]
        assert (
            broker.call("PUT", "/v1/grants/mc/api-key", json={"vendor": "mailchimp", "api_key": key}).status_code == 200
        )
        for wrong in ("0" * 32 + "-us6", "not a key", key.replace("-us6", "-us6.evil.example")):
            answer = broker.call("PUT", "/v1/grants/mc/api-key", json={"vendor": "mailchimp", "api_key": wrong})
            assert (answer.status_code, answer.json()["code"]) == (422, "API_KEY_REFUSED")
            assert wrong not in answer.text
        assert broker.token("mc").json()["token"] == key

    def test_headless_with_client_credentials(self, world: World, broker: Broker, name: str) -> None:
        clients = world.sandbox.get("state/zoho-accounts")["clients"]  # type: ignore[union-attr]
        own = next(one["id"] for one in clients if one["name"] == "self")  # type: ignore[index,union-attr]
        secret = next(one for one in _clients(world) if one["id"] == own)["secrets"]["eu"]
        wish = {
            "vendor": "zoho-books",
            "site": "eu",
            "place": world.account("zoho-books")["organization_id"],
            "client_id": own,
            "client_secret": secret,
        }
        answer = broker.call("PUT", "/v1/grants/robot/client-credentials", json=wish)
        assert answer.status_code == 200, answer.text
        first = broker.token("robot").json()
        world.advance(3590)
        second = broker.token("robot").json()
        assert (first["generation"], second["generation"]) == (1, 2)
        assert secret not in broker.log.read_text()

    def test_a_consent_is_waited_for(self, world: World, broker: Broker, name: str) -> None:
        consent = begin(broker, name, site="eu")
        assert broker.call("GET", f"/v1/consents/{consent['id']}?wait_s=0.5").json()["state"] == "waiting"
        Browser().to_vendor(consent["start_url"])
        assert broker.call("GET", f"/v1/consents/{consent['id']}?wait_s=0").json()["state"] == "opened"

    def test_reconnecting_opens_the_gate_and_gives_the_former_grant_back(self, own_world: World) -> None:
        broker = own_world.broker()
        own_world.connect_books(broker)
        fault(own_world, "token_revoked")
        own_world.advance(3605)
        assert broker.token("books").json()["code"] == "NEEDS_REAUTH"
        own_world.sandbox.delete("faults")  # type: ignore[union-attr]
        assert gates(own_world.database, "books") == {"needs_reauth"}
        paused = "insert into core.gate (connection, reason, set_at) values ('books', 'paused', now())"
        query(own_world.database, paused)
        own_world.connect_again(broker)
        assert gates(own_world.database, "books") == {"paused"}
        assert broker.token("books").json()["generation"] == 2
        before = len(_grants(own_world))
        own_world.connect_again(broker)
        assert len(_grants(own_world)) == before

    def test_reconnecting_with_the_wrong_account_breaks_nothing(self, world: World, broker: Broker, name: str) -> None:
        world.connect_books(broker, name)
        before = len(_grants(world))
        consent = begin(broker, name, site="us", place=world.account("zoho-books")["organization_id"])
        page = Browser().consent(consent["start_url"])
        assert page.status_code == 400 and "WRONG_ACCOUNT" in page.text
        assert state_of(broker, consent)["state"] == "failed"
        assert broker.token(name).json()["generation"] == 1
        assert len(_grants(world)) == before, "the grant of the wrong account was given back"

    def test_deleting_revokes_at_the_vendor_and_forgets(self, world: World, broker: Broker, name: str) -> None:
        world.connect_books(broker, name)
        token, before = broker.token(name).json()["token"], len(_grants(world))
        assert broker.call("DELETE", f"/v1/grants/{name}").json() == {"revoked": "yes"}
        assert broker.token(name).status_code == 404
        assert len(_grants(world)) == before - 1
        assert query(world.database, "select * from vault.data_key where subject = $1", name) == []
        assert _asks_books(world, token) == 401

    def test_deleting_while_the_vendor_is_away_serves_nobody_and_revokes_later(self, own_world: World) -> None:
        broker = own_world.broker()
        own_world.connect_books(broker)
        before = len(_grants(own_world))
        away = {"vendor": "zoho-accounts", "kind": "status", "route": "POST /oauth/v2/token/revoke", "count": 1}
        own_world.sandbox.post("faults", away | {"status": 503})  # type: ignore[union-attr]
        assert broker.call("DELETE", "/v1/grants/books").json() == {"revoked": "later"}
        assert broker.token("books").status_code == 404
        broker.stop()
        # A broker tidies up as soon as it starts, and once a minute.
        broker.start()
        eventually(lambda: len(_grants(own_world)) == before - 1)

    def test_a_grant_near_the_limit_of_twenty_warns(self, own_world: World) -> None:
        broker = own_world.broker()
        for number in range(15):
            own_world.connect_books(broker, f"b{number}")
        told = broker.call("GET", "/v1/grants/b0").json()
        assert told["siblings"] == {"held": 15, "of": 20}
        assert "silently end the oldest" in told["warnings"][0]


class TestRefusals:
    def test_the_person_says_no(self, world: World, broker: Broker, name: str) -> None:
        consent = begin(broker, name, site="eu")
        page = Browser().consent(consent["start_url"], decision="deny")
        assert page.status_code == 200 and "Access was rejected" in page.text
        told = state_of(broker, consent)
        assert (told["state"], told["code"]) == ("denied", "CONSENT_DENIED")
        assert broker.token(name).status_code == 404

    def test_nobody_opens_it_in_time(self, world: World, broker: Broker, name: str) -> None:
        consent = begin(broker, name, site="eu")
        world.advance(901)
        page = Browser().get(consent["start_url"])
        assert page.status_code == 410 and "CONSENT_EXPIRED" in page.text

    def test_the_person_comes_back_too_late(self, world: World, broker: Broker, name: str) -> None:
        consent, browser = begin(broker, name, site="eu"), Browser()
        back = browser.decide(browser.to_vendor(consent["start_url"]))
        world.advance(901)
        page = browser.get(back)
        assert page.status_code == 410 and "CONSENT_EXPIRED" in page.text

    def test_a_code_that_expired_on_the_way(self, world: World, broker: Broker, name: str) -> None:
        consent, browser = begin(broker, name, site="eu"), Browser()
        back = browser.decide(browser.to_vendor(consent["start_url"]))
        world.advance(61)
        page = browser.get(back)
        assert page.status_code == 400 and "CODE_REFUSED" in page.text

    def test_a_missing_client_says_what_to_set(self, own_world: World) -> None:
        broker = own_world.broker(MILLRACE_ZOHO_CLIENT_ID="", MILLRACE_ZOHO_CLIENT_SECRETS="")
        answer = broker.call("POST", "/v1/consents", json={"connection": "b", "vendor": "zoho-books", "name": "b"})
        assert answer.status_code == 503 and "MILLRACE_ZOHO_CLIENT_ID" in answer.json()["detail"]

    @pytest.mark.parametrize("site", ["uk", "ae", "xx", "eu.evil"])
    def test_a_data_centre_that_is_not_on(self, world: World, broker: Broker, name: str, site: str) -> None:
        body = {"connection": "b", "vendor": "zoho-books", "name": "b", "site": site}
        answer = broker.call("POST", "/v1/consents", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "SITE_REFUSED")


class TestAttacks:
    """Each way in which somebody else could end up in a connection, or our secret somewhere else."""

    def test_all_of_them_are_refused_and_the_person_still_gets_through(
        self, world: World, broker: Broker, name: str
    ) -> None:
        consent, browser = begin(broker, name, site="eu"), Browser()
        vendor = browser.to_vendor(consent["start_url"])
        back = browser.decide(vendor)
        calls = len(world.token_calls())

        forged = with_query(back, state="A" * 43)
        assert browser.get(forged).status_code == 400
        assert browser.get(with_query(back, state=None)).status_code == 400
        foreign = Browser().get(back)
        assert foreign.status_code == 403 and "CONSENT_FOREIGN" in foreign.text
        doubled = browser.get(back + "&code=other")
        assert doubled.status_code == 400
        stolen_start = Browser().get(consent["start_url"])
        assert stolen_start.status_code == 410 and "CONSENT_REPLAYED" in stolen_start.text
        assert len(world.token_calls()) == calls, "no code was exchanged for any of them"

        assert browser.get(back).status_code == 200
        assert state_of(broker, consent)["state"] == "choose"
        replayed = browser.get(back)
        assert replayed.status_code == 409 and "CONSENT_REPLAYED" in replayed.text
        assert len(world.token_calls()) == calls + 1

    @pytest.mark.parametrize(
        "mixed",
        [
            {"accounts-server": "https://accounts.zoho.evil.example"},
            {"accounts-server": "http://127.0.0.1:1/zoho/eu/accounts"},
            {"location": "us"},
            {"code": None},
        ],
    )
    def test_a_callback_that_names_another_host(
        self, world: World, broker: Broker, name: str, mixed: dict[str, str | None]
    ) -> None:
        consent, browser = begin(broker, name, site="eu"), Browser()
        back = browser.decide(browser.to_vendor(consent["start_url"]))
        calls = len(world.token_calls())
        page = browser.get(with_query(back, **mixed))
        assert page.status_code == 400 and "CALLBACK_REFUSED" in page.text
        assert len(world.token_calls()) == calls, "the secret went nowhere"

    def test_a_callback_at_another_vendors_address(self, world: World, broker: Broker, name: str) -> None:
        consent, browser = begin(broker, name, site="eu"), Browser()
        back = browser.decide(browser.to_vendor(consent["start_url"]))
        calls = len(world.token_calls())
        for family in ("mailchimp", "nobody"):
            page = browser.get(back.replace("/oauth/zoho/", f"/oauth/{family}/"))
            assert page.status_code in (400, 409)
        assert state_of(broker, consent)["state"] == "failed"
        assert len(world.token_calls()) == calls

    @pytest.mark.parametrize(
        "path",
        [
            "/connect/x?next=https://evil.example",
            "/connect//evil.example",
            "/connect/%2f%2fevil.example",
            "/oauth/zoho/callback?redirect_uri=https://evil.example&state=x",
            "/oauth/zoho/callback?next=//evil.example",
            "/oauth/https:%2f%2fevil.example/callback",
        ],
    )
    def test_nobody_is_ever_sent_anywhere_else(self, broker: Broker, path: str) -> None:
        answer = httpx.get(broker.url + path, follow_redirects=False)
        assert answer.status_code >= 400 and "location" not in answer.headers
        assert "evil.example" not in answer.text

    def test_the_page_escapes_what_the_vendor_says_and_loads_nothing(
        self, world: World, broker: Broker, name: str
    ) -> None:
        consent, browser = begin(broker, name, site="eu"), Browser()
        browser.to_vendor(consent["start_url"])
        back = browser.decide(browser.to_vendor(consent["start_url"]))
        page = browser.get(with_query(back, code=None, error='"><script>alert(1)</script>'))
        assert "<script" not in page.text
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"

    def test_the_cookie_is_kept_from_scripts_and_other_sites(self, own_world: World) -> None:
        broker = own_world.broker(MILLRACE_CONSENT_URL="https://millrace.example.org")
        consent = begin(broker, site="eu")
        answer = httpx.get(broker.url + urlsplit(consent["start_url"]).path)
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("__host-") and "httponly" in cookie and "secure" in cookie and "samesite=lax" in cookie


def _clients(world: World) -> list[dict[str, Any]]:
    from sandbox.zoho_accounts.people import demo_clients

    return [{"id": client.id, "secrets": client.secrets} for client in demo_clients()]


def _grants(world: World) -> list[Any]:
    assert world.sandbox is not None
    found = world.sandbox.get("state/zoho-accounts")["grants"]
    assert isinstance(found, list)
    return [grant for grant in found if grant["offline"]]


def _asks_books(world: World, token: str) -> int:
    account = world.account("zoho-books")
    return httpx.get(
        f"{account['base_url']}/contacts",
        params={"organization_id": account["organization_id"]},
        headers={"authorization": f"Zoho-oauthtoken {token}"},
    ).status_code
