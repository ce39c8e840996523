"""What people do at the vendors, by the operator's tokens: outside every budget, limit and fault."""

from __future__ import annotations

import hashlib
import itertools
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.sandbox import SandboxProcess

Document = dict[str, Any]
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client() -> httpx.Client:
    return httpx.Client(timeout=30, verify=NO_TLS, trust_env=False)


def hash_of(email: str) -> str:
    """How Mailchimp names a member, worked out here."""
    return hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


def account(sandbox: SandboxProcess, vendor: str, name: str = "demo") -> Document:
    listed: Any = sandbox.get("accounts")["accounts"]
    return next(one for one in listed if (one["vendor"], one["name"]) == (vendor, name))


@dataclass
class Books:
    """The organisation in Zoho Books and the people who work in it."""

    account: Document
    http: httpx.Client = field(default_factory=client)
    _numbers: Any = field(default_factory=itertools.count)

    def call(self, method: str, path: str, body: object = None, **query: object) -> httpx.Response:
        asked = {"organization_id": self.account["organization_id"]} | {n: str(v) for n, v in query.items()}
        headers = {"authorization": f"Zoho-oauthtoken {self.account['operator_token']}"}
        return self.http.request(method, self.account["base_url"] + path, params=asked, json=body, headers=headers)

    def told(self, method: str, path: str, body: object = None, **query: object) -> Document:
        answer = self.call(method, path, body, **query)
        assert answer.status_code in (200, 201), answer.text
        told: Document = answer.json()
        return told

    def customer_created(self, email: str, first: str = "Ida", last: str = "Alder", **more: object) -> str:
        """The id of a new customer; the name is one that nobody has."""
        body = {"contact_name": f"{first} {last} {next(self._numbers)}", **_person(email, first, last), **more}
        return str(self.told("POST", "/contacts", body)["contact"]["contact_id"])

    def customer_edited(self, record: str, **fields: object) -> None:
        self.told("PUT", f"/contacts/{record}", fields)

    def person_edited(self, record: str, email: str, first: str = "Ida", last: str = "Alder") -> None:
        """The primary person's names and address: the list of persons is replaced as a whole."""
        self.told("PUT", f"/contacts/{record}", _person(email, first, last))

    def customer_deleted(self, record: str) -> None:
        self.told("DELETE", f"/contacts/{record}")

    def customer_deactivated(self, record: str) -> None:
        self.told("POST", f"/contacts/{record}/inactive")

    def customers(self) -> list[Document]:
        """Every customer with all its fields."""
        rows, page = [], 1
        while True:
            told = self.told("GET", "/contacts", page=page, per_page=200)
            rows += told["contacts"]
            if not told["page_context"]["has_more_page"]:
                return [self.told("GET", f"/contacts/{row['contact_id']}")["contact"] for row in rows]
            page += 1


def _person(email: str, first: str, last: str) -> Document:
    return {"contact_persons": [{"first_name": first, "last_name": last, "email": email, "is_primary_contact": True}]}


@dataclass
class Audience:
    """The audience in Mailchimp, its members and the people who run it."""

    account: Document
    sandbox: SandboxProcess
    left: set[str] = field(default_factory=set)
    """Addresses of those who withdrew and have not come back by themselves."""
    http: httpx.Client = field(default_factory=client)

    @property
    def id(self) -> str:
        return str(self.account["audience_ids"][0])

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.account['operator_token']}"}
        return self.http.request(method, self.account["base_url"] + path, headers=headers, **more)

    def member(self, email: str) -> Document | None:
        answer = self.call("GET", f"/lists/{self.id}/members/{hash_of(email)}")
        return None if answer.status_code == 404 else answer.json()

    def members(self) -> dict[str, Document]:
        """Every member, the archived too, by address."""
        found: dict[str, Document] = {}
        while True:
            page = self.call(
                "GET", f"/lists/{self.id}/members", params={"count": 1000, "offset": len(found)}
            ).json()  # fmt: skip
            found |= {one["email_address"].lower(): one for one in page["members"]}
            if len(found) >= page["total_items"] or not page["members"]:
                return found

    def person(self, action: str, email: str, **more: object) -> None:
        """Somebody does something outside the API: leaves, comes back, bounces."""
        self.sandbox.post("mailchimp/demo/people", {"action": action, "email": email, "audience": self.id, **more})
        if action == "subscribe":
            self.left.discard(email.lower())
        elif action in ("unsubscribe", "cleaned", "abuse"):
            self.left.add(email.lower())


def tags_of(member: Mapping[str, Any]) -> set[str]:
    return {tag["name"] for tag in member["tags"]}
