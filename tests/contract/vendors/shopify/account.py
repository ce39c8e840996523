"""The simulated shop as the suites need it: its customers, worked on as its people do, outside of what our connection may spend."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import Receipt
from tests.contract.vendors.account import InSandbox, door_to
from tests.support.sandbox import SandboxProcess
from vendors import shopify
from vendors.vendor import connection_of

GID = "gid://shopify/Customer/"
HOME = {"firstName": "Ida", "lastName": "Alder", "company": "Alder GmbH", "address1": "Hauptstr. 1", "address2": "Hof", "city": "Bonn",
        "zip": "53111", "countryCode": "DE", "phone": "+49 228 1"}  # fmt: skip
HOOKS = 'mutation($t:WebhookSubscriptionTopic!){webhookSubscriptionCreate(topic:$t,webhookSubscription:{uri:"http://127.0.0.1:9/"}){userErrors{message}}}'
ASKED = "query($id:ID!){customer(id:$id){createdAt updatedAt}}"


@dataclass
class ShopAccount(InSandbox):
    """Its customers; of a shop there is one place."""

    row: Mapping[str, Any]
    place: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def people(self, action: str, **fields: Any) -> dict[str, Any]:
        return dict(self.sandbox.post("shopify/demo/people", {"action": action, **fields}))

    def asked(self, query: str, **variables: Any) -> dict[str, Any]:
        """As the operator."""
        address = f"{self.row['base_url']}/admin/api/2026-04/graphql.json"
        headers = {"x-shopify-access-token": self.row["operator_token"]}
        body = {"query": query, "variables": variables}
        answer = httpx.post(address, json=body, headers=headers, timeout=30, trust_env=False).json()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    def fill(self, entity: Entity, count: int) -> None:
        self.sandbox.post("seed", {"vendor": "shopify", "account": "demo", "size": count, "seed": 7})

    def create(self, entity: Entity) -> RecordId:
        made = self.people("customer", customer={"email": f"customer{next(self._numbers)}@example.test"})
        return RecordId(made["id"].removeprefix(GID))

    def edit(self, entity: Entity, record: RecordId) -> None:
        self.people("customer", customer={"id": GID + record, "lastName": f"Edit {next(self._numbers)}"})

    def remove(self, entity: Entity, record: RecordId) -> None:
        """One with orders cannot be deleted."""
        orders = "query($q:String){orders(first:50,query:$q){nodes{id customer{id}}}}"
        for order in self.asked(orders, q=f"customer_id:{record}")["orders"]["nodes"]:
            if (order["customer"] or {}).get("id") == GID + record:
                self.people("delete_order", id=order["id"])
        self.people("delete_customer", id=GID + record)

    def lag(self, seconds: int) -> None:
        self.sandbox.post("limits", {"vendor": "shopify", "search_lag_s": seconds})

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        wish = {
            "email": "ida@alder.example",
            "firstName": "Ida",
            "lastName": "Alder",
            "phone": "+491701",
            "tags": ["vip"],
            "addresses": [HOME],
        }
        id = self.people("customer", customer=wish)["id"]
        stamps = self.asked(ASKED, id=id)["customer"]
        return RecordId(id.removeprefix(GID)), {
            "id": id.removeprefix(GID), "email": "ida@alder.example", "name": "Ida Alder", "first_name": "Ida", "last_name": "Alder", "company": "Alder GmbH",
            "phone": "+491701", "tags": ["vip"], "created_at": stamps["createdAt"], "updated_at": stamps["updatedAt"],
            "billing": {
                "attention": "Ida Alder", "street": "Hauptstr. 1", "street2": "Hof", "city": "Bonn", "state": None, "zip": "53111", "country": "DE",
                "phone": "+49 228 1",
            },
        }  # fmt: skip

    def receipts(self) -> Sequence[Receipt]:
        """As the vendor has sent them, whoever listens."""
        for topic in ("CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "ORDERS_CREATE", "ORDERS_EDITED"):
            self.asked(HOOKS, t=topic)
        who = self.people("customer", customer={"email": "ida@alder.example", "addresses": [HOME]})["id"]
        self.people("customer", customer={"id": who, "lastName": "Alder"})
        line = {"title": "Tea", "quantity": 1, "priceSet": {"shopMoney": {"amount": "5.00", "currencyCode": "EUR"}}}
        order = self.people("place_order", order={"customerId": who, "lineItems": [line]})
        self.people("edit_order", id=order["id"], order={"lineItems": [line]})
        sent: Any = self.sandbox.get("deliveries")["deliveries"]
        return [receipt(one["topic"], one["body"].encode()) for one in sent]


def receipt(topic: str, body: bytes) -> Receipt:
    return Receipt(
        id=EventId("r"), connection=ConnectionId("c"), vendor=shopify.VENDOR.name, received_at=datetime.now(UTC), method="POST",
        path="/", query="", headers=(("x-shopify-topic", topic),), body=body, verified_by="signature",
    )  # fmt: skip


@asynccontextmanager
async def opened(sandbox: SandboxProcess) -> AsyncIterator[ShopAccount]:
    """By the token of the shop's own application; its bucket is never empty."""
    listed: Any = sandbox.get("accounts")["accounts"]
    row = next(one for one in listed if (one["vendor"], one["name"]) == ("shopify", "demo"))
    sandbox.post("limits", {"vendor": "shopify", "plan": "enterprise"})
    connection = connection_of(shopify.VENDOR.name, "shop", shop=row["shop"])
    async with door_to(shopify.VENDOR, connection, f"{sandbox.base_url}/shopify", row["access_token"]) as api:
        yield ShopAccount(connection, api, sandbox, row)
