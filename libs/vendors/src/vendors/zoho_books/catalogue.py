"""The fields of a customer that every organisation has; which of them the list call already carries (sheet, section 4)."""

from __future__ import annotations

from vendors.catalogue import CatalogueField

_PARTS = ("street", "city", "state", "zip")

CUSTOMER = (
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
    CatalogueField("created_at", "Created Time", "datetime"),
    CatalogueField("updated_at", "Last Modified Time", "datetime"),
)
