"""A Books session as any HTTP client has it, and somebody who hears its webhooks."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import httpx

from tests.contract.sandbox.zoho_accounts.flow import Browser
from tests.support.sandbox import SandboxProcess

WRITTEN = ("contacts", "invoices", "customerpayments", "creditnotes", "settings")
READ = ("bills", "purchaseorders", "vendorpayments", "expenses", "accountants")
SCOPE = ",".join([*(f"ZohoBooks.{module}.ALL" for module in WRITTEN), *(f"ZohoBooks.{module}.READ" for module in READ)])
Document = dict[str, Any]
NO_TLS = ssl.SSLContext(
    ssl.PROTOCOL_TLS_CLIENT
)  # loopback only: reading the system's authorities costs 40 ms a session


@dataclass
class Books:
    """One organisation, spoken to with an access token or as its operator."""

    base_url: str
    organization_id: str
    token: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, verify=NO_TLS, trust_env=False))
    answers: list[tuple[str, str, int, Document]] = field(default_factory=list)

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, **query: object
    ) -> httpx.Response:
        asked = {"organization_id": self.organization_id} | {name: str(value) for name, value in query.items()}
        answer = self.http.request(
            method,
            # Not `params`: they would take the place of what the path asks.
            httpx.URL(f"{self.base_url}{path}").copy_merge_params(asked),
            json=body,
            headers={"authorization": f"Zoho-oauthtoken {self.token}", **(headers or {})},
        )
        assert answer.headers["content-type"] == "application/json;charset=UTF-8"
        self.answers.append((method, path, answer.status_code, answer.json()))
        return answer

    def told(self, method: str, path: str, body: object = None, expect: int = 200, **query: object) -> Document:
        """The answer of a call that succeeds."""
        answer = self.send(method, path, body, **query)
        assert answer.status_code == expect, answer.text
        document = answer.json()
        assert document["code"] == 0
        return dict(document)

    def refused(self, method: str, path: str, body: object = None, **query: object) -> tuple[int, int, str]:
        """HTTP status, code and words of a call that does not succeed."""
        answer = self.send(method, path, body, **query)
        return answer.status_code, answer.json()["code"], answer.json()["message"]

    # A small vocabulary

    def contact(self, name: str, email: str = "", **more: object) -> Document:
        persons = [{"first_name": "Ida", "last_name": "Alder", "email": email, "is_primary_contact": True}]
        body = {"contact_name": name, **({"contact_persons": persons} if email else {}), **more}
        return dict(self.told("POST", "/contacts", body, 201)["contact"])

    def invoice(self, customer_id: str, *lines: Document, **more: object) -> Document:
        body = {"customer_id": customer_id, "line_items": list(lines) or [{"name": "Work", "rate": 100}], **more}
        return dict(self.told("POST", "/invoices", body, 201)["invoice"])

    def sent_invoice(self, customer_id: str, *lines: Document, **more: object) -> Document:
        invoice = self.invoice(customer_id, *lines, **more)
        self.told("POST", f"/invoices/{invoice['invoice_id']}/status/sent")
        return dict(self.told("GET", f"/invoices/{invoice['invoice_id']}")["invoice"])

    def payment(self, customer_id: str, amount: object, **applied: object) -> Document:
        """A payment; `applied` maps invoice ids (`i` and the id) to amounts."""
        parts = [{"invoice_id": name[1:], "amount_applied": part} for name, part in applied.items()]
        body = {
            "customer_id": customer_id,
            "payment_mode": "cash",
            "amount": amount,
            "date": "2026-06-01",
            "invoices": parts,
        }
        return dict(self.told("POST", "/customerpayments", body, 201)["payment"])

    def read(self, kind: str, id_: str) -> Document:
        key = {"contacts": "contact", "invoices": "invoice", "customerpayments": "payment", "items": "item"}[kind]
        return dict(self.told("GET", f"/{kind}/{id_}")[key])


def account_of(sandbox: SandboxProcess, name: str) -> Document:
    accounts = sandbox.get("accounts")["accounts"]
    assert isinstance(accounts, list)
    return next(row for row in accounts if row["vendor"] == "zoho-books" and row["name"] == name)


class Tokens:
    """Access tokens by user and data centre, each consented to once: the accounts servers allow ten in ten minutes."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], str] = {}

    def of(self, sandbox: SandboxProcess, dc: str, who: str = "demo", scope: str = SCOPE) -> str:
        key = (dc, who, scope)
        if key not in self._known:
            browser = Browser(sandbox.base_url)
            code = browser.consent(dc, who, scope=scope)["code"]
            self._known[key] = str(browser.exchange(dc, code).json()["access_token"])
        return self._known[key]


@dataclass
class Heard:
    """One request that a webhook made."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Takes webhooks on a free port; `status_for(n)` is the answer to the n-th."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.statuses: list[int] = []
        hears = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status = hears.statuses.pop(0) if hears.statuses else 200
                hears.heard.append(Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            do_PUT = do_POST
            do_DELETE = do_POST

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
