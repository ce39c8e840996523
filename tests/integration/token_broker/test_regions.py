"""Books in one data centre and CRM in another: whoever consents says where, and nobody configures a region."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from common.contracts.connections import Connection
from tests.support.broker import Broker, Browser, add_connection
from tests.support.broker_world import World
from vendors.vendor import Vendor, connection_of
from vendors.zoho import centres
from vendors.zoho_books import VENDOR as BOOKS
from vendors.zoho_crm import VENDOR as CRM

Account = Mapping[str, Any]


@dataclass(frozen=True)
class Connected:
    """A connection, the account that it is to lead to, and its token."""

    vendor: Vendor
    connection: Connection
    account: Account
    token: str

    def first_records(self, http: httpx.Client, base_url: str) -> httpx.Response:
        """What the product itself calls, by nothing but what the consent has told."""
        base = self.vendor.profile.base_url(self.connection, base_url)
        assert base == self.account["base_url"]
        query = (
            {"organization_id": self.connection.details["organization_id"]}
            if self.vendor is BOOKS
            else {"fields": "Last_Name"}
        )
        headers = dict(self.vendor.profile.credential(self.token))
        return http.get(f"{base}/{'contacts' if self.vendor is BOOKS else 'Contacts'}", params=query, headers=headers)


def connect(world: World, broker: Broker, vendor: Vendor, account: Account) -> Connected:
    """By whoever is at home there; nobody names the data centre, but a user of China, who has a door of their own."""
    dc = account["dc"]
    name = f"{vendor.name}-{dc}"
    add_connection(world.database, name, vendor.name)
    asked = {"connection": name, "vendor": vendor.name, "name": name, "site": dc if dc == "cn" else ""}
    consent = broker.call("POST", "/v1/consents", json=asked).json()
    browser = Browser()
    at_vendor = browser.to_vendor(consent["start_url"])
    user = re.search(rf'value="(\d+)"[^>]*>[^<]*demo@{dc}\.example', browser.get(at_vendor).text)
    assert user is not None
    assert browser.get(browser.decide(at_vendor, user=user.group(1))).status_code == 200
    told = broker.call("GET", f"/v1/consents/{consent['id']}").json()
    if told["state"] == "choose":
        # In Europe the person sees two organisations.
        place = {"place": account["organization_id"]}
        told = broker.call("POST", f"/v1/consents/{consent['id']}/place", json=place).json()
    assert told["state"] == "complete", told
    connection = connection_of(vendor.name, name, **told["details"])
    return Connected(vendor, connection, account, broker.token(name).json()["token"])


@pytest.fixture(scope="module")
def connected(world: World, broker: Broker) -> Mapping[tuple[str, str], Connected]:
    """Both products in all data centres: of these any two make a pair."""
    found = {}
    for vendor in (BOOKS, CRM):
        for account in world.accounts:
            at = (str(vendor.name), account.get("dc", ""))
            if account["vendor"] == vendor.name and at not in found:
                found[at] = connect(world, broker, vendor, account)
    return found


@pytest.fixture(scope="module")
def http() -> httpx.Client:
    return Browser().client


class TestAnyTwoRegions:
    def test_there_are_eight(self) -> None:
        assert len(centres.SITES) == 8

    @pytest.mark.parametrize("crm", centres.SITES)
    @pytest.mark.parametrize("books", centres.SITES)
    def test_each_side_is_called_at_home(
        self, world: World, http: httpx.Client, connected: Mapping[tuple[str, str], Connected], books: str, crm: str
    ) -> None:
        assert world.sandbox is not None
        for at in (("zoho-books", books), ("zoho-crm", crm)):
            one = connected[at]
            assert one.vendor.account(one.connection) == f"{at[0]}:{one.account['organization_id']}"
            answer = one.first_records(http, f"{world.sandbox.base_url}/zoho")
            assert answer.status_code in (200, 204), answer.text
