"""A CRM session as any HTTP client has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.contract.sandbox.zoho_accounts.flow import Browser
from tests.contract.sandbox.zoho_books.books import NO_TLS
from tests.support.sandbox import SandboxProcess

SCOPE = "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.org.READ,ZohoCRM.users.READ,ZohoCRM.coql.READ,ZohoCRM.bulk.ALL,ZohoCRM.notifications.ALL"
VENDOR = "zoho-crm"
Document = dict[str, Any]


@dataclass
class Crm:
    """One account, spoken to with an access token or as its operator."""

    base_url: str
    token: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, verify=NO_TLS, trust_env=False))

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, **query: object
    ) -> httpx.Response:
        asked = {name: str(value) for name, value in query.items()}
        authorised = {"authorization": f"Zoho-oauthtoken {self.token}", **(headers or {})}
        answer = self.http.request(method, f"{self.base_url}{path}", params=asked, json=body, headers=authorised)
        if answer.status_code in (204, 304):
            assert answer.content == b""
        return answer

    def reported(self, method: str, path: str, body: object = None, expect: int = 200, **query: object) -> Document:
        """The document of a call that ends with this status."""
        answer = self.send(method, path, body, **query)
        assert answer.status_code == expect, answer.text
        return dict(answer.json())

    def refused(self, method: str, path: str, body: object = None, **query: object) -> tuple[int, str, Document]:
        """Status, code and details of a request that is refused as a whole."""
        answer = self.send(method, path, body, **query)
        document = answer.json()
        assert document["status"] == "error"
        assert "data" not in document
        return answer.status_code, document["code"], document["details"]

    # A small vocabulary

    def add(self, module: str, *rows: Document) -> list[str]:
        """Ids of records that are made."""
        data = self.reported("POST", f"/{module}", {"data": list(rows)}, 201)["data"]
        return [row["details"]["id"] for row in data]

    def contact(self, last: str = "Alder", **values: object) -> str:
        return self.add("Contacts", {"Last_Name": last, **values})[0]

    def read(self, module: str, id_: str) -> Document:
        return dict(self.reported("GET", f"/{module}/{id_}")["data"][0])

    def write(
        self, module: str, id_: str, values: Document, expect: int = 200, headers: Mapping[str, str] | None = None
    ) -> Document:
        """The one row of the answer to a change by id."""
        answer = self.send("PUT", f"/{module}/{id_}", {"data": [values]}, headers)
        assert answer.status_code == expect, answer.text
        return dict(answer.json()["data"][0])

    def make_field(self, module: str, label: str, **marks: object) -> str:
        """A custom field's api name."""
        row = {"field_label": label, "data_type": "text", **marks}
        self.reported("POST", "/settings/fields", {"fields": [row]}, 201, module=module)
        return label.replace(" ", "_")


def account_of(sandbox: SandboxProcess, name: str) -> Document:
    accounts = sandbox.get("accounts")["accounts"]
    assert isinstance(accounts, list)
    return next(row for row in accounts if row["vendor"] == VENDOR and row["name"] == name)


class Tokens:
    """Access tokens by user, data centre and scope, each consented to once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], str] = {}

    def of(self, sandbox: SandboxProcess, dc: str, who: str, scope: str) -> str:
        key = (dc, who, scope)
        if key not in self._known:
            browser = Browser(sandbox.base_url)
            code = browser.consent(dc, who, scope=scope)["code"]
            self._known[key] = str(browser.exchange(dc, code).json()["access_token"])
        return self._known[key]
