"""The companies inside this process: their API as clients call it, their people, their clock, and who hears webhooks."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from sandbox.app import Sandbox
from sandbox.core import Core

Json = dict[str, Any]
REDIRECT = "http://127.0.0.1:9/callback"
SCOPE = "com.intuit.quickbooks.accounting"


@dataclass
class Books:
    """One company of the sandbox, spoken to with the tokens of a consent, or as its operator."""

    app: Sandbox
    core: Core
    http: httpx.AsyncClient
    row: Json
    token: str = ""
    refresh: str = ""
    client: tuple[str, str] = ("", "")

    @property
    def simulator(self) -> Any:
        return self.app.vendors.named("quickbooks")

    @property
    def state(self) -> Json:
        found: Json = self.simulator.state(self.row["name"])["accounts"][self.row["name"]]
        return found

    @property
    def reads(self) -> int:
        return sum(self.simulator.state(None)["apps"]["demo"]["reads"].values())

    def at(self, account: str) -> Books:
        """Another company, not connected yet."""
        return Books(self.app, self.core, self.http, row_of(self.simulator, account))

    # Consent

    async def page(self, **changed: str) -> httpx.Response:
        return await self.http.get("/quickbooks/connect/oauth2", params=self._asked(changed))

    def _asked(self, changed: Json) -> Json:
        client, _ = self.client if self.client[0] else (self.row["client_id"], "")
        asked = {"client_id": client, "response_type": "code", "scope": SCOPE, "redirect_uri": REDIRECT, "state": "a b"}
        return {name: value for name, value in (asked | changed).items() if value}

    async def consent(self, decision: str = "connect", **changed: str) -> Json:
        """What the browser brings back."""
        form = self._asked(changed) | {"decision": decision, "company": self.row["realm_id"]}
        answer = await self.http.post("/quickbooks/connect/oauth2", data=form)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def ask_token(self, headers: Json | None = None, **form: str) -> httpx.Response:
        id_, secret = self.client if self.client[0] else (self.row["client_id"], self.row["client_secret"])
        basic = base64.b64encode(f"{id_}:{secret}".encode()).decode()
        sent = {"authorization": f"Basic {basic}", "accept": "application/json"} | (headers or {})
        return await self.http.post("/quickbooks/oauth2/v1/tokens/bearer", data=form, headers=sent)

    async def connect(self) -> Json:
        code = (await self.consent())["code"]
        answer = await self.ask_token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT)
        assert answer.status_code == 200, answer.text
        return self._took(answer.json())

    async def renew(self, given: str = "") -> httpx.Response:
        answer = await self.ask_token(grant_type="refresh_token", refresh_token=given or self.refresh)
        if answer.status_code == 200:
            self._took(answer.json())
        return answer

    def _took(self, told: Json) -> Json:
        self.token, self.refresh = told["access_token"], told["refresh_token"]
        return told

    # The API

    async def send(
        self, method: str, path: str, body: object = None, *, kind: str = "application/json", **query: object
    ) -> httpx.Response:
        content = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token or self.row['operator_token']}", "content-type": kind}
        base = self.row["base_url"].replace("{base}", "")
        asked = {name: str(value) for name, value in query.items()}
        return await self.http.request(method, f"{base}{path}", params=asked, content=content, headers=headers)

    async def ok(self, method: str, path: str, body: object = None, **query: Any) -> Json:
        answer = await self.send(method, path, body, **query)
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        assert "Fault" not in told, told
        return told

    async def refused(self, method: str, path: str, body: object = None, **query: Any) -> tuple[int, str]:
        """Status and code."""
        answer = await self.send(method, path, body, **query)
        told = answer.json()
        fault = told.get("Fault") or {"Error": [{"code": told["fault"]["error"][0]["code"]}]}
        return answer.status_code, fault["Error"][0]["code"]

    async def customer(self, name: str = "", **values: Any) -> Json:
        told: Json = (await self.ok("POST", "/customer", ({"DisplayName": name} if name else {}) | values))["Customer"]
        return told

    async def update(self, record: Json, **values: Any) -> Json:
        """A sparse update in the version that is known."""
        body = {"Id": record["Id"], "SyncToken": record["SyncToken"], "sparse": True} | values
        told: Json = (await self.ok("POST", "/customer", body))["Customer"]
        return told

    async def read(self, id_: str, entity: str = "Customer") -> Json:
        told: Json = (await self.ok("GET", f"/{entity.lower()}/{id_}"))[entity]
        return told

    async def query(self, text: str) -> Json:
        told: Json = (await self.ok("GET", "/query", query=text))["QueryResponse"]
        return told

    async def ids(self, text: str) -> list[str]:
        return [row["Id"] for row in (await self.query(text)).get("Customer", [])]

    # The world around it

    def act(self, do: str, **wanted: Any) -> Json:
        found: Json = self.simulator.act(self.row["name"], {"do": do, **wanted})
        return found

    def switch(self, **switches: Any) -> None:
        self.simulator.set_limits(switches)

    def later(self, seconds: float) -> None:
        self.core.clock.advance(seconds)
        self.simulator.due(self.core.clock.now())


def row_of(simulator: Any, account: str) -> Json:
    return next(row for row in simulator.accounts() if row["name"] == account)


@dataclass
class Listener:
    """Hears webhooks; `statuses` are the next answers, 200 when there are none."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def take(self, reader: Any, writer: Any) -> None:
        while head := await _head(reader):
            names = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
            headers = {name.lower(): value for name, value in names.items()}
            body = await reader.readexactly(int(headers["content-length"]))
            self.heard.append((headers, body))
            status = self.statuses.pop(0) if self.statuses else 200
            writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.heard]


async def _head(reader: Any) -> bytes:
    """The head of the next request; nothing at the end."""
    try:
        found: bytes = await reader.readuntil(b"\r\n\r\n")
    except (EOFError, ConnectionError):
        return b""
    return found
