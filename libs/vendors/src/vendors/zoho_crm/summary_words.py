"""What the one note of a customer says, where an account has no fields of its own: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TITLE = "Customer of the books "
# A list shows the first 500 characters of a text.
SHOWN = 500
_AMOUNTS = (("Invoiced", "invoiced"), ("Paid", "paid"), ("To be paid", "outstanding"), ("Overdue", "overdue"))
NOTHING = "none"


def title(key: str) -> str:
    """By which the note is found: of each customer there is one."""
    return f"{TITLE}{key}"


def content(document: Mapping[str, Any]) -> str:
    """The worst status, and each sum by currency: amounts of several are never added up."""
    said = [f"Status: {document.get('status') or NOTHING}"]
    said += [f"{name}: {_sums(document.get(path))}" for name, path in _AMOUNTS if document.get(path)]
    if document.get("last_invoice_on"):
        said.append(f"Last invoice: {document['last_invoice_on']}")
    return "\n".join([*said, "Kept up to date: what is written into this note is lost."])


def shown(text: str) -> str:
    """As far as a list tells it, and in one form."""
    return "\n".join(text.split("\r\n")).strip()[:SHOWN]


def _sums(given: Any) -> str:
    if not isinstance(given, Mapping):
        return str(given)
    return "; ".join(f"{amount} {currency}".strip() for currency, amount in sorted(given.items()))
