"""kill -9 after each line of a shop's refresh, one after the other: no shop is lost whose answer reached our disk, with the vendor's grace and without.

SHOP_REFRESH_LINES says which lines.
"""

from __future__ import annotations

import os

import pytest

from tests.integration.token_broker.test_consent import begin
from tests.support.broker import Broker, Browser, add_connection, gates, notifications
from tests.support.broker_world import World, eventually

LINES = os.environ.get("SHOP_REFRESH_LINES", "intended,answered,stored").split(",")
NAME = "shop"


def hurried(world: World) -> Broker:
    """One that leaves a refresh that nobody saw the end of alone for a second."""
    return world.broker(module="tests.support.hurried_broker")


def connected(world: World, broker: Broker) -> None:
    add_connection(world.database, NAME, "shopify")
    browser = Browser()
    page = browser.get(
        browser.decide(browser.to_vendor(begin(broker, NAME, "shopify", site="demo")["start_url"]), decision="install")
    )
    assert page.status_code == 200 and "Connected" in page.text, page.text


def dies_at(world: World, broker: Broker, line: str) -> None:
    """It dies there at its next refresh, and is back."""
    broker.stop()
    broker.start(MILLRACE_TEST="1", MILLRACE_FAILPOINTS=f"broker.refresh.{line}=kill")
    world.advance(51 * 60)
    assert broker.died() == -9
    broker.start(MILLRACE_TEST="", MILLRACE_FAILPOINTS="")


def opens(broker: Broker) -> bool:
    return broker.token(NAME).status_code == 200


class TestKilled:
    @pytest.mark.parametrize("former", ["grace", "dead"])
    def test_no_shop_is_lost_whose_answer_reached_the_disk(self, own_world: World, former: str) -> None:
        assert own_world.sandbox is not None
        own_world.sandbox.post("limits", {"vendor": "shopify", "former_refresh": former})
        # Without grace an answer that was lost is the end, in words: the next test.
        lines = [one for one in LINES if (one, former) != ("answered", "dead")]
        broker = hurried(own_world)
        connected(own_world, broker)
        for line in lines:
            dies_at(own_world, broker, line)
            eventually(lambda: opens(broker))
        own_world.advance(51 * 60)
        eventually(lambda: opens(broker))
        assert (notifications(own_world.database, NAME), gates(own_world.database, NAME)) == ([], set())

    def test_without_grace_an_answer_that_was_lost_is_said_once_and_a_consent_brings_the_shop_back(
        self, own_world: World
    ) -> None:
        assert own_world.sandbox is not None
        own_world.sandbox.post("limits", {"vendor": "shopify", "former_refresh": "dead"})
        broker = hurried(own_world)
        connected(own_world, broker)
        dies_at(own_world, broker, "answered")
        eventually(lambda: broker.token(NAME).status_code == 409)
        assert notifications(own_world.database, NAME) == [("gate.needs_reauth", "REFRESH_ANSWER_LOST")]
        browser = Browser()
        consent = begin(broker, NAME, "shopify", site="demo")
        browser.get(browser.decide(browser.to_vendor(consent["start_url"]), decision="install"))
        eventually(lambda: opens(broker))
        assert gates(own_world.database, NAME) == set()
