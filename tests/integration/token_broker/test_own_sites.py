"""A shop that a person names: by its form alone, and its webhooks are signed with the application's secret."""

from __future__ import annotations

import pytest

from tests.integration.token_broker.test_consent import begin, state_of
from tests.support.broker import Broker, Browser, add_connection
from tests.support.broker_world import World

SHOP = "demo.myshopify.com"


class TestShop:
    def test_by_its_name_from_the_address_to_the_token(self, world: World, broker: Broker, name: str) -> None:
        add_connection(world.database, name, "shopify")
        consent = begin(broker, name, "shopify", site="Demo")
        browser = Browser()
        vendor = browser.to_vendor(consent["start_url"])
        assert vendor.startswith(f"{world.account('shopify')['base_url']}/admin/oauth/authorize?")
        page = browser.get(browser.decide(vendor, decision="install"))
        assert page.status_code == 200 and "Connected" in page.text, page.text
        told = broker.call("GET", f"/v1/grants/{name}").json()
        assert (told["site"], told["place"], told["details"]["shop"], told["details"]["currency"]) == (
            SHOP,
            SHOP,
            SHOP,
            "EUR",
        )
        assert broker.token(name).json()["kind"] == "oauth"
        secret = world.account("shopify")["client_secret"]
        given = broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest").json()["secrets"]
        assert [one["secret"] for one in given] == [f"{SHOP}:{secret}"]

    @pytest.mark.parametrize("site", ["", "evil.example", "a.b.myshopify.com", "-a"])
    def test_what_is_no_shop_is_refused_with_what_to_do(self, broker: Broker, name: str, site: str) -> None:
        body = {"connection": name, "vendor": "shopify", "name": name, "site": site}
        answer = broker.call("POST", "/v1/consents", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "SITE_REFUSED")
        assert "some-shop.myshopify.com" in answer.json()["detail"]

    def test_what_is_to_be_named_is_said(self, broker: Broker) -> None:
        told = {one["vendor"]: one["own_site"] for one in broker.call("GET", "/v1/vendors").json()["vendors"]}
        assert told["shopify"] == {"word": "shop", "example": "some-shop.myshopify.com"}
        assert told["zoho-books"] is None

    def test_pasted_token_of_a_shops_own_application_brings_its_own_secret_and_none_of_ours(
        self, world: World, broker: Broker, name: str
    ) -> None:
        key = f"{SHOP}:{world.account('shopify')['access_token']}"
        answer = broker.call("PUT", f"/v1/grants/{name}/api-key", json={"vendor": "shopify", "api_key": key})
        assert answer.status_code == 200, answer.text
        assert broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest").json()["secrets"] == []
        secret = world.account("shopify")["custom_secret"]
        answer = broker.call(
            "PUT", f"/v1/grants/{name}/api-key", json={"vendor": "shopify", "api_key": f"{key}:{secret}"}
        )
        assert answer.status_code == 200, answer.text
        (given,) = broker.call("GET", f"/v1/webhook-secrets/{name}", "ingest").json()["secrets"]
        assert given["secret"] == f"{SHOP}:{secret}"

    def test_rejected_on_the_vendors_page(self, broker: Broker, name: str) -> None:
        consent = begin(broker, name, "shopify", site="demo")
        browser = Browser()
        browser.get(browser.decide(browser.to_vendor(consent["start_url"]), decision="cancel"))
        assert state_of(broker, consent)["state"] == "denied"
