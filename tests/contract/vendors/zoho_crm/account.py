"""An account of the simulated Zoho CRM, as the suites need it: its people work by the API, as its operator."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId
from common.contracts.messages import Receipt
from tests.contract.sandbox.zoho_crm.crm import Crm, Tokens, account_of
from tests.contract.vendors.account import InSandbox, Recorded, door_to
from tests.support.sandbox import SandboxProcess
from vendors import zoho_crm
from vendors.catalogue import AskedField, MadeFields
from vendors.target import Target
from vendors.vendor import connection_of
from vendors.zoho_crm.grant import SCOPES

MODULES = {
    "customer": "Accounts", "person": "Contacts", "deal": "Deals", "lead": "Leads", "supplier": "Vendors", "item": "Products",
    "quote": "Quotes", "sales_order": "Sales_Orders", "purchase_order": "Purchase_Orders", "sales_invoice": "Invoices",
}  # fmt: skip
TITLES = {
    "customer": "Account_Name", "person": "Last_Name", "deal": "Deal_Name", "lead": "Last_Name", "supplier": "Vendor_Name",
    "item": "Product_Name",
}  # fmt: skip
LINES = {"quote": "Quoted_Items", "sales_order": "Ordered_Items", "purchase_order": "Purchase_Items", "sales_invoice": "Invoiced_Items"}  # fmt: skip
# How many contacts a seed needs for so many records.
SEEDED = {"customer": 3, "person": 1, "deal": 2, "lead": 10}
# Words of the simulator that every record has, and the product does not tell.
SYSTEM = {"id", "Created_By", "Modified_By", "Created_Time", "Modified_Time", "Tag"}

CUSTOMER: Mapping[str, Any] = {
    "Account_Name": "Alder Works", "Account_Number": "A-17", "Account_Site": "North", "Phone": "+91 22 1", "Fax": "+91 22 2", "Website": "https://alder.example",
    "Account_Type": "Customer", "Industry": "Retail", "Employees": 12, "Annual_Revenue": 1250.5, "Description": "Long known", "Currency": "INR", "Exchange_Rate": 1,
    "Billing_Street": "Market Road 1", "Billing_City": "Pune", "Billing_State": "MH", "Billing_Code": "411001", "Billing_Country": "India",
    "Shipping_Street": "Mill Lane 2", "Shipping_City": "Pune", "Shipping_State": "MH", "Shipping_Code": "411002", "Shipping_Country": "India",
}  # fmt: skip
PERSON: Mapping[str, Any] = {
    "First_Name": "Ida", "Last_Name": "Alder", "Email": "ida@alder.example", "Secondary_Email": "i@alder.example", "Phone": "+91 98 1", "Mobile": "+91 98 2",
    "Home_Phone": "+91 98 3", "Other_Phone": "+91 98 4", "Fax": "+91 98 5", "Title": "Buyer", "Department": "Purchase", "Salutation": "Dr.", "Date_of_Birth": "1980-02-03",
    "Lead_Source": "Trade Show", "Mailing_Street": "Market Road 1", "Mailing_City": "Pune", "Mailing_State": "MH", "Mailing_Zip": "411001", "Mailing_Country": "India",
    "Other_Street": "Mill Lane 2", "Other_City": "Pune", "Other_State": "MH", "Other_Zip": "411002", "Other_Country": "India", "Description": "Met in May",
    "Email_Opt_Out": True, "Currency": "INR", "Exchange_Rate": 1,
}  # fmt: skip
_FIRST = {"street": "Market Road 1", "city": "Pune", "state": "MH", "zip": "411001", "country": "India"}
_SECOND = {**_FIRST, "street": "Mill Lane 2", "zip": "411002"}
_NO_MORE = dict.fromkeys(("attention", "street2", "phone"))
ADDRESSES = {"billing": _NO_MORE | _FIRST, "shipping": _NO_MORE | _SECOND}
TOLD: Mapping[str, Mapping[str, Any]] = {
    "customer": {"name": "Alder Works", "company": "Alder Works", "phone": "+91 22 1", "website": "https://alder.example", "currency": "INR", **ADDRESSES},
    "person": {
        "name": "Ida Alder", "salutation": "Dr.", "first_name": "Ida", "last_name": "Alder", "email": "ida@alder.example", "phone": "+91 98 1", "mobile": "+91 98 2",
        "title": "Buyer", "department": "Purchase", "origin": "Trade Show", "currency": "INR", **ADDRESSES,
    },
}  # fmt: skip
# The vendor's names of what stands under names of ours.
NAMED = {
    "customer": {"Account_Name", "Phone", "Website", "Currency"},
    "person": {"Full_Name", "Salutation", "First_Name", "Last_Name", "Email", "Phone", "Mobile", "Title", "Department", "Account_Name", "Lead_Source", "Currency"},
}  # fmt: skip
PREFIXES = {"customer": ("Billing_", "Shipping_"), "person": ("Mailing_", "Other_")}
ADDRESS_PARTS = ("Street", "City", "State", "Code", "Zip", "Country")


@dataclass
class CrmAccount(InSandbox):
    """Worked on as the account's operator."""

    crm: Crm
    name: str = "demo"
    place: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _added: set[str] = field(default_factory=set)

    def people(self, do: str, **more: Any) -> dict[str, Any]:
        """What somebody does in the vendor's own pages."""
        return dict(self.sandbox.post(f"zoho-crm/{self.name}/people", {"do": do, **more}))

    def switch(self, **switches: object) -> None:
        self.sandbox.post("limits", {"vendor": "zoho-crm", "account": self.name, **switches})

    def fill(self, entity: Entity, count: int) -> None:
        self.sandbox.post(
            "seed", {"vendor": "zoho-crm", "account": self.name, "size": count * SEEDED[entity], "seed": 7}
        )

    def create(self, entity: Entity) -> RecordId:
        n = next(self._numbers)
        return RecordId(self.crm.add(MODULES[entity], self._row(entity, n))[0])

    def _row(self, entity: str, n: int) -> dict[str, Any]:
        if entity in LINES:
            product = self.crm.add("Products", {"Product_Name": f"Timber {n}"})[0]
            line = {"Product_Name": {"id": product}, "Quantity": 2, "List_Price": 50}
            return {"Subject": f"Paper {n}", LINES[entity]: [line], "Grand_Total": 100}
        return {TITLES[entity]: f"New {n}", **({"Stage": "Qualification"} if entity == "deal" else {})}

    def edit(self, entity: Entity, record: RecordId) -> None:
        name = "Subject" if entity in LINES else TITLES[entity]
        self.crm.write(MODULES[entity], record, {name: f"Edit {next(self._numbers)}"})

    def remove(self, entity: Entity, record: RecordId) -> None:
        self.crm.reported("DELETE", f"/{MODULES[entity]}/{record}")

    def lag(self, seconds: int) -> None:
        """Lists here do not: only searches do, which the product does not ask."""

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        module = MODULES[entity]
        if entity not in self._added:
            self._added.add(entity)
            self.crm.make_field(module, "Books Id", unique={"case_sensitive": False}, external={"type": "org"})
        values = {"customer": CUSTOMER, "person": PERSON}[entity]
        more, told = self._related(entity)
        own = {"Books_Id": f"B-{next(self._numbers)}"}
        record = self.crm.add(module, {**values, **more, **own})[0]
        found = self.crm.read(module, record)
        times = {"created_at": stamp(found["Created_Time"]), "updated_at": stamp(found["Modified_Time"])}
        custom = {f"custom.{name}": text(value) for name, value in found.items() if self._is_own(entity, name)}
        return RecordId(record), {**TOLD[entity], **told, **times, **custom}

    def _related(self, entity: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if entity == "customer":
            parent = self.crm.add("Accounts", {"Account_Name": f"Alder Group {next(self._numbers)}"})[0]
            return {"Parent_Account": {"id": parent}}, {}
        account = self.crm.add("Accounts", {"Account_Name": "Alder Works"})[0]
        return {"Account_Name": {"id": account}}, {"customer_id": account, "company": "Alder Works"}

    def _is_own(self, entity: str, name: str) -> bool:
        in_address = any(name == prefix + part for prefix in PREFIXES[entity] for part in ADDRESS_PARTS)
        hidden = name in SYSTEM or name.startswith("$") or name.endswith("__s")
        return not hidden and not in_address and name not in NAMED[entity]

    def receipts(self) -> Sequence[Receipt]:
        """As `telling.py` of the simulator writes them; `test_channel.py` has some that it has sent itself."""
        ids = [self.create(Entity("person")), self.create(Entity("person"))]
        return [receipt("Contacts", word, *ids[:many]) for word, many in (("insert", 1), ("update", 2), ("delete", 1))]


@dataclass
class CrmTarget(CrmAccount):
    """The same account, written to; what people do there they do by the API, as its operator."""

    entity: Entity = field(kw_only=True)

    @property
    def target(self) -> Target:
        return zoho_crm.VENDOR.targets[self.entity]

    @property
    def module(self) -> str:
        return MODULES[self.entity]

    async def made(self, *asked: AskedField) -> MadeFields:
        return await self.target.create_fields(self.connection, self.place, asked, self.api)

    def document(self, number: int) -> dict[str, Any]:
        """With every kind of field; one that the account has added among them."""
        custom = {"key": f"B-{number}", "custom.Region": "North"}
        billing = {**_NO_MORE, **_FIRST, "street2": "Second floor"}
        addresses = {"billing": billing, "shipping": ADDRESSES["shipping"]}
        if self.entity == "customer":
            return {
                "name": f"Alder {number}",
                "phone": "+91 22 1",
                "website": "https://alder.example",
                **addresses,
                **custom,
            }
        name = {"first_name": "Ida", "last_name": f"Alder {number}", "email": f"ida{number}@alder.example"}
        more = {
            "phone": "+91 98 1",
            "mobile": "+91 98 2",
            "title": "Buyer",
            "department": "Purchase",
            "salutation": "Dr.",
        }
        return {**name, **more, **addresses, **custom}

    def changed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document, "phone": "+91 22 99"}

    def gone(self) -> Mapping[str, Any]:
        return self.target.gone("delete", {})

    def found(self, key: str) -> dict[str, Any] | None:
        ours = key.removeprefix("key:")
        query = f"select id from {self.module} where Books_Id = '{ours}'"
        answer = self.crm.send("POST", "/coql", {"select_query": query})
        return self.crm.read(self.module, answer.json()["data"][0]["id"]) if answer.status_code == 200 else None

    def truth(self, key: str) -> Mapping[str, Any] | None:
        row = self.found(key)
        if row is None:
            return None
        names = {"key": "Books_Id", "custom.Region": "Region", "phone": "Phone", **_OURS[self.entity]}
        first, second = PREFIXES[self.entity]
        code = "Code" if self.entity == "customer" else "Zip"
        return {
            **{ours: row[theirs] for ours, theirs in names.items()},
            **{name: _address(row, prefix, code) for name, prefix in (("billing", first), ("shipping", second))},
        }  # fmt: skip

    def edited(self, key: str, **values: Any) -> str:
        """Somebody edits it in the vendor's pages."""
        found = self.found(key)
        assert found is not None, key
        self.crm.write(self.module, found["id"], values)
        return str(found["id"])

    def spoil(self, key: str) -> None:
        self.edited(key, Phone="+91 22 55")

    def take_away(self, key: str) -> None:
        found = self.found(key)
        assert found is not None, key
        self.people("delete", module=self.module, id=found["id"], permanent=True)

    def refusals(self) -> Sequence[tuple[dict[str, Any], str]]:
        if self.entity == "customer":
            return [({**self.document(50), "name": None}, "ZC_INVALID_VALUE")]
        return [({**self.document(50), "email": "ida at alder"}, "ZC_INVALID_VALUE")]


_OURS = {
    "customer": {"name": "Account_Name", "website": "Website"},
    "person": {
        "first_name": "First_Name", "last_name": "Last_Name", "email": "Email", "mobile": "Mobile", "title": "Title",
        "department": "Department", "salutation": "Salutation",
    },
}  # fmt: skip


def _address(row: Mapping[str, Any], prefix: str, code: str) -> dict[str, Any]:
    first, _, second = (row[f"{prefix}Street"] or "").partition("\n")
    rest = {"city": "City", "state": "State", "zip": code, "country": "Country"}
    told = {"street": first or None, "street2": second or None}
    return _NO_MORE | told | {ours: row[f"{prefix}{theirs}"] for ours, theirs in rest.items()}


def receipt(module: str, operation: str, *ids: str, token: str = "echo") -> Receipt:
    told = {
        "server_time": 1772359201000, "query_params": {}, "module": module, "resource_uri": f"https://www.zohoapis.in/crm/v2/{module}",
        "ids": list(ids), "affected_fields": [], "operation": operation, "channel_id": "77000001", "token": token,
    }  # fmt: skip
    return Receipt(
        id=EventId("r"), connection=ConnectionId("c"), vendor=zoho_crm.NAME, received_at=datetime.now(UTC), method="POST",
        path="/", query="", headers=(("content-type", "application/json;charset=UTF-8"),), body=json.dumps(told).encode(),
        verified_by="path-secret",
    )  # fmt: skip


def stamp(written: str) -> str:
    return datetime.fromisoformat(written).astimezone(UTC).isoformat().replace("+00:00", "Z")


def text(value: Any) -> str | None:
    """What a value is as text, whatever its type."""
    match value:
        case None | "" | []:
            return None
        case bool():
            return "true" if value else "false"
        case {"email": email}:
            return str(email)
        case {"id": id}:
            return str(id)
        case list():
            return ";".join(value)
    return str(value)


@asynccontextmanager
async def written(sandbox: SandboxProcess, entity: str, name: str = "demo") -> AsyncIterator[CrmTarget]:
    """With our own field, as applying a sync makes it, and with one that the account has added."""
    async with opened(sandbox, name) as account:
        found = CrmTarget(
            account.connection, account.api, sandbox, account.crm, name, account.connection.details["org_id"],
            entity=Entity(entity),
        )  # fmt: skip
        made = await found.made(AskedField("key", "text"))
        assert not made.refused
        found.crm.make_field(found.module, "Region")
        yield found


@asynccontextmanager
async def reading_only(account: CrmAccount) -> AsyncIterator[Recorded]:
    """The door with a token that was consented to before anything was written."""
    dc, scopes = account.connection.details["dc"], [scope for scope in SCOPES if scope.endswith(".READ")]
    token = Tokens().of(account.sandbox, dc, "demo", ",".join(scopes))
    async with door_to(zoho_crm.VENDOR, account.connection, f"{account.sandbox.base_url}/zoho", token) as api:
        yield api


@asynccontextmanager
async def opened(
    sandbox: SandboxProcess, name: str = "demo", *, by_operator: bool = False
) -> AsyncIterator[CrmAccount]:
    """The product comes with a token of its own, or with the operator's, which outlives a clock that is moved by days."""
    row = account_of(sandbox, name)
    token = row["operator_token"] if by_operator else Tokens().of(sandbox, row["dc"], "demo", ",".join(SCOPES))
    crm = Crm(row["base_url"], row["operator_token"])
    org = crm.reported("GET", "/org")["org"][0]["zgid"]
    connection = connection_of(zoho_crm.NAME, "crm", dc=row["dc"], org_id=org)
    try:
        async with door_to(zoho_crm.VENDOR, connection, f"{sandbox.base_url}/zoho", token) as api:
            yield CrmAccount(connection, api, sandbox, crm, name)
    finally:
        crm.http.close()
