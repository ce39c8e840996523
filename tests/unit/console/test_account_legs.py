"""Which legs and rows of a template an account gets, by what its edition has."""

from __future__ import annotations

from typing import Any

import pytest

from common.contracts.ids import Entity
from console.use_cases.account_legs import chosen
from vendors.registry import vendor_named
from vendors.vendor import connection_of

LEGS: list[dict[str, Any]] = [
    {"name": "customer", "rows": [1], "also": [{"where": {"lacks": "sales_invoice", "has": "custom_field"}, "rows": [2, 3]}]},
    {"name": "invoice", "rows": [4], "where": {"has": "sales_invoice"}},
    {"name": "deal", "rows": [5], "where": {"has": "custom_field"}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("edition", "legs"),
    [
        ("enterprise", {"customer": [1], "invoice": [4], "deal": [5]}),
        ("professional", {"customer": [1], "invoice": [4], "deal": [5]}),
        ("standard", {"customer": [1, 2, 3], "deal": [5]}),
        ("free", {"customer": [1]}),
        ("", {"customer": [1], "invoice": [4], "deal": [5]}),
    ],
)
def test_an_account_of_the_crm_gets_the_legs_of_its_edition(edition: str, legs: dict[str, list[int]]) -> None:
    """Of one that was never tried nobody knows it, and the vendor's refusal says so."""
    crm = vendor_named("zoho-crm")
    connection = connection_of(crm.name, "crm", **({"edition": edition} if edition else {}))
    found = chosen(LEGS, lambda entity: not crm.lacks(connection, entity))
    assert {leg["name"]: leg["rows"] for leg in found} == legs


def test_other_vendors_have_everything() -> None:
    books = vendor_named("zoho-books")
    assert not books.lacks(connection_of(books.name, "books"), Entity("sales_invoice"))
