"""A company that is named on the way back of the consent and nowhere else; its refresh value is replaced once a day."""

from __future__ import annotations

from tests.integration.token_broker.test_consent import begin
from tests.support.broker import Broker, Browser, add_connection, gates, notifications
from tests.support.broker_world import World, eventually


class TestCompany:
    def test_from_the_address_to_the_token_and_over_two_days(self, world: World, broker: Broker, name: str) -> None:
        row = world.account("quickbooks", "demo-north")
        add_connection(world.database, name, "quickbooks")
        browser = Browser()
        vendor = browser.to_vendor(begin(broker, name, "quickbooks")["start_url"])
        assert vendor.startswith(f"{row['authorize_url']}?")
        page = browser.get(browser.decide(vendor, decision="connect", company=row["realm_id"]))
        assert page.status_code == 200 and "Connected" in page.text, page.text
        told = broker.call("GET", f"/v1/grants/{name}").json()
        assert (told["place"], told["details"]["realm_id"]) == (row["realm_id"], row["realm_id"])
        generation = broker.token(name).json()["generation"]
        for _ in range(3):
            # The value that each refresh brings is the one that the next is made with.
            world.advance(25 * 3_600)
            eventually(lambda: broker.token(name).status_code == 200)
            found = broker.token(name).json()["generation"]
            assert found > generation
            generation = found
        assert (notifications(world.database, name), gates(world.database, name)) == ([], set())
