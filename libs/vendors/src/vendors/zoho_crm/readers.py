"""Every module that is read from Zoho CRM, one row each. None costs a call until a leg of a sync starts from it.

All modules have one kind of list and one kind of read, so they differ in names alone. An Account is a customer, a Contact a person; what a
column does not name is told under the vendor's own name as `custom`.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendors.zoho_crm.columns import Column, CrmField, address
from vendors.zoho_crm.reader import ModuleReader

Columns = tuple[Column, ...]

BOOKS_ID, BOOKS_INVOICE_ID = "Books_Id", "Books_Invoice_Id"
_CURRENCY = CrmField("Currency", "currency", "Currency", may_lack=True)
_RATE = CrmField("Exchange_Rate", "exchange_rate", "Exchange Rate", "number", may_lack=True)
_EMAIL = CrmField("Email", "email", "Email", "email")
_PHONE = CrmField("Phone", "phone", "Phone", "phone")
_MOBILE = CrmField("Mobile", "mobile", "Mobile", "phone")
_WEBSITE = CrmField("Website", "website", "Website", "url")
_ORIGIN = CrmField("Lead_Source", "origin", "Lead Source", "choice")
_BILLING = address("billing", "Billing Address", "Billing_")
_PLACE = address("billing", "Address", code="Zip_Code")


def _names(lookup: str, label: str, id_name: str, name: str) -> Columns:
    """Of whom a record is: their id and their name, from one lookup."""
    return (
        CrmField(lookup, id_name, f"{label} (id)", part="id"),
        CrmField(lookup, name, label, part="name", writable=False),
    )


_CUSTOMER: Columns = (
    CrmField("Account_Name", "name", "Account Name"),
    CrmField("Account_Name", "company", "Company", writable=False),
    _PHONE, _WEBSITE, _CURRENCY, _BILLING, address("shipping", "Shipping Address", "Shipping_"),
)  # fmt: skip

_PERSON: Columns = (
    CrmField("Full_Name", "name", "Full Name", writable=False),
    CrmField("Salutation", "salutation", "Salutation", "choice"),
    CrmField("First_Name", "first_name", "First Name"),
    CrmField("Last_Name", "last_name", "Last Name"),
    _EMAIL, _PHONE, _MOBILE,
    CrmField("Title", "title", "Title"),
    CrmField("Department", "department", "Department"),
    *_names("Account_Name", "Account Name", "customer_id", "company"),
    _ORIGIN, _CURRENCY,
    address("billing", "Mailing Address", "Mailing_", "Zip"),
    address("shipping", "Other Address", "Other_", "Zip"),
)  # fmt: skip

_LEAD: Columns = (
    CrmField("First_Name", "first_name", "First Name"),
    CrmField("Last_Name", "last_name", "Last Name"),
    CrmField("Company", "company", "Company"),
    CrmField("Designation", "title", "Title"),
    _EMAIL, _PHONE, _MOBILE, _WEBSITE,
    CrmField("Lead_Status", "status", "Lead Status", "choice"),
    _ORIGIN, _CURRENCY, _PLACE,
)  # fmt: skip

_DEAL: Columns = (
    CrmField("Deal_Name", "name", "Deal Name"),
    CrmField("Stage", "stage", "Stage", "choice"),
    CrmField("Amount", "amount", "Amount", "money"),
    _CURRENCY, _RATE,
    CrmField("Closing_Date", "closes_on", "Closing Date", "date"),
    CrmField("Probability", "probability", "Probability (%)", "number"),
    CrmField("Pipeline", "pipeline", "Pipeline", "choice"),
    CrmField("Type", "kind", "Type", "choice"),
    _ORIGIN,
    CrmField("Next_Step", "next_step", "Next Step"),
    *_names("Account_Name", "Account Name", "customer_id", "customer"),
    *_names("Contact_Name", "Contact Name", "person_id", "person"),
)  # fmt: skip

_SUPPLIER: Columns = (
    CrmField("Vendor_Name", "name", "Vendor Name"),
    CrmField("Vendor_Name", "company", "Company", writable=False),
    _EMAIL, _PHONE, _WEBSITE, _CURRENCY, _PLACE,
)  # fmt: skip

_ITEM: Columns = (
    CrmField("Product_Name", "name", "Product Name"),
    CrmField("Product_Code", "sku", "Product Code"),
    CrmField("Unit_Price", "rate", "Unit Price", "money"),
)  # fmt: skip


def _sums(*more: CrmField) -> Columns:
    return (
        *more, _CURRENCY, _RATE,
        CrmField("Sub_Total", "subtotal", "Sub Total", "money"),
        CrmField("Tax", "tax", "Tax", "money"),
        CrmField("Grand_Total", "total", "Grand Total", "money"),
    )  # fmt: skip


def _paper(
    entity: str, module: str, title: str, lines: str, *columns: CrmField, by: Columns, ours: str = ""
) -> ModuleReader:  # fmt: skip
    """Quotes, orders and invoices, which come with Professional."""
    every = (CrmField("Subject", "reference", "Subject"), *by, *_sums(*columns))
    return ModuleReader(entity, module, title, every, lines, larger=True, ours=ours)


_BUYER = _names("Account_Name", "Account Name", "customer_id", "customer")
_SELLER = _names("Vendor_Name", "Vendor Name", "supplier_id", "supplier")
_STATUS, _DUE = CrmField("Status", "status", "Status", "choice"), CrmField("Due_Date", "due_on", "Due Date", "date")

_ALL = (
    ModuleReader("customer", "Accounts", "Accounts", _CUSTOMER, ours=BOOKS_ID),
    ModuleReader("person", "Contacts", "Contacts", _PERSON, ours=BOOKS_ID),
    ModuleReader("deal", "Deals", "Deals", _DEAL),
    # One that was converted stays what it was; without asking a list would lose it.
    ModuleReader("lead", "Leads", "Leads", _LEAD, chosen={"converted": "both"}),
    ModuleReader("supplier", "Vendors", "Vendors", _SUPPLIER, larger=True),
    ModuleReader("item", "Products", "Products", _ITEM, larger=True),
    _paper(
        "quote", "Quotes", "Quotes", "Quoted_Items",
        CrmField("Quote_Number", "number", "Quote Number"), CrmField("Quote_Stage", "status", "Quote Stage", "choice"),
        CrmField("Valid_Till", "due_on", "Valid Until", "date"), by=_BUYER,
    ),
    _paper(
        "sales_order", "Sales_Orders", "Sales Orders", "Ordered_Items",
        CrmField("SO_Number", "number", "SO Number"), _STATUS, _DUE, by=_BUYER,
    ),
    _paper(
        "purchase_order", "Purchase_Orders", "Purchase Orders", "Purchase_Items",
        CrmField("PO_Number", "number", "PO Number"), _STATUS, CrmField("PO_Date", "issued_on", "PO Date", "date"), _DUE,
        by=_SELLER,
    ),
    _paper(
        "sales_invoice", "Invoices", "Invoices", "Invoiced_Items",
        CrmField("Invoice_Number", "number", "Invoice Number"), _STATUS,
        CrmField("Invoice_Date", "issued_on", "Invoice Date", "date"), _DUE,
        by=(
            *_BUYER, *_names("Contact_Name", "Contact Name", "person_id", "person"),
            *_names("Deal_Name", "Deal Name", "deal_id", "deal"),
        ), ours=BOOKS_INVOICE_ID,
    ),
)  # fmt: skip

READERS: Mapping[str, ModuleReader] = {reader.entity: reader for reader in _ALL}
BY_MODULE: Mapping[str, ModuleReader] = {reader.module: reader for reader in _ALL}
