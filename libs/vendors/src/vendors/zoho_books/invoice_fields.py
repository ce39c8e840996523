"""What a mapping fills of an invoice: the neutral order, by its own names, and some words that say how it is written."""

from __future__ import annotations

from vendors.catalogue import CatalogueField, FieldType

# How an order is made out where Books has not what it needs; of each, the first holds where a mapping says nothing.
MISSING_ITEM, UNKNOWN_TAX, INACTIVE_CUSTOMER = "missing_item", "unknown_tax", "inactive_customer"
MAKE, FREE_LINE, STOP, REACTIVATE = "make", "free line", "stop", "reactivate"
INACTIVE = CatalogueField(INACTIVE_CUSTOMER, "Inactive customer", "choice", choices=(STOP, REACTIVATE))
SETTINGS = (
    CatalogueField("post", "Post as", "choice", choices=("sent", "draft")),
    CatalogueField("mark_sent", "Post a draft once everything was sent", "boolean"),
    CatalogueField("refund", "Refunds", "choice", choices=("queue", "credit_note")),
    CatalogueField(MISSING_ITEM, "Missing item", "choice", choices=(MAKE, FREE_LINE, STOP)),
    CatalogueField(UNKNOWN_TAX, "Unknown tax", "choice", choices=(STOP, MAKE)),
    INACTIVE,
)
_ORDER: tuple[tuple[str, str, FieldType], ...] = (
    ("number", "Order number", "text"),
    ("customer_id", "Customer in the shop", "text"),
    ("email", "E-mail address of the buyer", "email"),
    ("currency", "Currency of the shop", "text"),
    ("presentment_currency", "Currency of the buyer", "text"),
    ("placed_at", "Placed at", "datetime"),
    ("cancelled_at", "Cancelled at", "datetime"),
    ("test", "Test order", "boolean"),
    ("fulfilment_status", "Fulfillment status", "text"),
    ("taxes_included", "Prices include tax", "boolean"),
)
_PARTS = (
    "lines", "shipping_lines", "taxes", "subtotal", "discount", "shipping", "tax", "duties", "fees", "tips", "cash_rounding", "total",
    "transactions", "refunds",
)  # fmt: skip
FIELDS = (
    CatalogueField("key", "Order id", "text", required=True),
    CatalogueField("customer", "Customer for orders without one", "text"),
    *SETTINGS,
    *(CatalogueField(*one) for one in _ORDER),
    *(CatalogueField(path, path.replace("_", " ").capitalize(), "parts") for path in _PARTS),
)
