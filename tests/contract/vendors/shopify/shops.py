"""The simulated shop as our door shows it, inside this process: the same calls, the same failures, no socket."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from common.contracts.ids import ConnectionId, EventId
from common.contracts.messages import Receipt
from common.failures import Transient
from common.http.call import Call, VendorAnswer
from tests.contract.sandbox.shopify.shop import Heard, Shop
from vendors import shopify
from vendors.vendor import HookRequest, connection_of

VENDOR = shopify.VENDOR
BASE = "http://sandbox.test/shopify"
CONNECTION = connection_of(VENDOR.name, "c-1", shop="demo.myshopify.com")


@dataclass
class ShopApi:
    """`Api` over the simulator; remembers what each question asked for."""

    shop: Shop
    token: str
    calls: list[Call] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)

    async def call(self, call: Call) -> VendorAnswer:
        self.calls.append(call)
        address = VENDOR.profile.base_url(CONNECTION, BASE) + call.template
        headers = VENDOR.profile.credential(self.token)
        answer = await self.shop.http.request(call.method, address, json=call.json, headers=headers)
        now = self.shop.core.clock.now()
        failure = VENDOR.profile.translate(answer.status_code, answer.headers, answer.content, now)
        if failure is not None:
            raise failure
        self.costs.append(orjson.loads(answer.content)["extensions"]["cost"]["requestedQueryCost"])
        date = parsedate_to_datetime(answer.headers["date"])
        return VendorAnswer(200, dict(answer.headers), answer.content, date, "", time.monotonic())

    async def lines(self, call: Call) -> AsyncIterator[bytes]:
        """In pieces that end anywhere."""
        self.calls.append(call)
        async with self.shop.http.stream("GET", call.file) as answer:
            if answer.status_code != 200:
                raise Transient("VENDOR_FILE_UNAVAILABLE", "It is not there.")
            async for line in answer.aiter_lines():
                yield line.encode()


def receipt(shop: Shop, heard: Heard) -> Receipt:
    """As the gateway would keep it."""
    kept = tuple((name, heard.headers[name]) for name in VENDOR.inbox.keeps_headers if name in heard.headers)  # type: ignore[union-attr]
    at = shop.core.clock.now() + timedelta(seconds=1)
    return Receipt(
        id=EventId("e-1"), connection=ConnectionId("c-1"), vendor=VENDOR.name, received_at=at, method="POST", path="/hooks/shopify/c-1",
        headers=kept, body=heard.body, verified_by="signature",
    )  # fmt: skip


def request(heard: Heard, **changed: Any) -> HookRequest:
    headers = {**heard.headers, **changed.get("headers", {})}
    return HookRequest(
        "POST", "/hooks/shopify/c-1", "", headers, changed.get("body", heard.body), "https://hooks.example/"
    )
