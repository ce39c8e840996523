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


def consented(joined: Joined, begun: dict[str, Any], site: str) -> str:
    """A person of the account in that region agrees."""
    browser = Browser()
    at_vendor = browser.to_vendor(begun["road"]["start_url"])
    user = re.search(rf'value="(\d+)"[^>]*>[^<]*demo@{site}\.example', browser.get(at_vendor).text)
    assert user is not None
    assert browser.get(browser.decide(at_vendor, user=user.group(1))).status_code == 200
    connection = str(begun["connection"]["id"])
    assert joined.console.told("GET", f"/connections/{connection}/road?wait_s=10")["state"] == "connected"
    return connection


def connect(joined: Joined, name: str, site: str) -> str:
    wish = {"vendor": "zoho-crm", "name": name, "site": site}
    return consented(joined, joined.console.told("POST", "/connections", 201, json=wish), site)


@pytest.fixture(scope="module")
def crm(joined: Joined) -> Iterator[str]:
    """A connection of an account in India."""
    yield connect(joined, "crm", "in")
    limited(joined, 10)


def limited(joined: Joined, external: int) -> None:
    joined.sandbox.post("limits", {"vendor": "zoho-crm", "account": "demo", "external_fields": external})


def people(joined: Joined, name: str = "people", target: str = "crm") -> dict[str, Any]:
    """A draft needs no webhooks."""
    return joined.file(name, template="zoho-books-zoho-crm", target=target, place="", create_fields=True)


def gates(joined: Joined) -> list[tuple[str, bool]]:
    rows = joined.rows("select place, until is null from core.gate where reason = 'refused' order by 1")
    return [(row[0], row[1]) for row in rows]


def of_edition(joined: Joined, connection: str, edition: str) -> None:
    """It is bought, and known as if the account had been connected anew."""
    joined.sandbox.post("limits", {"vendor": "zoho-crm", "account": "demo", "edition": edition})
    joined.rows(
        "update core.connection set details = details || jsonb_build_object('edition', $2::text) where id = $1",
        connection, edition,
    )  # fmt: skip


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


def test_what_an_edition_has_no_more_rests_and_goes_on_once_it_has_it_again(joined: Joined, crm: str) -> None:
    """Whatever was refused before is tried once more by applying."""
    joined.console.told("POST", "/syncs?draft=true", json=people(joined))
    legs = [leg["name"] for leg in joined.console.told("GET", "/syncs/people")["legs"]]
    assert "invoice" in legs
    for leg in ("invoice", "deal"):
        joined.rows("select core.set_gate($1, 'refused', now(), now(), '', '', $2)", crm, f"#people/{leg}")
    of_edition(joined, crm, "standard")
    told = joined.console.told("POST", "/syncs?draft=true", json=people(joined))
    assert any(note.startswith("Leg invoice is left out") for note in told["warnings"])
    shown = joined.console.told("GET", "/syncs/people")
    assert ([leg["name"] for leg in shown["legs"]], shown["gates"]) == (legs, ["refused"])
    assert gates(joined) == [("#people/invoice", True)]
    assert joined.console.told("GET", f"/connections/{crm}")["standing"] == "ok", "everything else goes on"
    of_edition(joined, crm, "enterprise")
    joined.console.told("POST", "/syncs?draft=true", json=people(joined))
    assert gates(joined) == []
    assert not joined.rows("select from core.notification where kind = 'gate.refused' and resolved_at is null")


def test_a_free_edition_is_told_what_it_does_not_get_before_anything_is_written(joined: Joined) -> None:
    connect(joined, "small", "au")
    before = len(changed(joined))
    told = joined.console.told("POST", "/syncs?dry_run=true", json=people(joined, "small", "small"))
    assert [note.split(":")[0] for note in told["warnings"] if "left out" in note] == [
        "Leg invoice is left out", "Leg payment is left out", "Leg deal is left out", "small has no fields of its own in its edition",
    ]  # fmt: skip
    assert (told["outcome"], told["fields_created"]) == ("created", [])
    counted = joined.console.told("POST", "/sync-preview", json=people(joined, "small", "small"))
    assert [leg["leg"] for leg in counted["legs"]] == [
        "account",
        "account-back",
        "contact",
        "contact-back",
        "person",
        "person-back",
        "summary",
    ]
    assert counted["fields_to_create"] == []
    assert len(changed(joined)) == before, "nothing is written by looking"
    assert not joined.rows("select from core.sync where name = 'small'")
    told = joined.console.told("POST", "/syncs?draft=true", json=people(joined, "small", "small"))
    assert (told["outcome"], told["fields_created"]) == ("created", [])
    keys = {leg["name"]: leg["mapping"]["key"] for leg in joined.console.told("GET", "/syncs/small")["legs"]}
    assert (keys["contact"], keys["person"]) == ("email", "email")
    assert len(changed(joined)) == before


def changed(joined: Joined) -> list[str]:
    """Calls of ours that change something at the CRM; a query is none."""
    listed = joined.sandbox.get("log", since=0)["calls"]
    ours = [one for one in listed if one["vendor"] == "zoho-crm" and not one["operator"] and one["method"] != "GET"]
    return [one["route"] for one in ours if not one["route"].endswith("/coql")]
