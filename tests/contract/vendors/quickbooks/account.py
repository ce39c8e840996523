"""The simulated company as the suite needs it: let in by a consent as its people give it, worked on outside of what our connection may spend."""

from __future__ import annotations

import base64
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import Receipt
from tests.contract.vendors.account import InSandbox, door_to
from tests.support.sandbox import SandboxProcess
from vendors import quickbooks
from vendors.quickbooks import wire
from vendors.quickbooks.listing import CUSTOMER
from vendors.vendor import HookRequest, connection_of

REDIRECT = "http://127.0.0.1:9/callback"
SCOPE = "com.intuit.quickbooks.accounting"
HOME = {"Line1": "1 Market Road", "Line2": "Back yard", "City": "Salem", "CountrySubDivisionCode": "MA", "PostalCode": "01970",
        "Country": "US"}  # fmt: skip
SHOWN_HOME = {"attention": None, "street": "1 Market Road", "street2": "Back yard", "city": "Salem", "state": "MA", "zip": "01970",
              "country": "US", "phone": None}  # fmt: skip


@dataclass
class CompanyAccount(InSandbox):
    """Its customers; of a company there is one place."""

    row: Mapping[str, Any]
    place: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def people(self, do: str, **wanted: Any) -> dict[str, Any]:
        return dict(self.sandbox.post(f"quickbooks/{self.row['name']}/people", {"do": do, **wanted}))

    def fill(self, entity: Entity, count: int) -> None:
        self.sandbox.post("seed", {"vendor": "quickbooks", "account": self.row["name"], "size": count, "seed": 7})

    def create(self, entity: Entity = CUSTOMER, **values: Any) -> RecordId:
        given = {"DisplayName": f"Customer {next(self._numbers)}"} | values
        return RecordId(self.people("create", entity="Customer", values=given)["Id"])

    def edit(self, entity: Entity, record: RecordId, **values: Any) -> None:
        given = values or {"FamilyName": f"Edit {next(self._numbers)}"}
        self.people("edit", entity="Customer", id=record, values=given)

    def remove(self, entity: Entity, record: RecordId) -> None:
        """Nobody is deleted there: one is merged into another."""
        into = next((one for one in self._ids() if one != record), None) or self.create()
        self.people("merge", **{"from": record, "into": into})

    def _ids(self) -> Sequence[str]:
        headers = {"authorization": f"Bearer {self.row['operator_token']}"}
        query = {"query": "SELECT Id FROM Customer ORDERBY Id DESC MAXRESULTS 2"}
        told = httpx.get(f"{self.row['base_url']}/query", params=query, headers=headers, timeout=60, trust_env=False)
        return [one["Id"] for one in told.json()["QueryResponse"].get("Customer", [])]

    def lag(self, seconds: int) -> None:
        self.switch(list_lag_s=seconds)

    def switch(self, **switches: Any) -> None:
        self.sandbox.post("limits", {"vendor": "quickbooks", **switches})

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        given = {
            "DisplayName": "Alder Works", "GivenName": "Ida", "FamilyName": "Alder", "CompanyName": "Alder Works LLC",
            "PrimaryEmailAddr": {"Address": "Ida@Alder.example, office@alder.example"}, "WebAddr": {"URI": "https://alder.example"},
            "PrimaryPhone": {"FreeFormNumber": "(555) 010-0000"}, "Mobile": {"FreeFormNumber": "(555) 010-0001"},
            "BillAddr": HOME, "ShipAddr": HOME, "CurrencyRef": {"value": "USD"}, "Notes": "pays late",
        }  # fmt: skip
        made = self.people("create", entity="Customer", values=given)
        record, meta = RecordId(made["Id"]), made["MetaData"]
        return record, {
            "id": record, "email": "ida@alder.example", "name": "Alder Works", "first_name": "Ida", "last_name": "Alder",
            "company": "Alder Works LLC", "phone": "(555) 010-0000", "mobile": "(555) 010-0001", "website": "https://alder.example",
            "status": "active", "currency": "USD", "level": 0, "billing": SHOWN_HOME, "shipping": SHOWN_HOME,
            "created_at": utc(meta["CreateTime"]), "updated_at": utc(meta["LastUpdatedTime"]),
        }  # fmt: skip

    def receipts(self) -> Sequence[Receipt]:
        """As the vendor has sent them, whoever listens: each event by itself, as the gateway keeps it."""
        self.people("set_webhook", url="http://127.0.0.1:9/hook", entities=["Customer"])
        changed, loser = self.create(), self.create()
        self.edit(CUSTOMER, changed)
        self.people("merge", **{"from": loser, "into": changed})
        sent: Any = self.sandbox.get("deliveries")["deliveries"]
        self.people("remove_webhook")
        inbox = quickbooks.QuickBooksInbox()
        return [receipt(part.body) for one in sent for part in inbox.split(asked(one["body"].encode()))]


def asked(body: bytes, **headers: str) -> HookRequest:
    return HookRequest("POST", "/", "", headers, body, "https://millrace.example/hooks/quickbooks/app")


def receipt(body: bytes) -> Receipt:
    return Receipt(
        id=EventId("r"), connection=ConnectionId("c"), vendor=quickbooks.NAME, received_at=datetime.now(UTC), method="POST", path="/",
        query="", headers=(), body=body, verified_by="signature",
    )  # fmt: skip


def utc(written: str) -> str:
    return wire.stamp({"MetaData": {"LastUpdatedTime": written}}).strftime("%Y-%m-%dT%H:%M:%SZ")  # type: ignore[union-attr]


def let_in(row: Mapping[str, Any]) -> str:
    """An access token, by consent."""
    form = {"client_id": row["client_id"], "response_type": "code", "scope": SCOPE, "redirect_uri": REDIRECT, "state": "s",
            "decision": "connect", "company": row["realm_id"]}  # fmt: skip
    answer = httpx.post(row["authorize_url"], data=form, timeout=60, trust_env=False)
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    pair = base64.b64encode(f"{row['client_id']}:{row['client_secret']}".encode()).decode()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    answer = httpx.post(
        row["token_url"], data=form, headers={"authorization": f"Basic {pair}"}, timeout=60, trust_env=False
    )
    return str(answer.json()["access_token"])


@asynccontextmanager
async def opened(sandbox: SandboxProcess) -> AsyncIterator[CompanyAccount]:
    """By the token of a consent, which outlives the hours that the suite moves the clock by."""
    listed: Any = sandbox.get("accounts")["accounts"]
    row = next(one for one in listed if (one["vendor"], one["name"]) == ("quickbooks", "demo"))
    roomy = {"access_lives_s": 10**8, "realm_minute": 10**6, "app_second": 10**6, "everything_minute": 10**6}
    sandbox.post("limits", {"vendor": "quickbooks", **roomy})
    connection = connection_of(quickbooks.NAME, "company", realm_id=row["realm_id"])
    async with door_to(quickbooks.VENDOR, connection, f"{sandbox.base_url}/quickbooks", let_in(row)) as api:
        yield CompanyAccount(connection, api, sandbox, row)
