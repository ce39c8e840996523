"""Bodies that look right and are not: whatever a write is given, it answers in the vendor's envelope."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.registry import build
from sandbox.simulator import Answer, Request, Simulator
from sandbox.zoho_books.routes import ROUTES, Route

WRITES = [route for route in ROUTES if route.method in ("POST", "PUT")]
LISTS = [route for route in ROUTES if route.method == "GET" and "{" not in route.template]
KNOWN = ("CONTACT", "INVOICE", "PAYMENT", "ITEM", "TAX", "CURRENCY", "PERSON")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["", "0", "-1", "1e5", "12.5%", "2026-01-31", "9999-12-31", "NaN", "true", "\x00", "é" * 300]),
    st.sampled_from(KNOWN),
)
NAMES = st.sampled_from(
    [
        "contact_name",
        "company_name",
        "currency_id",
        "payment_terms",
        "credit_limit",
        "tags",
        "custom_fields",
        "contact_persons",
        "notes",
        "billing_address",
        "tax_id",
        "customer_id",
        "line_items",
        "date",
        "due_date",
        "discount",
        "discount_type",
        "is_inclusive_tax",
        "shipping_charge",
        "adjustment",
        "exchange_rate",
        "invoice_number",
        "name",
        "rate",
        "quantity",
        "item_id",
        "amount",
        "invoices",
        "payment_mode",
        "amount_applied",
        "invoice_id",
        "description",
        "first_name",
        "email",
        "contact_id",
        "contact_person_id",
        "is_primary_contact",
        "address_id",
        "city",
        "api_name",
        "value",
        "tag_id",
        "tag_option_id",
        "url",
        "entity",
        "secret",
        "headers",
        "query_parameters",
        "param_name",
        "param_value",
        "workflow_name",
        "rule_type",
        "instant_actions",
        "action_type",
        "action_id",
        "currency_code",
        "price_precision",
        "effective_date",
        "tax_name",
        "tax_percentage",
        "taxes",
        "tax_group_name",
        "options",
        "option_name",
        "apply_creditnotes",
        "invoice_payments",
        "creditnote_id",
        "payment_id",
        "page",
        "per_page",
        "sort_column",
        "filter_by",
        "last_modified_time",
        "status",
        "total",
        "search_text",
    ]
)
BODIES = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=7)),
    max_leaves=20,
)
OBJECTS = st.dictionaries(NAMES, BODIES, max_size=10)


class Anybody:
    """Calls the simulator as the operator of a small seeded organisation."""

    def __init__(self, simulator: Simulator, core: Any) -> None:
        self.simulator, self.core = simulator, core
        simulator.seed("demo", 20, 1, True)
        found: Any = simulator.state("demo")["accounts"]
        state = json.loads(json.dumps(_plain(found["demo"])))
        self.organization = state["organization_id"]
        self.ids = {
            "CONTACT": state["contacts"][0]["contact_id"],
            "PERSON": state["contacts"][0]["contact_persons"][0]["contact_person_id"],
            "INVOICE": state["invoices"][0]["invoice_id"],
            "PAYMENT": state["customerpayments"][0]["payment_id"],
            "ITEM": state["items"][0]["item_id"],
            "TAX": state["taxes"][0]["tax_id"],
            "CURRENCY": state["currencies"][1]["currency_id"],
        }

    def answer(self, route: Route, body: bytes, query: str = "") -> Answer:
        path = route.template
        for name in ("contact", "invoice", "payment", "item", "tax", "currency"):
            path = path.replace("{%s_id}" % name, self.ids[name.upper()])  # noqa: UP031 - braces read worse in f
        path = path.replace("{contact_person_id}", self.ids["PERSON"])
        asked = parse_qsl(f"organization_id={self.organization}&{query}", keep_blank_values=True)
        headers = {"x-unique-identifier-key": "cf_external_id", "x-unique-identifier-value": "v", "x-upsert": "true"}
        segments = tuple(path.strip("/").split("/"))
        prefix, now = "/zoho/eu/api/books/v3", self.core.clock.now()
        request = Request(
            route.method, prefix, path, segments, path, asked, b"", headers, body, "http://x", True, now, 0, "r"
        )
        ticket = self.simulator.admit(request)
        assert not isinstance(ticket, Answer)
        return self.simulator.handle(request, ticket)


def _plain(found: Any) -> Any:
    return orjson.loads(orjson.dumps(found))


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    core, vendors = build(tmp_path_factory.mktemp("books"))
    yield Anybody(vendors.named("zoho-books"), core)


class TestAnyBody:
    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(route=st.sampled_from(WRITES), body=OBJECTS)
    def test_is_answered_in_the_envelope(self, anybody: Anybody, route: Route, body: dict[str, Any]) -> None:
        text = json.dumps(body)
        for name, id_ in anybody.ids.items():
            text = text.replace(f'"{name}"', f'"{id_}"')
        answer = anybody.answer(route, text.encode())
        told = json.loads(answer.body)
        assert answer.status in (200, 201, 400, 404)
        assert (told["code"] == 0) == (answer.status < 300)
        assert told["message"] is not None

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(route=st.sampled_from(LISTS), query=st.dictionaries(NAMES, VALUES.map(str), max_size=3))
    def test_queries_are_taken_or_refused(self, anybody: Anybody, route: Route, query: dict[str, str]) -> None:
        answer = anybody.answer(route, b"", "&".join(f"{name}={value}" for name, value in query.items()))
        assert answer.status in (200, 400)
        assert json.loads(answer.body)["code"] in (0, 2, 4)
