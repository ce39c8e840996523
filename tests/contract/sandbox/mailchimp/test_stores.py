"""Shops: a customer that is written becomes a contact on the side."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.mailchimp.vendor import Json, Vendor

SHOP = {"id": "s", "name": "Shop", "currency_code": "EUR"}
CUSTOMER: Json = {"id": "1", "email_address": "k@shop.example", "opt_in_status": False, "first_name": "Kay"}
PATH = "/ecommerce/stores/s/customers/1"


@pytest.fixture
def shop(vendor: Vendor) -> Vendor:
    vendor.told("POST", "/ecommerce/stores", {**SHOP, "list_id": vendor.plain})
    return vendor


class TestCustomers:
    @pytest.mark.parametrize(("opt_in", "status"), [(True, "subscribed"), (False, "transactional")])
    def test_a_stranger_becomes_a_contact(self, shop: Vendor, opt_in: bool, status: str) -> None:
        shop.told("PUT", PATH, CUSTOMER | {"opt_in_status": opt_in})
        member = shop.member("k@shop.example")
        assert (member["status"], member["full_name"]) == (status, "Kay")

    def test_who_left_stays_away(self, shop: Vendor) -> None:
        shop.add("k@shop.example")
        shop.person("unsubscribe", "k@shop.example")
        shop.told("PUT", PATH, CUSTOMER | {"opt_in_status": True})
        assert shop.member("k@shop.example")["status"] == "unsubscribed"

    def test_an_opt_in_comes_later(self, shop: Vendor) -> None:
        shop.told("PUT", PATH, CUSTOMER)
        shop.told("PATCH", PATH, {"opt_in_status": True})
        assert shop.member("k@shop.example")["status"] == "subscribed"

    def test_ids_have_at_most_fifty_characters(self, shop: Vendor) -> None:
        shop.refused(400, "PUT", f"/ecommerce/stores/s/customers/{'x' * 51}", CUSTOMER)

    def test_exist_once_and_go(self, shop: Vendor) -> None:
        shop.told("POST", "/ecommerce/stores/s/customers", CUSTOMER)
        shop.refused(400, "POST", "/ecommerce/stores/s/customers", CUSTOMER)
        shop.gone("DELETE", PATH)
        shop.refused(404, "GET", PATH)
        shop.gone("DELETE", "/ecommerce/stores/s")
        shop.refused(404, "GET", "/ecommerce/stores/s")
