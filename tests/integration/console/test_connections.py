"""Connecting, trying, pausing, renewing and deleting accounts, with a real broker, the sandbox and the database."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.broker import Browser, gates, query
from tests.support.console import Console
from tests.support.legs import ONE_LEG


def use_in_a_sync(console: Console, connection: str, state: str = "active", sync: str = "demo") -> None:
    query(
        console.world.database,
        """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
           values ($1, $2, 'zoho-books-to-mailchimp', $3, $3, $4, now(), now())""",
        f"{sync}-{connection}",
        f"{sync} of {connection}",
        connection,
        state,
    )
    query(console.world.database, ONE_LEG, "")


def calls(console: Console, what: str) -> list[dict[str, Any]]:
    assert console.world.sandbox is not None
    found = console.world.sandbox.get("log", since=0)["calls"]
    assert isinstance(found, list)
    return [one for one in found if what in f"{one['method']} {one['path']}"]


class TestAdding:
    def test_by_consent_from_the_address_to_active(self, console: Console, called: str) -> None:
        begun = console.add_books(called)
        connection = begun["connection"]
        assert (connection["state"], connection["standing"], begun["road"]["state"]) == (
            "connecting", "connecting", "waiting",
        )  # fmt: skip
        page = Browser().consent(begun["road"]["start_url"])
        assert page.status_code == 200 and "is connected to" in page.text
        road = console.told("GET", f"/connections/{connection['id']}/road?wait_s=10")
        assert (road["state"], road["over"]) == ("connected", True)
        shown = console.told("GET", f"/connections/{connection['id']}")
        assert (shown["state"], shown["standing"], shown["trouble"]) == ("active", "ok", "")
        assert shown["details"]["organization_id"] == console.organisation
        assert (shown["details"]["dc"], shown["grant"]["kind"]) == ("eu", "oauth")

    def test_it_was_tried_before_it_became_active(self, console: Console, called: str) -> None:
        before = len(calls(console, f"GET /zoho/eu/api/books/v3/organizations/{console.organisation}"))
        console.connect_books(called)
        assert len(calls(console, f"GET /zoho/eu/api/books/v3/organizations/{console.organisation}")) == before + 1

    def test_nobody_has_to_wait_for_it(self, console: Console, called: str) -> None:
        begun = console.add_books(called)
        Browser().consent(begun["road"]["start_url"])
        # Only the console itself looks: no road is asked for.
        assert console.wait_for(begun["connection"]["id"], "active")["grant"]["state"] == "active"

    def test_by_api_key_at_once(self, console: Console, called: str) -> None:
        begun = console.add_mailchimp(called)
        assert (begun["connection"]["state"], begun["road"]["state"]) == ("active", "connected")
        assert begun["connection"]["details"]["dc"] == "us6"
        assert console.world.account("mailchimp")["api_key"] not in str(begun) + console.log.read_text()

    def test_a_key_that_does_not_work_leaves_nothing(self, console: Console, called: str) -> None:
        body = {"vendor": "mailchimp", "name": called, "api_key": "0" * 32 + "-us6"}
        refused = console.ask("POST", "/connections", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "API_KEY_REFUSED")
        assert console.told("GET", "/connections", params={"name": called})["items"] == []

    def test_the_choice_among_several_organisations(self, console: Console, called: str) -> None:
        begun = console.add_books(called, place="")
        Browser().consent(begun["road"]["start_url"])
        path = f"/connections/{begun['connection']['id']}"
        road = console.told("GET", f"{path}/road")
        assert road["state"] == "choose" and console.organisation in {one["id"] for one in road["places"]}
        wrong = console.ask("POST", f"{path}/place", json={"place": "1"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "PLACE_UNKNOWN")
        assert console.told("POST", f"{path}/place", json={"place": console.organisation})["state"] == "connected"

    def test_a_person_who_says_no(self, console: Console, called: str) -> None:
        begun = console.add_books(called)
        browser = Browser()
        browser.get(browser.decide(browser.to_vendor(begun["road"]["start_url"]), decision="deny"))
        road = console.told("GET", f"/connections/{begun['connection']['id']}/road")
        assert (road["state"], road["code"], road["over"]) == ("denied", "CONSENT_DENIED", True)
        assert console.told("GET", f"/connections/{begun['connection']['id']}")["trouble"]
        again = console.add_books(called)
        assert again["connection"]["id"] == begun["connection"]["id"]

    def test_a_name_is_given_once(self, console: Console, called: str) -> None:
        console.connect_books(called)
        body = {"vendor": "zoho-books", "name": called}
        refused = console.ask("POST", "/connections", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "CONNECTION_NAME_TAKEN")

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"vendor": "salesforce"}, "No vendor salesforce"),
            ({"vendor": "zoho-books", "api_key": "x"}, "Zoho Books has no API keys"),
            ({"vendor": "mailchimp", "client_secret": "x"}, "Mailchimp has no client credentials"),
            ({"vendor": "zoho-books", "site": "mars"}, "The data centres are"),
        ],
    )
    def test_a_way_that_is_none(self, console: Console, called: str, body: dict[str, str], words: str) -> None:
        refused = console.ask("POST", "/connections", json={"name": called, **body})
        assert refused.status_code == 422 and words in refused.json()["detail"]
        assert console.told("GET", "/connections", params={"name": called})["items"] == []


class TestReconnecting:
    def test_the_id_stays_and_the_gate_opens(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        query(
            console.world.database,
            "select core.set_gate($1, 'needs_reauth', null, now(), 'GRANT_REVOKED', 'It is over.')",
            connection,
        )
        assert console.told("GET", f"/connections/{connection}")["standing"] == "needs_reauth"
        begun = console.told("POST", f"/connections/{connection}/reconnect", json={})
        assert begun["connection"]["id"] == connection and begun["connection"]["state"] == "active"
        Browser().consent(begun["road"]["start_url"])
        assert console.told("GET", f"/connections/{connection}/road?wait_s=10")["state"] == "connected"
        assert console.told("GET", f"/connections/{connection}")["standing"] == "ok"
        assert gates(console.world.database, connection) == set()

    def test_another_account_is_refused_and_the_former_grant_kept(self, console: Console, called: str) -> None:
        connection = console.add_mailchimp(called)["connection"]["id"]
        assert console.world.sandbox is not None
        console.world.sandbox.post("seed", {"vendor": "mailchimp", "account": "other", "size": 1, "seed": 1})
        other = console.world.account("mailchimp", "other")["api_key"]
        refused = console.ask("POST", f"/connections/{connection}/reconnect", json={"api_key": other})
        assert (refused.status_code, refused.json()["code"]) == (422, "WRONG_ACCOUNT")
        assert console.told("POST", f"/connections/{connection}/test")["ok"]

    def test_a_key_is_asked_for_where_the_former_one_was_a_key(self, console: Console, called: str) -> None:
        connection = console.add_mailchimp(called)["connection"]["id"]
        refused = console.ask("POST", f"/connections/{connection}/reconnect", json={})
        assert refused.status_code == 422 and "give the new one" in refused.json()["detail"]


class TestTrying:
    def test_one_cheap_call(self, console: Console, called: str) -> None:
        connection = console.add_mailchimp(called)["connection"]["id"]
        before = len(calls(console, "GET /mailchimp/us6/3.0/ping"))
        told = console.told("POST", f"/connections/{connection}/test")
        assert told["ok"] and told["code"] == "" and told["duration_ms"] >= 0
        assert len(calls(console, "GET /mailchimp/us6/3.0/ping")) == before + 1

    def test_a_vendor_that_fails_is_told_and_kept(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        assert console.world.sandbox is not None
        console.world.sandbox.post(
            "faults",
            {
                "vendor": "zoho-books",
                "kind": "status",
                "status": 503,
                "share": 1,
                "body": '{"code": 9, "message": "x"}',
            },
        )
        told = console.told("POST", f"/connections/{connection}/test")
        console.world.sandbox.delete("faults")
        assert not told["ok"] and told["passing"] and told["vendor_status"] == 503 and told["action"]
        assert told["code"] in console.told("GET", f"/connections/{connection}")["trouble"]
        assert console.told("POST", f"/connections/{connection}/test")["ok"]
        assert console.told("GET", f"/connections/{connection}")["trouble"] == ""

    def test_the_quota_counts_it(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        # A minute passes: what others have asked in it would be free again between our two looks.
        console.world.advance(61)
        before = {one["name"]: one for one in console.told("GET", f"/connections/{connection}/quota")["limits"]}
        console.told("POST", f"/connections/{connection}/test")
        after = {one["name"]: one for one in console.told("GET", f"/connections/{connection}/quota")["limits"]}
        assert after["minute"]["used"] == before["minute"]["used"] + 1
        assert after["day"]["used"] > before["day"]["used"] or after["day"]["used"] > 0
        assert after["minute"]["ours"] + after["minute"]["reserved"] == after["minute"]["count"] == 100


class TestPausing:
    def test_holds_and_lets_go_and_touches_no_other_reason(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        query(
            console.world.database,
            "select core.set_gate($1, 'exhausted', now() + interval '1 hour', now(), 'QUOTA_EXHAUSTED', 'Used up.')",
            connection,
        )
        for _ in range(2):
            paused = console.told("POST", f"/connections/{connection}/pause", headers={"millrace-actor": "ana"})
            assert paused["standing"] == "paused"
            assert {gate["reason"] for gate in paused["gates"]} == {"paused", "exhausted"}
        assert next(g["message"] for g in paused["gates"] if g["reason"] == "paused") == "Paused by ana."
        for _ in range(2):
            resumed = console.told("POST", f"/connections/{connection}/resume")
            assert {gate["reason"] for gate in resumed["gates"]} == {"exhausted"}

    @pytest.mark.parametrize("reason", ["refused", "vendor_away"])
    def test_what_the_vendor_refused_is_tried_before_it_goes_on(
        self, console: Console, called: str, reason: str
    ) -> None:
        connection = console.connect_books(called)
        query(
            console.world.database,
            "select core.set_gate($1, $2, null, now(), 'VENDOR_REFUSED', 'The plan has ended.')", connection, reason,
        )  # fmt: skip
        assert console.world.sandbox is not None
        console.world.sandbox.post(
            "faults",
            {
                "vendor": "zoho-books",
                "kind": "status",
                "status": 503,
                "share": 1,
                "body": '{"code": 9, "message": "x"}',
            },
        )
        refused = console.ask("POST", f"/connections/{connection}/resume")
        console.world.sandbox.delete("faults")
        assert (refused.status_code, refused.json()["code"]) == (409, "CONNECTION_STILL_REFUSED")
        assert {gate["reason"] for gate in console.told("GET", f"/connections/{connection}")["gates"]} == {reason}
        assert console.told("POST", f"/connections/{connection}/resume")["gates"] == []

    def test_one_that_is_not_connected_cannot_be_paused(self, console: Console, called: str) -> None:
        connection = console.add_books(called)["connection"]["id"]
        refused = console.ask("POST", f"/connections/{connection}/pause")
        assert (refused.status_code, refused.json()["code"]) == (409, "CONNECTION_STATE")


class TestDeleting:
    def test_the_grant_is_revoked_at_the_vendor(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        before = len(calls(console, "/oauth/v2/token/revoke"))
        assert console.told("DELETE", f"/connections/{connection}") == {"id": connection, "revoked": "yes"}
        assert len(calls(console, "/oauth/v2/token/revoke")) == before + 1
        assert console.ask("GET", f"/connections/{connection}").status_code == 404
        assert console.broker.call("GET", f"/v1/grants/{connection}").status_code == 404
        assert console.ask("DELETE", f"/connections/{connection}").status_code == 404
        console.add_books(called)

    def test_refused_while_a_sync_uses_it(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        use_in_a_sync(console, connection)
        refused = console.ask("DELETE", f"/connections/{connection}")
        assert (refused.status_code, refused.json()["code"]) == (409, "CONNECTION_IN_USE")
        assert refused.json()["syncs"] == [f"demo-{connection}"]
        assert f"demo of {connection}" in refused.json()["detail"]
        assert console.told("POST", f"/connections/{connection}/test")["ok"]
        query(
            console.world.database, "update core.sync set state = 'disabled' where source_connection = $1", connection
        )
        assert console.told("DELETE", f"/connections/{connection}")["revoked"] == "yes"

    def test_a_consent_that_was_open_cannot_be_finished(self, console: Console, called: str) -> None:
        begun = console.add_books(called)
        browser = Browser()
        back = browser.decide(browser.to_vendor(begun["road"]["start_url"]))
        assert console.told("DELETE", f"/connections/{begun['connection']['id']}")["revoked"] == "nothing"
        assert browser.get(back).status_code >= 400
        assert console.broker.call("GET", f"/v1/grants/{begun['connection']['id']}").status_code == 404

    def test_a_grant_that_was_left_over_is_swept_away(self, own_console: Console, called: str) -> None:
        own_console.start()
        connection = own_console.add_mailchimp(called)["connection"]["id"]
        query(own_console.world.database, "update core.connection set state = 'deleted' where id = $1", connection)
        own_console.stop()
        own_console.start()
        deadline = time.monotonic() + 60
        while own_console.broker.call("GET", f"/v1/grants/{connection}").status_code != 404:
            assert time.monotonic() < deadline, "the grant of a deleted connection is still there"
            time.sleep(0.2)


class TestLists:
    def test_pages_in_the_order_of_names_without_gap_or_repeat(self, own_console: Console) -> None:
        own_console.start()
        assert own_console.told("GET", "/connections") == {"items": [], "next_cursor": None}
        for number in range(5):
            own_console.add_books(f"books {number}")
        seen, cursor = [], ""
        while True:
            page = own_console.told("GET", "/connections", params={"limit": 2, "cursor": cursor})
            seen += [one["name"] for one in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert seen == [f"books {number}" for number in range(5)]
        assert len(own_console.told("GET", "/connections?state=active")["items"]) == 0
        assert len(own_console.told("GET", "/connections?vendor=zoho-books&limit=200")["items"]) == 5

    def test_a_broker_that_is_away_hides_only_what_it_knows(self, own_console: Console, called: str) -> None:
        own_console.start()
        connection = own_console.add_mailchimp(called)["connection"]["id"]
        own_console.broker.kill()
        (listed,) = own_console.told("GET", "/connections")["items"]
        assert (listed["id"], listed["state"], listed["grant"]) == (connection, "active", None)
        assert own_console.told("GET", f"/connections/{connection}")["grant"] is None
        away = own_console.ask("POST", "/connections", json={"vendor": "zoho-books", "name": "another"})
        assert (away.status_code, away.json()["code"]) == (503, "TOKEN_BROKER_UNAVAILABLE")
        assert "retry-after" in away.headers
        assert own_console.told("DELETE", f"/connections/{connection}", 202)["revoked"] == "waiting"
        own_console.broker.start()
        own_console.wait_for(connection, "deleted")
        assert own_console.told("GET", "/connections")["items"] == []


class TestVersions:
    def test_a_change_needs_the_version_it_was_made_from(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        path, body = f"/connections/{connection}", {"name": f"{called} again"}
        etag = console.ask("GET", path).headers["etag"]
        assert console.ask("PATCH", path, json=body).status_code == 428
        assert console.ask("PATCH", path, json=body, headers={"if-match": '"other"'}).status_code == 412
        assert console.told("PATCH", path, json=body, headers={"if-match": etag})["name"] == body["name"]
        assert console.ask("PATCH", path, json=body, headers={"if-match": etag}).status_code == 412
        assert console.ask("DELETE", path, headers={"if-match": etag}).status_code == 412

    def test_what_is_learnt_meanwhile_makes_no_change_stale(self, console: Console, called: str) -> None:
        """A connection is connected by whoever comes first, the page or the caretaker, and by the other once more."""
        connection = console.connect_books(called)
        path, name = f"/connections/{connection}", f"{called} again"
        etag = console.ask("GET", path).headers["etag"]
        query(
            console.world.database,
            "update core.connection set state = 'active', updated_at = now(), tested_at = now(), details = details || '{\"more\": \"1\"}'"
            " where id = $1",
            connection,
        )
        assert console.ask("GET", path).headers["etag"] == etag
        assert console.told("PATCH", path, json={"name": name}, headers={"if-match": etag})["name"] == name
        assert console.ask("GET", path).headers["etag"] != etag

    def test_whoever_asks_after_the_caretaker_is_told_the_same(self, console: Console, called: str) -> None:
        connection = console.connect_books(called)
        road = console.told("GET", f"/connections/{connection}/road")
        assert (road["state"], road["message"]) == ("connected", f"{called} is connected.")

    def test_a_taken_name_is_refused(self, console: Console, called: str) -> None:
        first, second = console.connect_books(called), console.connect_books(f"{called} 2")
        etag = console.ask("GET", f"/connections/{second}").headers["etag"]
        refused = console.ask("PATCH", f"/connections/{second}", json={"name": called}, headers={"if-match": etag})
        assert (refused.status_code, refused.json()["code"]) == (409, "CONNECTION_NAME_TAKEN")
        assert first != second
