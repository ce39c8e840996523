"""kill -9 while a person comes back from the vendor: what was given is kept, or the person starts again; nothing in between."""

from __future__ import annotations

import httpx
import pytest

from tests.support.broker import Browser
from tests.support.broker_world import World, eventually


def killed_on_the_way_back(world: World, point: str) -> tuple[str, str]:
    """A consent during whose callback the broker died; it is back when this returns."""
    broker = world.broker(MILLRACE_TEST="1", MILLRACE_FAILPOINTS=f"broker.consent.{point}=kill")
    asked = {"connection": "books", "vendor": "zoho-books", "name": "books", "site": "eu"}
    consent = broker.call("POST", "/v1/consents", json=asked).json()
    browser = Browser()
    back = browser.decide(browser.to_vendor(consent["start_url"]))
    with pytest.raises(httpx.TransportError):
        browser.get(back)
    assert broker.died() == -9
    broker.start(MILLRACE_FAILPOINTS="", MILLRACE_TEST="")
    replayed = browser.get(back)
    assert replayed.status_code == 409, "the code is never exchanged a second time"
    return str(consent["id"]), back


class TestKilledConsent:
    def test_tokens_that_reached_the_disk_are_used(self, own_world: World) -> None:
        consent, _ = killed_on_the_way_back(own_world, "kept")
        broker = own_world.brokers[0]
        assert broker.call("GET", f"/v1/consents/{consent}").json()["state"] == "granted"
        told = broker.call("POST", f"/v1/consents/{consent}/places").json()
        assert told["state"] == "choose"
        place = {"place": told["places"][0]["id"]}
        assert broker.call("POST", f"/v1/consents/{consent}/place", json=place).json()["state"] == "complete"
        assert broker.token("books").status_code == 200

    def test_tokens_that_did_not_are_asked_for_again(self, own_world: World) -> None:
        consent, _ = killed_on_the_way_back(own_world, "exchanged")
        broker = own_world.brokers[0]
        assert broker.token("books").status_code == 404
        own_world.advance(901)
        broker.stop()
        broker.start(MILLRACE_FAILPOINTS="", MILLRACE_TEST="")  # it tidies up as it starts
        eventually(lambda: broker.call("GET", f"/v1/consents/{consent}").json()["state"] == "expired")
        own_world.connect_books(broker)
        assert broker.token("books").status_code == 200
