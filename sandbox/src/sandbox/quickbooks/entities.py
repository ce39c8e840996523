"""The entities of the API: which fields each has, of what kind, how long, and what a query may ask by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field that can be written."""

    kind: str = "text"  # text, name, flag, ref, email, phone, web, address, day, money, attached
    longest: int = 4_000
    only_on_create: bool = False
    choices: tuple[str, ...] = ()


PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
PHONE = Field("phone", 30)
NAMES: Mapping[str, Field] = {
    "Title": Field("name", 16), "GivenName": Field("name", 100), "MiddleName": Field("name", 100),
    "FamilyName": Field("name", 100), "Suffix": Field("name", 16), "DisplayName": Field("name", 500),
    "CompanyName": Field("text", 100), "PrintOnCheckName": Field("name", 110), "Active": Field("flag"),
    "PrimaryPhone": PHONE, "AlternatePhone": PHONE, "Mobile": PHONE, "Fax": PHONE,
    "PrimaryEmailAddr": Field("email", 100), "WebAddr": Field("web", 1_000),
}  # fmt: skip
CUSTOMER: Mapping[str, Field] = {
    **NAMES, "Notes": Field("text", 2_000), "Taxable": Field("flag"), "BillAddr": Field("address"),
    "ShipAddr": Field("address"), "Job": Field("flag"), "BillWithParent": Field("flag"), "ParentRef": Field("ref"),
    "CustomerTypeRef": Field("ref"), "SalesTermRef": Field("ref"), "PaymentMethodRef": Field("ref"),
    "DefaultTaxCodeRef": Field("ref"), "CurrencyRef": Field("ref"), "ARAccountRef": Field("ref"),
    "PreferredDeliveryMethod": Field("text", 30, choices=("Print", "Email", "None")), "ResaleNum": Field("text", 16),
    "PrimaryTaxIdentifier": Field("text", 20), "SecondaryTaxIdentifier": Field("text", 20),
    "Balance": Field("money", only_on_create=True), "OpenBalanceDate": Field("day", only_on_create=True),
}  # fmt: skip
# Kept and shown, and nothing is done with them here.
VENDOR: Mapping[str, Field] = {
    **NAMES, "BillAddr": Field("address"), "AcctNum": Field("text", 100), "TaxIdentifier": Field("text", 20),
    "Vendor1099": Field("flag"), "TermRef": Field("ref"), "CurrencyRef": Field("ref"), "BillRate": Field("money"),
    "TaxReportingBasis": Field("text", 30), "Balance": Field("money", only_on_create=True),
}  # fmt: skip
EMPLOYEE: Mapping[str, Field] = {
    **NAMES, "PrimaryAddr": Field("address"), "EmployeeNumber": Field("text", 100), "Organization": Field("flag"),
    "BillableTime": Field("flag"), "BillRate": Field("money"), "CostRate": Field("money"), "HiredDate": Field("day"),
    "ReleasedDate": Field("day"), "BirthDate": Field("day"),
}  # fmt: skip
ATTACHABLE: Mapping[str, Field] = {
    "Note": Field("text", 2_000),
    "AttachableRef": Field("attached"),
    "Tag": Field("text", 2_000),
}

# What answers carry and a request may send back: passed over in silence.
READ_ONLY = frozenset({
    "Id", "SyncToken", "MetaData", "domain", "sparse", "status", "FullyQualifiedName", "Level", "BalanceWithJobs", "IsProject",
    "RootCustomerRef", "V4IDPseudonym", "ClientEntityId", "time",
})  # fmt: skip
WRITABLE: Mapping[str, Mapping[str, Field]] = {
    "Customer": CUSTOMER, "Vendor": VENDOR, "Employee": EMPLOYEE, "Attachable": ATTACHABLE
}  # fmt: skip
ENTITIES = ("Customer", "Vendor", "Employee", "Invoice", "Payment", "Attachable", "CompanyInfo")
NAMED = ("Customer", "Vendor", "Employee")  # no two of them have one name
PAPERS = ("Invoice", "Payment")
TOLD = (*NAMED, *PAPERS)  # what webhooks tell of; notes are not among them
BY_PATH = {entity.lower(): entity for entity in ENTITIES}

OF_ALL = ("Id", "MetaData.CreateTime", "MetaData.LastUpdatedTime")
OF_NAMES = (
    "DisplayName",
    "GivenName",
    "MiddleName",
    "FamilyName",
    "CompanyName",
    "PrintOnCheckName",
    "PrimaryEmailAddr",
    "Active",
)
OF_PAPERS = ("DocNumber", "TxnDate", "CustomerRef", "TotalAmt")
FILTERABLE: Mapping[str, tuple[str, ...]] = {
    "Customer": (*OF_ALL, *OF_NAMES, "FullyQualifiedName", "Balance", "Job", "ParentRef"),
    "Vendor": (*OF_ALL, *OF_NAMES),
    "Employee": (*OF_ALL, *OF_NAMES),
    "Invoice": (*OF_ALL, *OF_PAPERS, "DueDate", "Balance"),
    "Payment": (*OF_ALL, *OF_PAPERS, "UnappliedAmt"),
    "Attachable": (*OF_ALL, "AttachableRef.EntityRef.Type", "AttachableRef.EntityRef.Value"),
    "CompanyInfo": OF_ALL,
}  # fmt: skip
