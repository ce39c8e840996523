"""The accounts inside this process: their API as clients call it, their people, their clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from sandbox.app import Sandbox
from sandbox.core import Core
from sandbox.simulator import Answer, Request, Ticket

Json = dict[str, Any]
VENDOR = "zoho-campaigns"
SCOPE = "ZohoCampaigns.contact.ALL"
SUBSCRIBE, UNSUBSCRIBE, SILENCE = "json/listsubscribe", "json/listunsubscribe", "json/contactdonotmail"


def row_of(app: Sandbox, account: str) -> Json:
    rows: Any = app.vendors.named(VENDOR).accounts()
    return next(row for row in rows if row["name"] == account)


@dataclass
class Campaigns:
    """One account, spoken to with a user's token or, without one, as its operator."""

    app: Sandbox
    core: Core
    http: httpx.AsyncClient
    row: Json
    token: str = ""

    @property
    def simulator(self) -> Any:
        return self.app.vendors.named(VENDOR)

    @property
    def state(self) -> Json:
        found: Json = self.simulator.state(self.row["name"])["accounts"][self.row["name"]]
        return found

    def at(self, account: str) -> Campaigns:
        """Another account, by its operator."""
        return replace(self, row=row_of(self.app, account), token="")

    def connected(self, scope: str = SCOPE, who: str = "demo") -> Campaigns:
        """The same account with the token of a consent."""
        zoho, dc = self.core.zoho, self.row["dc"]
        user = next(one for one in zoho.users if one.email == f"{who}@{dc}.example")
        now = self.core.clock.now().timestamp()
        grant = zoho.grant(dc, user.zuid, zoho.client("demo").id, tuple(scope.split(",")), now, offline=False)
        return replace(self, token=zoho.token_of(grant, now).token)

    # The API

    async def send(self, verb: str, method: str, body: Json | None = None, **query: object) -> httpx.Response:
        """As any client; `body` is a form."""
        headers = {"authorization": f"Zoho-oauthtoken {self.token or self.row['operator_token']}"}
        base = self.row["base_url"].replace("{base}", "")
        asked = {name: str(value) for name, value in query.items()}
        return await self.http.request(verb, f"{base}/{method}", params=asked, data=body, headers=headers)

    async def told(self, verb: str, method: str, **query: object) -> Json:
        """The document of a JSON answer with HTTP 200, whatever it says."""
        form = {"type": "json"} if method in ("contact/allfields", "custom/add") else {"resfmt": "JSON"}
        answer = await self.send(verb, method, **(form | query))
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        inner: Json = found.get("response", found)
        return inner

    async def ok(self, verb: str, method: str, **query: object) -> Json:
        found = await self.told(verb, method, **query)
        assert code_of(found) in ("0", "200"), found
        return found

    async def refused(self, verb: str, method: str, **query: object) -> str:
        """The code of a refusal, which has HTTP 200."""
        code = code_of(await self.told(verb, method, **query))
        assert code not in ("0", "200")
        return code

    # A small vocabulary

    def key(self, name: str = "Customers") -> str:
        return str(self.row["lists"][name])

    @staticmethod
    def contact(email: str, **values: str) -> str:
        return json.dumps({"Contact Email": email, **values})

    async def subscribe(self, email: str, name: str = "Customers", topic: str = "", **values: str) -> str:
        """The message of a success."""
        more = {"topic_id": topic} if topic else {}
        found = await self.ok(
            "POST", SUBSCRIBE, listkey=self.key(name), contactinfo=self.contact(email, **values), **more
        )
        return str(found["message"])

    async def not_subscribed(self, email: str, name: str = "Customers", topic: str = "", **values: str) -> str:
        """The code of a refusal."""
        more = {"topic_id": topic} if topic else {}
        return await self.refused(
            "POST", SUBSCRIBE, listkey=self.key(name), contactinfo=self.contact(email, **values), **more
        )

    async def listed(self, status: str = "active", name: str = "Customers", **query: object) -> list[str]:
        """Addresses; none when the vendor finds nobody."""
        found = await self.told("GET", "getlistsubscribers", listkey=self.key(name), status=status, **query)
        return [row["contact_email"] for row in found.get("list_of_details", [])]

    def stored(self, email: str) -> Json:
        found: Json = self.state["contacts"][email]
        return found

    def status(self, email: str, name: str = "Customers") -> str:
        return str(self.state["lists"][name]["members"][email]["status"])

    # The world around it

    def act(self, do: str, **wanted: Any) -> Json:
        found: Json = self.simulator.act(self.row["name"], {"do": do, **wanted})
        return found

    def switch(self, **switches: Any) -> Json:
        found: Json = self.simulator.set_limits({"account": self.row["name"], **switches})
        return found

    def later(self, seconds: float) -> None:
        self.core.clock.advance(seconds)

    def calls(self) -> list[Json]:
        rows: Any = self.app.log.since(0)[0]
        return list(rows)

    # At exact moments, so that a slow machine counts as a fast one does

    def request(self, verb: str, method: str, at: float, query: Json) -> Request:
        prefix = f"/zoho/{self.row['dc']}/campaigns/api/v1.1"
        headers = {"authorization": f"Zoho-oauthtoken {self.token}"}
        return Request(
            verb, prefix, f"/{method}", tuple(method.split("/")), f"{prefix}/{method}", list(query.items()),
            urlencode(query).encode(), headers, b"", "http://x", operator=False, now=datetime.fromtimestamp(at, UTC), mono_ns=0, id="r",
        )  # fmt: skip

    def admitted(self, verb: str, method: str, at: float, **query: str) -> bool:
        return not isinstance(self.admit(verb, method, at, **query), Answer)

    def admit(self, verb: str, method: str, at: float, **query: str) -> Answer | Ticket:
        found: Answer | Ticket = self.simulator.admit(self.request(verb, method, at, {"resfmt": "JSON"} | query))
        return found


def code_of(told: Json) -> str:
    """The code, whatever its key is called."""
    code = told.get("code", told.get("Code"))
    assert isinstance(code, str), told
    return code
