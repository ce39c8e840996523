"""The fields that every organisation's records have; which of them the list call already carries (sheet, section 4)."""

from __future__ import annotations

from vendors.catalogue import CatalogueField

_PARTS = ("street", "city", "state", "zip")

CUSTOMER = (
    CatalogueField("id", "Contact ID", "text"),
    CatalogueField("email", "Email", "email"),
    CatalogueField("name", "Display Name", "text", max_length=200),
    CatalogueField("company", "Company Name", "text", max_length=200),
    CatalogueField("first_name", "First Name", "text", max_length=100),
    CatalogueField("last_name", "Last Name", "text", max_length=100),
    CatalogueField("phone", "Phone", "phone"),
    CatalogueField("mobile", "Mobile", "phone"),
    CatalogueField("website", "Website", "url", in_list=False),
    CatalogueField("kind", "Customer Type", "choice", in_list=False, choices=("business", "individual")),
    CatalogueField("status", "Status", "choice", choices=("active", "inactive")),
    CatalogueField("currency", "Currency", "text", max_length=3),
    CatalogueField("outstanding", "Receivables", "money"),
    CatalogueField("billing", "Billing Address", "address", in_list=False, parts=_PARTS),
    CatalogueField("shipping", "Shipping Address", "address", in_list=False, parts=_PARTS),
    CatalogueField("tags", "Reporting Tags", "tags", in_list=False),
    CatalogueField("persons", "Contact Persons", "parts", in_list=False),
    CatalogueField("kept_by_own_sync", "Linked with its CRM", "boolean", in_list=False),
    CatalogueField("crm_account_id", "CRM Account ID", "text", in_list=False),
    CatalogueField("crm_contact_id", "CRM Contact ID", "text", in_list=False),
    CatalogueField("created_at", "Created Time", "datetime"),
    CatalogueField("updated_at", "Last Modified Time", "datetime"),
)

# A contact person is told whole by whatever tells the persons of its customer.
PERSON = (
    CatalogueField("id", "Contact Person ID", "text"),
    CatalogueField("customer_id", "Customer", "text"),
    CatalogueField("company", "Company Name", "text", max_length=200),
    CatalogueField("email", "Email", "email"),
    CatalogueField("salutation", "Salutation", "text", max_length=25),
    CatalogueField("first_name", "First Name", "text", max_length=100),
    CatalogueField("last_name", "Last Name", "text", max_length=100),
    CatalogueField("phone", "Phone", "phone"),
    CatalogueField("mobile", "Mobile", "phone"),
    CatalogueField("title", "Designation", "text", max_length=50),
    CatalogueField("department", "Department", "text", max_length=50),
    CatalogueField("is_primary", "Primary Contact", "boolean"),
    CatalogueField("updated_at", "Last Modified Time", "datetime"),
)

_STATUSES = ("draft", "sent", "unpaid", "overdue", "partially_paid", "paid", "void")

INVOICE = (
    CatalogueField("id", "Invoice ID", "text"),
    CatalogueField("number", "Invoice Number", "text", max_length=100),
    CatalogueField("customer_id", "Customer", "text"),
    CatalogueField("status", "Status", "choice", choices=_STATUSES),
    CatalogueField("currency", "Currency", "text", max_length=3),
    CatalogueField("exchange_rate", "Exchange Rate", "number"),
    CatalogueField("issued_on", "Invoice Date", "date"),
    CatalogueField("due_on", "Due Date", "date"),
    CatalogueField("subtotal", "Sub Total", "money", in_list=False),
    CatalogueField("tax", "Tax", "money", in_list=False),
    CatalogueField("shipping", "Shipping Charge", "money"),
    CatalogueField("adjustment", "Adjustment", "money"),
    CatalogueField("total", "Total", "money"),
    CatalogueField("balance", "Balance Due", "money"),
    CatalogueField("updated_at", "Last Modified Time", "datetime"),
)

PAYMENT = (
    CatalogueField("customer_id", "Customer", "text"),
    CatalogueField("amount", "Amount Received", "money"),
    CatalogueField("currency", "Currency", "text", max_length=3),
    CatalogueField("paid_on", "Payment Date", "date"),
    CatalogueField("method", "Payment Mode", "text"),
    CatalogueField("reference", "Reference Number", "text"),
    CatalogueField("updated_at", "Last Modified Time", "datetime"),
)
