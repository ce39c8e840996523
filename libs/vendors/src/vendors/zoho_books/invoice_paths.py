"""By which paths an invoice is known, and when two forms of its content say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTENT, ADJUSTMENT, STATUS, BALANCE = "content", "adjustment", "status", "balance"
PAYMENT = "payment."
"""And the shop's own id of the transaction."""
CREDIT, GIVEN, APPLIED = "credit", "given.", "applied"
"""Of a credit note: what it says, what of it went back by which transaction, and what was set against the invoice."""
DOUBLE = "double."
"""And the id of another invoice of the same order."""
_OF_REFUND = "/refund/"
DRAFTS_TAKE_PAYMENTS = "drafts_take_payments"
"""A lesson: whether a payment for a draft is taken, and posts it."""
_NOT_SHOWN = frozenset({"line_items", "key_field", "key"})


def carries(shown: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Whether an invoice says everything that this content asks for; what it says beyond that is Books' own."""
    lines = [(one, other) for one, other in zip(shown["line_items"], sent["line_items"], strict=False)]
    return (
        len(shown["line_items"]) == len(sent["line_items"])
        and all(one.get(name) == value for one, other in lines for name, value in other.items())
        and all(shown.get(name) == value for name, value in sent.items() if name not in _NOT_SHOWN)
    )


def credit_key(order: str, refund: str) -> str:
    """Of the credit note of one refund: it is made under its order's lease, and found by this key."""
    return f"{order}{_OF_REFUND}{refund}"


def is_credit(key: str) -> bool:
    return _OF_REFUND in key


def refund_of(key: str) -> str:
    return key.partition(_OF_REFUND)[2]
