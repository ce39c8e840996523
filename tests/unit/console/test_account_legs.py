"""Which legs and rows of a template an account gets, by what its edition has."""

from __future__ import annotations

from typing import Any, cast

import pytest

from common.contracts.ids import Entity
from console.use_cases.account_legs import absent, chosen
from console.use_cases.leg_drafting import End
from vendors.registry import vendor_named
from vendors.vendor import connection_of


def row(target: str, **more: str) -> dict[str, str]:
    return {"target": target, "from": target, **more}


NEW = row("new", new_field="text")
LEGS: list[dict[str, Any]] = [
    {
        "name": "customer", "key": "new", "rows": [row("name"), NEW],
        "also": [
            {"where": {"lacks": "sales_invoice", "has": "custom_field"}, "rows": [row("owed"), NEW]},
            {"where": {"lacks": "custom_field"}, "key": "email"},
        ],
    },
    {"name": "back", "key": "id", "direction": "back", "rows": [NEW]},
    {"name": "invoice", "key": "id", "rows": [row("total")], "where": {"has": "sales_invoice"}},
    {"name": "deal", "key": "id", "rows": [row("paid")], "where": {"has": "custom_field"}},
    {"name": "summary", "key": "id", "rows": [row("status")], "where": {"lacks": "custom_field"}},
]  # fmt: skip
LARGE = {"customer": ["name", "new"], "back": ["new"], "invoice": ["total"], "deal": ["paid"]}


@pytest.mark.parametrize(
    ("edition", "legs", "key"),
    [
        ("enterprise", LARGE, "new"),
        ("professional", LARGE, "new"),
        ("standard", {"customer": ["name", "new", "owed", "new"], "back": ["new"], "deal": ["paid"]}, "new"),
        ("free", {"customer": ["name"], "back": ["new"], "summary": ["status"]}, "email"),
        ("", LARGE, "new"),
    ],
)
def test_an_account_of_the_crm_gets_the_legs_of_its_edition(edition: str, legs: dict[str, list[str]], key: str) -> None:
    """Of one that was never tried nobody knows it, and the vendor's refusal says so."""
    crm = vendor_named("zoho-crm")
    connection = connection_of(crm.name, "crm", **({"edition": edition} if edition else {}))
    found = chosen(LEGS, lambda entity: not crm.lacks(connection, entity))
    assert {leg["name"]: [one["target"] for one in leg["rows"]] for leg in found} == legs
    assert found[0]["key"] == key


@pytest.mark.parametrize(
    ("edition", "resting"),
    [
        ("professional", {"summary": ""}),
        ("standard", {"invoice": "sales_invoice", "summary": ""}),
        ("free", {"invoice": "sales_invoice", "deal": "custom_field"}),
    ],
)
def test_legs_that_an_account_does_not_get_say_what_it_lacks_or_that_it_has_more(
    edition: str, resting: dict[str, str]
) -> None:
    crm = vendor_named("zoho-crm")
    end = End(connection_of(crm.name, "crm", edition=edition), crm, cast(Any, None), cast(Any, None))
    assert absent({"legs": LEGS}, end) == resting


def test_other_vendors_have_everything() -> None:
    books = vendor_named("zoho-books")
    assert not books.lacks(connection_of(books.name, "books"), Entity("sales_invoice"))
