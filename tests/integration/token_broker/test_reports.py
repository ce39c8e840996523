"""A caller reports that a vendor refused a token: what that may cost, and what it can never do."""

from __future__ import annotations

import time

import pytest

from tests.support.broker import Broker, Browser, add_connection, gates, notifications, query
from tests.support.broker_world import World, eventually, fault, served_again


def spent(world: World, connection: str) -> int:
    """Tokens that the broker asked the vendor for: counted before each call, so none is missing."""
    rows = query(world.database, "select count(*) from vault.token_call where connection = $1", connection)
    return int(rows[0][0])


class TestAhead:
    def test_renews_ahead_of_expiry_without_being_asked(self, world: World, broker: Broker, name: str) -> None:
        world.connect_books(broker, name)
        world.advance(53 * 60)
        time.sleep(2.5)  # longer than the schedule's two seconds: nothing is due yet
        assert broker.call("GET", f"/v1/grants/{name}").json()["generation"] == 1
        world.advance(2 * 60 + 1)
        eventually(lambda: broker.call("GET", f"/v1/grants/{name}").json()["generation"] == 2)
        token = broker.token(name).json()
        assert token["generation"] == 2 and token["good_for_s"] > 3500

    def test_a_vendor_that_is_away_costs_nobody_a_token_that_still_lives(
        self, world: World, broker: Broker, name: str
    ) -> None:
        world.connect_books(broker, name)
        fault(world, "status", status=503)
        world.advance(59 * 60)
        eventually(lambda: broker.call("GET", f"/v1/grants/{name}").json()["failures"])
        assert broker.token(name).json()["generation"] == 1
        world.advance(70)
        refused = broker.token(name)
        assert (refused.status_code, refused.json()["code"]) == (503, "TOKEN_UNAVAILABLE")
        assert int(refused.headers["retry-after"]) >= 1
        world.sandbox.delete("faults")  # type: ignore[union-attr]
        served_again(world, broker, name, 310)
        assert broker.token(name).json()["generation"] == 2
        assert gates(world.database, name) == set() and notifications(world.database, name) == []


class TestReportedRefusals:
    def test_an_old_generation_refreshes_nothing(self, world: World, broker: Broker, name: str) -> None:
        world.connect_books(broker, name)
        world.advance(3590)
        assert broker.token(name).json()["generation"] == 2
        before = spent(world, name)
        for _ in range(20):
            assert broker.token(name, generation=1, reason="unauthorised").json()["generation"] == 2
        assert spent(world, name) == before

    def test_a_fresh_token_is_tried_before_it_is_replaced(self, world: World, broker: Broker, name: str) -> None:
        world.connect_books(broker, name)
        before = spent(world, name)
        refused = broker.token(name, generation=1, reason="unauthorised")
        assert (refused.status_code, refused.json()["code"]) == (409, "TOKEN_NOT_AT_FAULT")
        assert spent(world, name) == before
        assert broker.token(name).json()["generation"] == 1

    def test_reports_can_never_empty_the_budget(self, world: World, broker: Broker, name: str) -> None:
        world.connect_books(broker, name)
        before, generation = spent(world, name), 1
        for _ in range(12):
            world.advance(61 if generation == 1 else 62)
            answer = broker.token(name, generation=generation, reason="unauthorised")
            if answer.status_code != 200:
                break
            generation = answer.json()["generation"]
        assert (answer.status_code, answer.json()["code"]) == (503, "TOKEN_THROTTLED")
        assert spent(world, name) - before == 7, "eight in the window with the consent's, two kept for the schedule"
        assert broker.token(name).status_code == 200, "the token that is there goes on being served"

    @pytest.mark.parametrize(
        "body",
        [b"[]", b"nonsense", b'{"reason": "unauthorised"}', b'{"reason": "other", "generation": 1}',
         b'{"reason": "unauthorised", "generation": true}', b"x" * 5000],
    )  # fmt: skip
    def test_a_report_that_is_none_is_refused(self, world: World, broker: Broker, name: str, body: bytes) -> None:
        world.connect_books(broker, name)
        answer = broker.call("POST", f"/v1/tokens/{name}", "ingest", content=body)
        assert answer.status_code in (413, 422) and answer.json()["code"] == "REQUEST_INVALID"

    def test_a_wrong_report_disconnects_nobody(self, world: World, broker: Broker, name: str) -> None:
        connect_mailchimp(world, broker, name)
        for _ in range(5):
            assert broker.token(name, generation=1, reason="unauthorised").json()["code"] == "TOKEN_NOT_AT_FAULT"
        assert gates(world.database, name) == set() and broker.token(name).status_code == 200

    def test_a_token_that_the_person_took_back_does(self, world: World, broker: Broker, name: str) -> None:
        connect_mailchimp(world, broker, name)
        world.sandbox.post("faults", {"vendor": "mailchimp", "kind": "token_revoked", "count": 1})  # type: ignore[union-attr]
        for _ in range(5):
            answer = broker.token(name, generation=1, reason="unauthorised")
            assert (answer.status_code, answer.json()["code"]) == (409, "NEEDS_REAUTH")
        assert notifications(world.database, name) == [("gate.needs_reauth", "GRANT_REVOKED")]
        connect_mailchimp(world, broker, name)
        assert broker.token(name).json()["generation"] == 2 and gates(world.database, name) == set()


def connect_mailchimp(world: World, broker: Broker, name: str) -> None:
    if not query(world.database, "select from core.connection where id = $1", name):
        add_connection(world.database, name, "mailchimp")
    consent = broker.call("POST", "/v1/consents", json={"connection": name, "vendor": "mailchimp", "name": name}).json()
    assert Browser().consent(consent["start_url"]).status_code == 200
