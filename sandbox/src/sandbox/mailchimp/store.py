"""A connected shop and its customers, as far as they touch an audience (sheet, section 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.mailchimp.bodies import Document


@dataclass(slots=True)
class Customer:
    """A customer of a shop."""

    id: str
    email: str
    opt_in: bool
    created_at: int
    updated_at: int
    about: Document = field(default_factory=dict)


@dataclass(slots=True)
class Store:
    """A shop that feeds one audience."""

    id: str
    list_id: str
    name: str
    currency_code: str
    created_at: int
    customers: dict[str, Customer] = field(default_factory=dict)
