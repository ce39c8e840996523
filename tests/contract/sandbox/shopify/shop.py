"""The demo shop inside this process: its API as clients call it, its people, its clock, and who hears its webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from sandbox.app import Sandbox
from sandbox.core import Core
from sandbox.simulator import Applied

Json = dict[str, Any]
API = "/shopify/demo/admin/api/2026-04/graphql.json"
REDIRECT = "http://127.0.0.1:9/callback"


def amount(text: str, currency: str = "EUR") -> Json:
    return {"shopMoney": {"amount": text, "currencyCode": currency}}


def order_input(*lines: tuple[str, int], **more: Any) -> Json:
    rows = [{"title": "Tea", "sku": "T", "quantity": many, "priceSet": amount(price)} for price, many in lines]
    return {"lineItems": rows or [{"title": "Tea", "quantity": 1, "priceSet": amount("10.00")}], **more}


@dataclass
class Shop:
    """The sandbox's demo shop."""

    app: Sandbox
    core: Core
    http: httpx.AsyncClient
    row: Json

    @property
    def simulator(self) -> Any:
        return self.app.vendors.named("shopify")

    @property
    def state(self) -> Json:
        found: Json = self.simulator.state("demo")["accounts"]["demo"]
        return found

    # The API

    async def post(self, query: str, variables: Json | None = None, token: str = "", path: str = API) -> httpx.Response:
        headers = {"x-shopify-access-token": token or self.row["access_token"]}
        return await self.http.post(path, json={"query": query, "variables": variables}, headers=headers)

    async def ask(self, query: str, token: str = "", **variables: Any) -> Json:
        answer = await self.post(query, variables, token)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def data(self, query: str, **variables: Any) -> Json:
        found = await self.ask(query, **variables)
        assert "errors" not in found, found
        told: Json = found["data"]
        return told

    async def order(self, *lines: tuple[str, int], **more: Any) -> Json:
        query = "mutation($o:OrderCreateOrderInput!){orderCreate(order:$o){order{id name updatedAt} userErrors{field message}}}"
        made = (await self.data(query, o=order_input(*lines, **more)))["orderCreate"]
        assert made["userErrors"] == [], made
        found: Json = made["order"]
        return found

    async def subscribe(self, uri: str, topic: str = "ORDERS_CREATE", **more: Any) -> Json:
        query = (
            "mutation($t:WebhookSubscriptionTopic!,$w:WebhookSubscriptionInput!){webhookSubscriptionCreate(topic:$t,"
            "webhookSubscription:$w){webhookSubscription{id uri topic name apiVersion{handle}} userErrors{field message}}}"
        )
        found: Json = (await self.data(query, t=topic, w={"uri": uri, **more}))["webhookSubscriptionCreate"]
        return found

    # Consent

    async def consent(self, scope: str = "read_orders,read_customers", state: str = "abc") -> Json:
        """What the browser brings back."""
        asked = {"client_id": self.row["client_id"], "scope": scope, "redirect_uri": REDIRECT, "state": state}
        answer = await self.http.post("/shopify/demo/admin/oauth/authorize", data=asked | {"decision": "install"})
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def token(self, **fields: str) -> httpx.Response:
        client = {"client_id": self.row["client_id"], "client_secret": self.row["client_secret"]}
        return await self.http.post("/shopify/demo/admin/oauth/access_token", data=client | fields)

    async def granted(self, scope: str = "read_orders,read_customers", expiring: str = "1") -> Json:
        answer = await self.token(code=(await self.consent(scope))["code"], expiring=expiring)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    # The world around it

    def act(self, action: str, **fields: Any) -> Json:
        found: Json = self.simulator.act("demo", {"action": action, **fields})
        return found

    def place(self, *lines: tuple[str, int], **more: Any) -> Json:
        """An order from the checkout, and its body."""
        told = self.act("place_order", order=order_input(*lines, **more))
        found: Json = self.state["orders"][told["id"].rpartition("/")[2]]
        return found

    def switch(self, **switches: Any) -> None:
        self.simulator.set_limits(switches)

    def later(self, seconds: float) -> None:
        self.core.clock.advance(seconds)
        self.simulator.due(self.core.clock.now())

    @property
    def applied(self) -> list[Applied]:
        return [one for call in reversed(self.app.log.last(1)) for one in call.applied]


@dataclass
class Heard:
    """One webhook as it came."""

    headers: dict[str, str]
    body: bytes

    def signed_with(self, secret: str) -> bool:
        """Computed here, and not by the simulator."""
        digest = hmac.new(secret.encode(), self.body, hashlib.sha256).digest()
        return self.headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()


@dataclass
class Listener:
    """Somebody who is told; answers with `status`."""

    url: str = ""
    status: int = 200
    heard: list[Heard] = field(default_factory=list)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:]
                pairs = [line.partition(": ") for line in lines if ": " in line]
                exact = {name.lower(): value for name, _, value in pairs}
                self.heard.append(Heard(exact, await reader.readexactly(int(exact["content-length"]))))
                writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def until(self, many: int, within_s: float = 30.0) -> list[Heard]:
        async with asyncio.timeout(within_s):
            while len(self.heard) < many:  # noqa: ASYNC110 - the condition is what was heard
                await asyncio.sleep(0.01)
        return self.heard
