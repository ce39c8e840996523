"""A company of QuickBooks, from a browser to a preview of its members: what a mapping may say of it, and that no amount is among it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from common.contracts.syncs import NOBODY
from tests.support.broker import Browser
from tests.support.syncs import Joined, front_door, joined

__all__ = ["front_door", "joined"]

COMPANY, TEMPLATE = "company", "quickbooks-mailchimp"
PLANTED = "48151.62"
MEMBERS = {"name": "members", "template": TEMPLATE, "source": COMPANY, "target": "chimp"}


def people(joined: Joined, do: str, **wanted: Any) -> dict[str, Any]:
    return dict(joined.sandbox.post("quickbooks/demo-south/people", {"do": do, **wanted}))


@pytest.fixture(scope="module")
def company(joined: Joined) -> Iterator[str]:
    """Its connection, made as a person makes it."""
    row = joined.console.world.account("quickbooks", "demo-south")
    begun = joined.console.told("POST", "/connections", 201, json={"vendor": "quickbooks", "name": COMPANY})
    page = Browser().consent(begun["road"]["start_url"], decision="connect", company=row["realm_id"])
    assert page.status_code == 200, page.text
    connection = str(begun["connection"]["id"])
    assert joined.console.told("GET", f"/connections/{connection}/road?wait_s=10")["state"] == "connected"
    ada = people(joined, "create", values={"DisplayName": "Ada", "PrimaryEmailAddr": {"Address": "Ada@Example.org"}})
    people(joined, "create", values={"DisplayName": "Nobody"})
    people(joined, "project", parent=ada["Id"], name="Kitchen")
    people(joined, "invoice", customer=ada["Id"], amount=PLANTED)
    yield connection


def file(**more: Any) -> dict[str, Any]:
    return {"template": TEMPLATE, "source": COMPANY, **more}


class TestCompany:
    def test_is_called_by_its_name_and_connects_what_was_chosen(self, joined: Joined, company: str) -> None:
        told = joined.console.told("GET", f"/connections/{company}")
        assert told["details"]["realm_id"] == joined.console.world.account("quickbooks", "demo-south")["realm_id"]

    def test_has_a_template_whose_preview_tells_whom_it_adds(self, joined: Joined, company: str) -> None:
        told = joined.console.told("POST", "/sync-preview", json=joined.file("seen", **file(create_fields=True)))
        assert (told["add"], told["skipped_by_reason"]) == (1, {"no_email": 1})
        assert PLANTED not in json.dumps(told)

    @pytest.mark.parametrize("named", ["outstanding", "balance", "facts.overdue"])
    def test_row_that_names_an_amount_is_refused_by_its_name(self, joined: Joined, company: str, named: str) -> None:
        rows = [{"target": "tags", "from": named, "transforms": [{"name": "tag", "prefix": "owed: "}]}]
        refused = joined.refused("amounts", **file(more_rows=rows))
        assert named in str(refused), refused

    def test_leg_that_starts_from_invoices_is_refused(self, joined: Joined, company: str) -> None:
        leg = {"name": "invoice", "source": {"entity": "invoice"}, "target": {"entity": "member"}, "key": "email",
               "rows": [{"target": "email", "from": "customer_id"}]}  # fmt: skip
        whole = {"name": "papers", "source": COMPANY, "target": "chimp", "place": joined.file()["place"], "legs": [leg]}
        refused = joined.console.told("POST", "/syncs", 422, json=whole)
        assert "invoice" in str(refused)

    @pytest.mark.parametrize("named", ["outstanding", "facts.overdue", "balance"])
    def test_row_of_the_notes_that_names_an_amount_is_refused_by_its_name(
        self, joined: Joined, company: str, named: str
    ) -> None:
        notes = {"name": "activity", "more_rows": [{"target": "standing", "from": named}]}
        whole = {**MEMBERS, "legs": [{"name": "customer", "target": {"place": joined.file()["place"]}}, notes]}
        refused = joined.console.told("POST", "/syncs", 422, json=whole)
        assert named in str(refused) and "legs[activity]" in str(refused)

    def test_notes_are_a_setting_of_the_file(self, joined: Joined, company: str) -> None:
        made = {**MEMBERS, "place": joined.file()["place"], "create_fields": True}
        legs = joined.console.told("POST", "/syncs", json=made)["legs"]
        assert [(one["name"], one["direction"], one["target_entity"], one["outcome"]) for one in legs] == [
            ("customer", "forward", "member", "created"), ("activity", "within", "customer_note", "created"),
            ("event", "within", "activity_note", "created"),
        ]  # fmt: skip
        for word, filters in (("both", ["", "", ""]), ("none", ["", NOBODY, NOBODY]), ("notes", ["", "", NOBODY])):
            joined.console.told("POST", "/syncs", json=made | {"activity": {"to": word}})
            shown = joined.console.told("GET", "/syncs/members")["legs"]
            assert [one["mapping"]["filter"] for one in shown] == filters, word
        again = joined.console.told("POST", "/syncs", json=made)["legs"]
        assert [one["outcome"] for one in again] == ["unchanged"] * 3
        refused = joined.console.told("POST", "/syncs", 422, json=made | {"activity": {"to": "fax"}})
        assert "notes, attachment, both, none" in str(refused)
