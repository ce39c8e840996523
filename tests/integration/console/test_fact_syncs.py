"""Syncs whose mapping names facts, from a file to running ones: what they register, what they refuse, what a preview says."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

from tests.support.syncs import Joined, front_door, joined

__all__ = ["front_door", "joined"]

FULL = "zoho-books-to-mailchimp-full"
EMAIL = {"target": "email", "from": "email", "required": True}


def heard(joined: Joined) -> set[str]:
    """Of which kinds of records the organisation tells us."""
    return {dict(parse_qsl(urlsplit(hook["url"]).query))["entity"] for hook in joined.hooks()["books"]}


class TestTemplates:
    def test_one_that_names_no_fact_hears_of_customers_alone(self, joined: Joined) -> None:
        for template in ("zoho-books-to-mailchimp", "zoho-books-to-mailchimp-basic"):
            told = joined.apply(f"plain-{len(template)}", template=template)
            assert told["outcome"] == "created"
        assert heard(joined) == {"contact"}
        assert joined.rows("select from core.mapping_version where definition -> 'facts' <> '[]'") == []

    def test_the_basic_one_maps_what_the_list_carries(self, joined: Joined) -> None:
        joined.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": 20, "seed": 7})
        told = joined.console.told(
            "POST", "/sync-preview", json=joined.file("seen", template="zoho-books-to-mailchimp-basic")
        )
        assert told["add"] > 0 and told["warnings"] == []

    def test_the_full_one_hears_of_invoices_and_payments_too(self, joined: Joined) -> None:
        joined.console.world.advance(61)
        told = joined.apply("full", template=FULL, create_fields=True)
        assert {"merge.LASTINV", "merge.LASTPAID"} <= set(told["fields_created"])
        assert heard(joined) == {"contact", "invoice", "customer_payment"}
        (row,) = joined.rows("select definition -> 'facts' as facts from core.mapping_version where sync = 'full'")
        assert json.loads(row["facts"]) == [
            "currencies", "inactive", "invoice_count", "last_invoice_on", "last_payment_on", "payment_status",
        ]  # fmt: skip
        again = joined.apply("full", template=FULL, create_fields=True)
        assert (again["outcome"], again["webhooks"]) == ("unchanged", [])

    def test_a_preview_says_what_is_missing(self, joined: Joined) -> None:
        joined.console.world.advance(61)
        told = joined.console.told("POST", "/sync-preview", json=joined.file("seen", template=FULL))
        assert any("facts" in warning for warning in told["warnings"])


class TestRows:
    def test_may_read_a_fact_of_one_currency(self, joined: Joined) -> None:
        joined.console.world.advance(61)
        rows = [
            EMAIL,
            {
                "target": "tags",
                "from": "facts.overdue_in.EUR",
                "transforms": [{"name": "tag_if", "above": "0", "tag": "late"}],
            },
        ]
        told = joined.apply("euro", query="?dry_run=true", rows=rows)
        assert told["outcome"] == "created"

    def test_that_read_no_fact_are_told_which_there_are(self, joined: Joined) -> None:
        for path in ("facts.mood", "facts.overdue.EUR", "facts.overdue_in.EURO"):
            joined.console.world.advance(61)
            refused = joined.refused("mood", rows=[EMAIL, {"target": "tags", "from": path}])
            words = str(refused)
            assert "MAPPING_PATH_UNKNOWN" in words and "facts.overdue_in" in words and "facts.invoice_count" in words

    def test_do_not_fit_a_field_of_another_type(self, joined: Joined) -> None:
        joined.console.world.advance(61)
        refused = joined.refused("types", rows=[EMAIL, {"target": "merge.BIRTHDAY", "from": "facts.outstanding"}])
        assert "MAPPING_T" in str(refused)


class TestOptions:
    def test_of_inactivity_are_checked(self, joined: Joined) -> None:
        for options in (
            {"inactive_after": -1},
            {"inactive_after": "soon"},
            {"on_inactive": "shout"},
            {"inactive_if": "status =="},
        ):
            joined.console.world.advance(61)
            refused = joined.refused("odd", options=options)
            (name,) = options
            assert name in str(refused), refused
