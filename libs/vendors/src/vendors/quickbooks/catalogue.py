"""The fields of a customer, all of which a list carries. What is owed is not among them: no amount leaves the books."""

from __future__ import annotations

from vendors.catalogue import CatalogueField, FieldCatalogue

_PARTS = ("street", "city", "state", "zip")

CUSTOMERS = FieldCatalogue(
    (
        CatalogueField("id", "Id", "text"),
        CatalogueField("email", "Email", "email", max_length=100),
        CatalogueField("name", "Display name", "text", max_length=500),
        CatalogueField("first_name", "First name", "text", max_length=100),
        CatalogueField("last_name", "Last name", "text", max_length=100),
        CatalogueField("company", "Company name", "text", max_length=100),
        CatalogueField("phone", "Phone", "phone", max_length=30),
        CatalogueField("mobile", "Mobile", "phone", max_length=30),
        CatalogueField("website", "Website", "url"),
        CatalogueField("status", "Status", "choice", choices=("active", "inactive")),
        CatalogueField("currency", "Currency", "text", max_length=3),
        CatalogueField("level", "Level", "number"),
        CatalogueField("billing", "Billing address", "address", parts=_PARTS),
        CatalogueField("shipping", "Shipping address", "address", parts=_PARTS),
        CatalogueField("created_at", "Created", "datetime"),
        CatalogueField("updated_at", "Last updated", "datetime"),
    )
)
