"""The demo audience of the simulated Mailchimp, as the suites need it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import Receipt
from tests.contract.sandbox.mailchimp.vendor import Admin, Vendor
from tests.contract.vendors.account import InSandbox, door_to
from tests.support.sandbox import SandboxProcess
from vendors import mailchimp
from vendors.mailchimp.members import member_of
from vendors.vendor import connection_of


@dataclass
class Audience(InSandbox):
    """Its members, worked on as the account's operator."""

    vendor: Vendor
    place: str
    _addresses: dict[RecordId, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def fill(self, entity: Entity, count: int) -> None:
        self.sandbox.post("seed", {"vendor": "mailchimp", "account": "demo", "size": count, "seed": 7})

    def create(self, entity: Entity) -> RecordId:
        email = f"member{next(self._numbers)}@example.test"
        self.vendor.add(email)
        record = member_of(self.place, email).record
        self._addresses[record] = email
        return record

    def edit(self, entity: Entity, record: RecordId) -> None:
        body = {"merge_fields": {"FNAME": f"Edit {next(self._numbers)}"}}
        self.vendor.told("PATCH", self._path(record), body)

    def remove(self, entity: Entity, record: RecordId) -> None:
        self.vendor.gone("POST", f"{self._path(record)}/actions/delete-permanent")

    def _path(self, record: RecordId) -> str:
        return f"/lists/{self.place}/members/{record.rpartition('.')[2]}"

    def lag(self, seconds: int) -> None:
        """Its lists show every change at once."""

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        record = self.create(entity)
        email = self._addresses[record]
        self.vendor.person("unsubscribe", email, audience=self.place)
        found = self.vendor.member(email)
        changed = datetime.fromisoformat(str(found["last_changed"])).astimezone(UTC).isoformat()
        assert found["unsubscribe_reason"]
        return record, {"email": email, "status": "unsubscribed", "reason": found["unsubscribe_reason"], "happened_at": changed}  # fmt: skip

    def document(self, number: int) -> dict[str, Any]:
        return {
            "email": f"Person{number}@Example.test", "merge.FNAME": f"Ida {number}", "merge.LNAME": "Alder",
            "merge.PHONE": "+49 228 1", "merge.ADDRESS": {"street": "Hauptstr. 1", "street2": "", "city": "Bonn", "state": "NW", "zip": "53111", "country": "DE"},
            "tags": ["segment: Gold", "payment: open"], "language": "de",
        }  # fmt: skip

    def changed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document, "merge.FNAME": "Changed", "tags": [*document["tags"], "inactive"]}

    def gone(self) -> Mapping[str, Any]:
        return {"how": "archive"}

    def truth(self, key: str) -> Mapping[str, Any] | None:
        answer = self.vendor.call("GET", self.vendor.member_path(key))
        if answer.status_code == 404 or answer.json()["status"] == "archived":
            return None
        found = answer.json()
        address = found["merge_fields"].get("ADDRESS") or {}
        parts = {
            "addr1": "street",
            "addr2": "street2",
            "city": "city",
            "state": "state",
            "zip": "zip",
            "country": "country",
        }
        return {
            "email": found["email_address"], "language": found["language"], "tags": [tag["name"] for tag in found["tags"]],
            **{f"merge.{tag}": value for tag, value in found["merge_fields"].items() if tag != "ADDRESS"},
            "merge.ADDRESS": {ours: address.get(theirs) for theirs, ours in parts.items()} if address else "",
        }  # fmt: skip

    def spoil(self, key: str) -> None:
        self.vendor.told("PATCH", self.vendor.member_path(key), {"merge_fields": {"LNAME": "Spoiled"}})

    def take_away(self, key: str) -> None:
        self.vendor.gone("POST", f"{self.vendor.member_path(key)}/actions/delete-permanent")

    def refusals(self) -> Sequence[tuple[dict[str, Any], str]]:
        forgotten = "forgotten@example.test"
        self.vendor.add(forgotten)
        self.vendor.gone("POST", f"{self.vendor.member_path(forgotten)}/actions/delete-permanent")
        return [
            ({**self.document(50), "email": "no-address"}, "MC_INVALID"),
            ({**self.document(51), "email": forgotten}, "MC_FORGOTTEN"),
        ]

    def receipts(self) -> Sequence[Receipt]:
        return [receipt(kind, self.place) for kind in ("subscribe", "unsubscribe", "profile", "upemail", "cleaned")]


def receipt(kind: str, audience: str) -> Receipt:
    address = "old@example.test" if kind == "upemail" else "ada@example.test"
    pairs = {"type": kind, "fired_at": "2026-01-01 00:00:00", "data[list_id]": audience, "data[email]": address}
    pairs |= {"data[new_email]": "new@example.test", "data[old_email]": address} if kind == "upemail" else {}
    return Receipt(
        id=EventId("e"), connection=ConnectionId("c"), vendor=mailchimp.NAME, received_at=datetime.now(UTC), method="POST",
        path="/", body=urlencode(pairs).encode(), verified_by="signature",
    )  # fmt: skip


@asynccontextmanager
async def opened(sandbox: SandboxProcess) -> AsyncIterator[Audience]:
    """People work with the operator's key, the product with its own."""
    admin = Admin(sandbox.base_url)
    vendor = Vendor.of(admin)
    vendor.http.auth = httpx.BasicAuth("anything", vendor.operator)
    connection = connection_of(mailchimp.NAME, "chimp", dc="us6", login_id="1")
    try:
        async with door_to(mailchimp.VENDOR, connection, f"{sandbox.base_url}/mailchimp", vendor.key) as api:
            yield Audience(connection, api, sandbox, vendor, vendor.plain)
    finally:
        vendor.http.close()
        admin.close()
