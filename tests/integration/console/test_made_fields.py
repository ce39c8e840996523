"""Fields that a sync makes at the CRM, by a real console: so many calls, a refusal for each field, and no version before all are there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.broker import Browser
from tests.support.syncs import Joined, front_door, joined

__all__ = ["front_door", "joined"]

READ, WRITTEN = "GET /settings/fields", "POST /settings/fields"
AT_ONCE = 5
# What the template asks of an edition that has invoices; two legs ask for the key of a contact.
MODULES = {"Accounts": 1, "Contacts": 1, "Invoices": 6, "Deals": 5}


@pytest.fixture(scope="module")
def crm(joined: Joined) -> Iterator[str]:
    """A connection of an account in India."""
    begun = joined.console.told("POST", "/connections", 201, json={"vendor": "zoho-crm", "name": "crm", "site": "in"})
    browser = Browser()
    at_vendor = browser.to_vendor(begun["road"]["start_url"])
    user = re.search(r'value="(\d+)"[^>]*>[^<]*demo@in\.example', browser.get(at_vendor).text)
    assert user is not None
    assert browser.get(browser.decide(at_vendor, user=user.group(1))).status_code == 200
    connection = begun["connection"]["id"]
    assert joined.console.told("GET", f"/connections/{connection}/road?wait_s=10")["state"] == "connected"
    yield connection
    limited(joined, 10)


def limited(joined: Joined, external: int) -> None:
    joined.sandbox.post("limits", {"vendor": "zoho-crm", "account": "demo", "external_fields": external})


def people(joined: Joined) -> dict[str, Any]:
    """A draft needs no webhooks."""
    return joined.file("people", template="zoho-books-zoho-crm", target="crm", place="", create_fields=True)


def calls(joined: Joined) -> Counter[tuple[str, str]]:
    """Ours to the fields of each module."""
    listed = joined.sandbox.get("log", since=0)["calls"]
    ours = [one for one in listed if one["vendor"] == "zoho-crm" and not one["operator"]]
    return Counter((one["query"], one["route"]) for one in ours if one["route"] in (READ, WRITTEN))


def made(joined: Joined, before: Counter[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """How many reads and writes each module has had since."""
    found = calls(joined) - before
    return {name: (found[f"module={name}", READ], found[f"module={name}", WRITTEN]) for name in MODULES}


def test_a_module_costs_a_read_a_call_for_every_five_and_a_read(joined: Joined, crm: str) -> None:
    limited(joined, 0)
    before = calls(joined)
    told = joined.console.told("POST", "/syncs?draft=true", 422, json=people(joined))
    assert made(joined, before) == {name: (2, -(-asked // AT_ONCE)) for name, asked in MODULES.items()}
    assert {problem["code"] for problem in told["problems"]} == {"ZC_FIELD_REFUSED"}
    assert [problem["field"].rpartition(".")[2] for problem in told["problems"]] == ["key"] * 3
    assert all("LIMIT_EXCEEDED" in problem["words"] and problem["remedy"] for problem in told["problems"])
    assert not joined.rows("select from core.sync where name = 'people'")

    # What was made then is there, and what is missing is made.
    limited(joined, 10)
    before = calls(joined)
    told = joined.console.told("POST", "/syncs?draft=true", json=people(joined))
    assert (told["outcome"], told["fields_created"]) == ("created", ["key"] * 3)
    assert made(joined, before) == {"Accounts": (2, 1), "Contacts": (2, 1), "Invoices": (2, 1), "Deals": (1, 0)}
    before = calls(joined)
    told = joined.console.told("POST", "/syncs?draft=true", json=people(joined))
    assert (told["outcome"], told["fields_created"]) == ("unchanged", [])
    assert made(joined, before) == dict.fromkeys(MODULES, (1, 0))
