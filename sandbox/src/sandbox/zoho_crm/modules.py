"""The modules every account begins with, and their fields (CR-07); which of them an edition has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.zoho_crm.field import Field
from sandbox.zoho_crm.refusals import Document

INVENTORY = ("Vendors", "Products", "Quotes", "Sales_Orders", "Purchase_Orders", "Invoices")
# Which field the vendor itself looks for duplicates by.
SYSTEM_DUPLICATE = {
    "Leads": "Email", "Contacts": "Email", "Accounts": "Account_Name", "Deals": "Deal_Name", "Vendors": "Vendor_Name",
    "Products": "Product_Name", "Quotes": "Subject", "Sales_Orders": "Subject", "Purchase_Orders": "Subject",
    "Invoices": "Subject",
}  # fmt: skip
STAGES = (
    "Qualification", "Needs Analysis", "Value Proposition", "Identify Decision Makers", "Proposal/Price Quote",
    "Negotiation/Review", "Closed Won", "Closed Lost",
)  # fmt: skip
SOURCES = ("Advertisement", "Cold Call", "Employee Referral", "Online Store", "Partner", "Trade Show", "Web Research")
INVOICE_STATUSES = ("Created", "Approved", "Delivered", "Cancelled", "Sent", "Paid", "Overdue")
LINES = {
    "Quotes": "Quoted_Items", "Sales_Orders": "Ordered_Items", "Purchase_Orders": "Purchase_Items",
    "Invoices": "Invoiced_Items",
}  # fmt: skip


@dataclass(slots=True)
class Module:
    """A module with its fields by api name, in order."""

    id: str
    api_name: str
    singular: str
    plural: str
    title: str  # the field that names a record
    fields: dict[str, Field] = field(default_factory=dict)
    custom: bool = False

    @property
    def scope(self) -> str:
        return "custom" if self.custom else self.api_name.replace("_", "").lower()

    def add(self, one: Field) -> None:
        self.fields[one.api_name] = one

    def document(self) -> Document:
        return {
            "id": self.id, "api_name": self.api_name, "module_name": self.api_name, "singular_label": self.singular,
            "plural_label": self.plural, "generated_type": "custom" if self.custom else "default", "api_supported": True,
            "creatable": True, "editable": True, "deletable": True, "viewable": True, "visible": True, "status": "visible",
        }  # fmt: skip


Ids = Callable[[], str]
Row = tuple[str, str, int]  # api name with marks, type, length


class Makes:
    """Fields of the standard modules; ids are dealt in order, so that they are the same in every sandbox."""

    def __init__(self, new_id: Ids, currencies: tuple[str, ...]) -> None:
        self._id, self._currencies = new_id, currencies

    def module(self, api_name: str, title: str, fields: list[Field], *, custom: bool = False) -> Module:
        plural = api_name.replace("_", " ")
        made = Module(self._id(), api_name, plural.removesuffix("s"), plural, title, custom=custom)
        for one in [*fields, *self._common(api_name)]:
            made.add(one)
        return made

    def text(self, *names: str, length: int = 255) -> list[Field]:
        return [self.one(name, "text", length) for name in names]

    def one(
        self, name: str, kind: str, length: int = 255, options: tuple[str, ...] = (), lookup: str = "", *,
        read_only: bool = False,
    ) -> Field:  # fmt: skip
        """A field; a name ending in `!` is mandatory."""
        api_name = name.rstrip("!")
        label = api_name.replace("_", " ")
        return Field(
            self._id(), api_name, label, kind, length, name.endswith("!"), options=options, lookup=lookup,
            read_only=read_only,
        )  # fmt: skip

    def several(self, kind: str, *names: str) -> list[Field]:
        return [self.one(name, kind) for name in names]

    def lookups(self, **to: str) -> list[Field]:
        return [self.one(name, "lookup", lookup=module) for name, module in to.items()]

    def currency(self) -> list[Field]:
        rate = self.one("Exchange_Rate", "double")
        return [self.one("Currency", "picklist", options=self._currencies), rate]

    def lines(self, name: str, *, mandatory: bool = True) -> Field:
        columns = (
            self.one("Product_Name!", "lookup", lookup="Products"), self.one("Quantity!", "double"),
            self.one("List_Price", "currency"), self.one("Description", "textarea", 2000), self.one("Total", "currency"),
            self.one("Discount", "currency"), self.one("Tax", "currency"),
        )  # fmt: skip
        return Field(self._id(), name, name.replace("_", " "), "subform", 200, mandatory, columns=columns)

    def _common(self, module: str) -> list[Field]:
        names = () if module == "Notes" else ("Tag",)
        return [
            self.one("Owner", "ownerlookup"),
            self.one("Created_Time", "datetime", read_only=True),
            self.one("Modified_Time", "datetime", read_only=True),
            self.one("Created_By", "ownerlookup", read_only=True),
            self.one("Modified_By", "ownerlookup", read_only=True),
            *(self.one(name, "multiselectpicklist", read_only=True) for name in names),
        ]


def standard_modules(new_id: Ids, currencies: tuple[str, ...]) -> dict[str, Module]:
    """All of them: which ones show is the edition's business."""
    make = Makes(new_id, currencies)
    made = [*_people(make), *_sales(make), *_papers(make), _notes(make)]
    return {module.api_name: module for module in made}


def _address(make: Makes, kind: str) -> list[Field]:
    return [make.one(f"{kind}_{part}", "text", 250) for part in ("Street", "City", "State", "Code", "Country")]


def _people(make: Makes) -> list[Module]:
    leads = [
        *make.text("First_Name", length=40), *make.text("Last_Name!", "Company", "Designation", length=100),
        make.one("Email", "email", 100), *make.several("phone", "Phone", "Mobile", "Fax"),
        make.one("Lead_Source", "picklist", options=SOURCES),
        make.one("Lead_Status", "picklist", options=("Not Contacted", "Contacted", "Qualified", "Lost Lead")),
        *make.text("Street", "City", "State", "Zip_Code", "Country"), make.one("Website", "website"),
        make.one("Description", "textarea", 32_000), make.one("Email_Opt_Out", "boolean"), *make.currency(),
    ]  # fmt: skip
    contacts = [
        *make.text("First_Name", length=40), *make.text("Last_Name!", length=80),
        make.one("Full_Name", "text", read_only=True), *make.lookups(Account_Name="Accounts", Vendor_Name="Vendors"),
        make.one("Email", "email", 100), make.one("Secondary_Email", "email", 100),
        *make.several("phone", "Phone", "Mobile", "Home_Phone", "Other_Phone", "Fax"),
        *make.text("Title", "Department", length=100),
        make.one("Salutation", "picklist", options=("Mr.", "Mrs.", "Ms.", "Dr.", "Prof.")),
        make.one("Date_of_Birth", "date"), make.one("Lead_Source", "picklist", options=SOURCES),
        *make.text("Mailing_Street", "Mailing_City", "Mailing_State", "Mailing_Zip", "Mailing_Country"),
        *make.text("Other_Street", "Other_City", "Other_State", "Other_Zip", "Other_Country"),
        make.one("Description", "textarea", 32_000), make.one("Email_Opt_Out", "boolean"),
        *make.lookups(Reporting_To="Contacts"), *make.currency(),
    ]  # fmt: skip
    accounts = [
        *make.text("Account_Name!", length=200), *make.text("Account_Number", "Account_Site", length=80),
        *make.lookups(Parent_Account="Accounts"), *make.several("phone", "Phone", "Fax"), make.one("Website", "website"),
        make.one("Account_Type", "picklist", options=("Customer", "Partner", "Prospect", "Supplier", "Other")),
        make.one("Industry", "picklist", options=("Manufacturing", "Retail", "Services", "Technology")),
        make.one("Employees", "integer"), make.one("Annual_Revenue", "currency"), *_address(make, "Billing"),
        *_address(make, "Shipping"), make.one("Description", "textarea", 32_000), *make.currency(),
    ]  # fmt: skip
    return [
        make.module("Leads", "Last_Name", leads), make.module("Accounts", "Account_Name", accounts),
        make.module("Contacts", "Full_Name", contacts),
    ]  # fmt: skip


def _sales(make: Makes) -> list[Module]:
    deals = [
        *make.text("Deal_Name!", length=120), make.one("Stage!", "picklist", options=STAGES),
        make.one("Amount", "currency"), make.one("Closing_Date", "date"), make.one("Probability", "integer"),
        make.one("Pipeline", "picklist", options=("Standard (Standard)",)),
        make.one("Type", "picklist", options=("New Business", "Existing Business")),
        make.one("Lead_Source", "picklist", options=SOURCES), make.one("Expected_Revenue", "currency"),
        *make.lookups(Account_Name="Accounts", Contact_Name="Contacts"), *make.text("Next_Step"),
        make.one("Description", "textarea", 32_000), *make.currency(),
    ]  # fmt: skip
    vendors = [
        *make.text("Vendor_Name!", length=120), make.one("Email", "email", 100), make.one("Phone", "phone"),
        make.one("Website", "website"), *make.text("Street", "City", "State", "Zip_Code", "Country"),
        make.one("Description", "textarea", 32_000), *make.currency(),
    ]  # fmt: skip
    products = [
        *make.text("Product_Name!", length=200), *make.text("Product_Code", length=40), make.one("Unit_Price", "currency"),
        make.one("Product_Active", "boolean"), make.one("Qty_in_Stock", "double"), *make.lookups(Vendor_Name="Vendors"),
        make.one("Description", "textarea", 32_000), *make.currency(),
    ]  # fmt: skip
    return [
        make.module("Deals", "Deal_Name", deals), make.module("Vendors", "Vendor_Name", vendors),
        make.module("Products", "Product_Name", products),
    ]  # fmt: skip


def _papers(make: Makes) -> list[Module]:
    return [make.module(name, "Subject", _paper(make, name, lines)) for name, lines in LINES.items()]


def _paper(make: Makes, name: str, lines: str) -> list[Field]:
    statuses = INVOICE_STATUSES if name == "Invoices" else ("Draft", "Created", "Approved", "Delivered", "Cancelled")
    parties = (
        {"Vendor_Name": "Vendors"} if name == "Purchase_Orders" else {"Account_Name": "Accounts", "Deal_Name": "Deals"}
    )
    number = {"Quotes": "Quote_Number", "Sales_Orders": "SO_Number", "Purchase_Orders": "PO_Number"}
    stage = make.one("Quote_Stage" if name == "Quotes" else "Status", "picklist", options=statuses)
    return [
        *make.text("Subject!", length=255), make.one(number.get(name, "Invoice_Number"), "text", 80), stage,
        *make.several("date", "Invoice_Date" if name == "Invoices" else "Valid_Till", "Due_Date"),
        *make.lookups(**parties, Contact_Name="Contacts"), make.lines(lines),
        *make.several("currency", "Sub_Total", "Discount", "Tax", "Adjustment", "Grand_Total"),
        *_address(make, "Billing"), *_address(make, "Shipping"), make.one("Terms_and_Conditions", "textarea", 32_000),
        make.one("Description", "textarea", 32_000), *make.currency(),
    ]  # fmt: skip


def _notes(make: Makes) -> Module:
    parent = make.one("Parent_Id!", "parent")
    return make.module(
        "Notes",
        "Note_Title",
        [*make.text("Note_Title", length=120), make.one("Note_Content!", "textarea", 32_000), parent],
    )
