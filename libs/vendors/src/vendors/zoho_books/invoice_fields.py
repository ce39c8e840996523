"""What a mapping fills of an invoice: the neutral order, by its own names, and three words that say how it is written."""

from __future__ import annotations

from vendors.catalogue import CatalogueField, FieldType

_ORDER: tuple[tuple[str, str, FieldType], ...] = (
    ("number", "Order number", "text"),
    ("customer_id", "Customer in the shop", "text"),
    ("currency", "Currency of the shop", "text"),
    ("presentment_currency", "Currency of the buyer", "text"),
    ("placed_at", "Placed at", "datetime"),
    ("cancelled_at", "Cancelled at", "datetime"),
    ("test", "Test order", "boolean"),
    ("taxes_included", "Prices include tax", "boolean"),
)
_PARTS = (
    "lines", "shipping_lines", "taxes", "subtotal", "discount", "shipping", "tax", "duties", "fees", "tips", "cash_rounding", "total",
    "transactions",
)  # fmt: skip
FIELDS = (
    CatalogueField("key", "Order id", "text", required=True),
    CatalogueField("customer", "Customer for orders without one", "text"),
    CatalogueField("post", "Post as", "choice", choices=("sent", "draft")),
    *(CatalogueField(*one) for one in _ORDER),
    *(CatalogueField(path, path.replace("_", " ").capitalize(), "parts") for path in _PARTS),
)
