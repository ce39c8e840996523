"""Every route of every vendor, with bodies that are nearly right: none of them breaks it."""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.app import Sandbox
from sandbox.mailchimp.routes import ROUTES as MAILCHIMP_ROUTES
from sandbox.registry import build
from sandbox.zoho_books.papers import PAPERS
from sandbox.zoho_books.routes import ROUTES as BOOKS_ROUTES

BOOKS_BODY: dict[str, Any] = {
    "contact_name": "Nearly Right Ltd",
    "contact_type": "customer",
    "company_name": "Nearly Right",
    "first_name": "Ana",
    "email": "ana@example.org",
    "contact_persons": [
        {"first_name": "Ana", "last_name": "Ruiz", "email": "ana@example.org", "is_primary_contact": True}
    ],
    "billing_address": {"address": "1 High St", "city": "Leeds", "zip": "LS1", "country": "United Kingdom"},
    "custom_fields": [{"api_name": "cf_segment", "value": "gold"}, {"index": 1, "value": "x"}],
    "tags": [{"tag_id": "{tag_id}", "tag_option_id": "{tag_option_id}"}],
    "notes": "a note",
    "payment_terms": 15,
    "currency_id": "{currency_id}",
    "contact_id": "{contact_id}",
    "customer_id": "{contact_id}",
    "date": "2026-01-02",
    "due_date": "2026-02-01",
    "line_items": [{"item_id": "{item_id}", "rate": 12.5, "quantity": 2, "tax_id": "{tax_id}", "discount": "5%"}],
    "discount": "10%",
    "is_discount_before_tax": True,
    "discount_type": "entity_level",
    "shipping_charge": 3,
    "adjustment": -0.01,
    "exchange_rate": 1.1,
    "amount": 10,
    "payment_mode": "cash",
    "invoices": [{"invoice_id": "{invoice_id}", "amount_applied": 1}],
    "apply_creditnotes": [{"creditnote_id": "{creditnote_id}", "amount_applied": 1}],
    "invoice_payments": [{"payment_id": "{payment_id}", "amount_applied": 1}],
    "name": "Nearly right",
    "rate": 12.5,
    "description": "words",
    "currency_code": "SEK",
    "currency_symbol": "kr",
    "price_precision": 2,
    "currency_format": "1,234,567.89",
    "effective_date": "2026-01-02",
    "tax_name": "VAT",
    "tax_percentage": 20,
    "tax_type": "tax",
    "taxes": "{tax_id}",
    "tax_group_name": "Both",
    "tax_authority_name": "Authority",
    "tax_exemption_code": "EXEMPT",
    "webhook_name": "hook",
    "entity": "contact",
    "method": "POST",
    "url": "http://127.0.0.1:9/hook",
    "secret": "abcdefabcdef123",
    "body_type": "default_payload",
    "headers": [{"param_name": "X-A", "param_value": "b"}],
    "entity_parameters": [{"param_name": "a", "param_value": "${CONTACT.CONTACT_ID}"}],
    "workflow_name": "rule",
    "rule_type": "on_create",
    "actions": [{"action_type": "webhook", "webhook_id": "{webhook_id}"}],
    "tag_name": "Region",
    "options": [{"tag_option_name": "North"}],
    "tag_options": [{"tag_option_name": "North"}],
    "to_mail_ids": ["ana@example.org"],
}
MAILCHIMP_BODY: dict[str, Any] = {
    "email_address": "bo@example.org",
    "status": "subscribed",
    "status_if_new": "subscribed",
    "email_type": "html",
    "merge_fields": {"FNAME": "Bo", "PHONE": "1", "ADDRESS": {"addr1": "1", "city": "a", "state": "b", "zip": "1"}},
    "interests": {},
    "vip": False,
    "language": "en",
    "location": {"latitude": 1.5, "longitude": 2},
    "tags": ["a", {"name": "b", "status": "active"}],
    "members": [
        {"email_address": "di@example.org", "status": "subscribed", "tags": ["x"], "merge_fields": {"FNAME": "Di"}}
    ],
    "members_to_add": ["bo@example.org"],
    "members_to_remove": ["bo@example.org"],
    "sync_tags": True,
    "update_existing": True,
    "name": "nearly_right",
    "tag": "NEARLY",
    "type": "text",
    "required": False,
    "default_value": "x",
    "options": {"size": 25, "choices": ["a"]},
    "static_segment": ["bo@example.org"],
    "url": "http://127.0.0.1:9/hook",
    "events": {"subscribe": True, "unsubscribe": False},
    "sources": {"user": True, "admin": True, "api": True},
    "enabled": True,
    "operations": [
        {"method": "POST", "path": "/lists/{list_id}/members", "body": "{}", "operation_id": "1", "params": {}}
    ],
    "note": "a note",
    "contact": {"company": "c", "address1": "a", "city": "b", "state": "s", "zip": "1", "country": "DE"},
    "permission_reminder": "you asked",
    "campaign_defaults": {"from_name": "a", "from_email": "a@example.org", "subject": "s", "language": "en"},
    "email_type_option": False,
    "double_optin": False,
    "occurred_at": "2026-01-02T03:04:05+00:00",
    "properties": {"a": "b"},
    "id": "nearly1",
    "list_id": "{list_id}",
    "currency_code": "EUR",
    "opt_in_status": True,
}
# These would take away what every other route needs; their own tests call them.
LAST = ("DELETE /lists/{list_id}", "POST /lists/{list_id}/members/{subscriber_hash}/actions/delete-permanent")
VENDORS = {
    "books": ("/zoho/eu/api/books/v3", [route.name for route in BOOKS_ROUTES], BOOKS_BODY),
    "mailchimp": ("/mailchimp/us6/3.0", [route for route in MAILCHIMP_ROUTES if route not in LAST], MAILCHIMP_BODY),
}
IDS_OF = {
    "lists": "list_id",
    "members": "subscriber_hash",
    "notes": "note_id",
    "segments": "segment_id",
    "webhooks": "webhook_id",
    "batches": "batch_id",
    "batch-webhooks": "batch_webhook_id",
    "stores": "store_id",
    "customers": "customer_id",
}
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
WEIRD = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.text(max_size=30), st.sampled_from(["", "x" * 5000, "1e400", "\ud800", "\x00"]),
    st.sampled_from([[], {}, [[]], [None], {"a": {}}, [{}], 10**400, -1, 0, "0000-00-00", "99999-99-99", "NaN", "-Infinity"]),
)  # fmt: skip
QUERY = st.dictionaries(
    st.sampled_from(
        [
            "page",
            "per_page",
            "sort_column",
            "sort_order",
            "filter_by",
            "email",
            "contact_name",
            "search_text",
            "date_start",
            "last_modified_time",
            "status",
            "count",
            "offset",
            "fields",
            "exclude_fields",
            "since_last_changed",
            "before_last_changed",
            "sort_field",
            "sort_dir",
            "skip_merge_validation",
            "skip_duplicate_check",
            "name",
            "type",
            "history_ids",
            "formatneeded",
            "unique_email_id",
        ]
    ),
    st.one_of(
        st.text(max_size=15), st.sampled_from(["0", "-1", "1e9", "9" * 30, "Status.All", "A", "2026-01-02", "1,2"])
    ),
    max_size=3,
)


def paths_in(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*here, key)
        yield from paths_in(below, (*here, key))


def changed(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    """Put a value at a place that an earlier change has not removed."""
    for key in path[:-1]:
        try:
            body = body[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(body, dict) or (isinstance(body, list) and path[-1] < len(body)):
        body[path[-1]] = value


@st.composite
def nearly_right(draw: st.DrawFn, vendor: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    _, routes, right = VENDORS[vendor]
    body = copy.deepcopy(right)
    for name in draw(st.lists(st.sampled_from(sorted(right)), max_size=len(right), unique=True)):
        del body[name]
    for path in draw(st.lists(st.sampled_from(list(paths_in(right))), max_size=4)):
        changed(body, path, draw(WEIRD))
    return draw(st.sampled_from(routes)), draw(QUERY), body


class Insider:
    """Calls every route as the operator, with ids learnt from the answers to right requests."""

    def __init__(self, app: Sandbox) -> None:
        self.app = app
        rows = {
            row["vendor"]: row
            for row in (row for one in app.vendors.all for row in one.accounts())
            if row["name"] == "demo"
        }
        self.tokens = {
            "books": f"Zoho-oauthtoken {rows['zoho-books']['operator_token']}",
            "mailchimp": f"Bearer {rows['mailchimp']['operator_token']}",
        }
        self.organization = str(rows["zoho-books"]["organization_id"])
        self.ids: dict[str, dict[str, str]] = {"books": {"organization_id": self.organization}, "mailchimp": {}}

    async def learn(self) -> list[tuple[str, int]]:
        """Every route once with the right body, deletions left out; what broke."""
        for simulator in self.app.vendors.all:
            if simulator.vendor != "zoho-accounts":
                simulator.seed("demo", 20, 1, True)
        for kind in PAPERS:
            # What only people write.
            self.app.vendors.named("zoho-books").act("demo", {"do": "write_papers", "kind": kind, "records": [{}]})
        broken = []
        for vendor, (_, routes, body) in VENDORS.items():
            for route in sorted(routes, key=lambda one: (one.count("{"), one)) * 2:
                if not route.startswith("DELETE"):
                    status, answer = await self.call(vendor, route, {}, body)
                    self._note(vendor, route, answer)
                    broken += [(route, status)] * (status >= 500)
        return broken

    def _note(self, vendor: str, route: str, answer: Any) -> None:
        place = next((part for part in reversed(route.split("/")) if not part.startswith("{")), "")
        for found in objects_in(answer):
            if vendor == "mailchimp" and place in IDS_OF and isinstance(found.get("id"), str | int):
                self.ids[vendor].setdefault(IDS_OF[place], str(found["id"]))
            for key, value in found.items():
                if key.endswith("_id") and isinstance(value, str) and value:
                    self.ids[vendor].setdefault(key, value)

    async def call(self, vendor: str, route: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        method, template = route.split(" ")
        prefix = VENDORS[vendor][0]
        known = self.ids[vendor]
        path = re.sub(r"\{(\w+)\}", lambda one: known.get(one[1], "1"), prefix + template)
        sent = re.sub(r"\{(\w+_id)\}", lambda one: known.get(one[1], "1"), json.dumps(body))
        asked = query | ({"organization_id": self.organization} if vendor == "books" else {})
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent.encode(), "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        await self.app(self._scope(vendor, method, path, asked), receive, send)
        try:
            return told[0]["status"], json.loads(told[1]["body"] or b"{}")
        except ValueError:
            return told[0]["status"], {}

    def _scope(self, vendor: str, method: str, path: str, query: dict[str, str]) -> dict[str, Any]:
        return {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(query, errors="surrogatepass").encode(),
            "headers": [
                (b"host", b"sandbox.test"),
                (b"content-type", b"application/json"),
                (b"authorization", self.tokens[vendor].encode()),
            ],
        }


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for below in value:
            yield from objects_in(below)


@pytest.fixture(scope="module")
def insider(tmp_path_factory: pytest.TempPathFactory) -> Insider:
    core, vendors = build(tmp_path_factory.mktemp("insider"))
    made = Insider(Sandbox(core, vendors, 3600))
    assert asyncio.run(made.learn()) == []
    return made


@pytest.mark.parametrize("vendor", list(VENDORS))
def test_a_right_body_gets_far_enough_for_the_property_to_mean_something(insider: Insider, vendor: str) -> None:
    _, routes, _ = VENDORS[vendor]
    needed = {name for route in routes for name in re.findall(r"\{(\w+)\}", route)}
    assert len(needed & set(insider.ids[vendor])) >= len(needed) * 0.7, needed - set(insider.ids[vendor])


@pytest.mark.parametrize("vendor", list(VENDORS))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(draws=st.data())
def test_no_body_breaks_a_route(insider: Insider, vendor: str, draws: st.DataObject) -> None:
    route, query, body = draws.draw(nearly_right(vendor))
    status, _ = asyncio.run(insider.call(vendor, route, query, body))
    assert 200 <= status < 500
