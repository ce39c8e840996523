"""Bodies that look right and are not, and a memory that is packed and unpacked: nothing breaks, nothing is lost."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.compact import CompactPickler
from sandbox.registry import build
from sandbox.simulator import Answer, Request, Simulator
from sandbox.zoho_crm.routes import ROUTES, Route

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12), st.sampled_from(["", "0", "-1", "1e5", "2026-01-31", "\x00", "é" * 300, "ID", "Contacts", "Contacts.all"]),
)  # fmt: skip
_NAMES = (
    "data id Last_Name First_Name Email Phone Account_Name Account_Name! Deal_Name Stage Amount Closing_Date Subject Owner Invoiced_Items Product_Name Quantity "
    "List_Price Currency Parent_Id module api_name Note_Content duplicate_check_fields trigger watch channel_id events notify_url token channel_expiry notification_condition group field "
    "_delete_events fields field_label data_type unique external type pick_list_values select_query query criteria comparator value page page_token callback url method Deals"
)
NAMES = st.sampled_from(_NAMES.split(" "))
BODIES = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=10,
)
ROWS = st.lists(st.dictionaries(NAMES, BODIES, max_size=6), max_size=3)
OBJECTS = st.one_of(
    st.dictionaries(NAMES, BODIES, max_size=6),
    st.builds(lambda key, rows, more: {**more, key: rows}, st.sampled_from(["data", "watch", "fields"]), ROWS, st.dictionaries(NAMES, BODIES, max_size=2)),
)  # fmt: skip
QUERIES = st.text(alphabet="selctidfromwhnal =<>('%,)Contacts.Email_Nbyorg0123456789", max_size=60)


class Anybody:
    """Calls the simulator as the operator of a small seeded account."""

    def __init__(self, simulator: Simulator, core: Any) -> None:
        self.simulator, self.core = simulator, core
        simulator.seed("demo", 12, 1, True)
        rows: Any = simulator.accounts()
        self.token = next(row["operator_token"] for row in rows if row["name"] == "demo")
        found: Any = simulator.state("demo")["accounts"]
        self.id = orjson.loads(orjson.dumps(found))["demo"]["records"]["Contacts"][0]["id"]

    def answer(self, route: Route, body: bytes, query: dict[str, str], module: str = "Contacts") -> Answer:
        names = {
            "{module}": module,
            "{id}": self.id,
            "{related}": "Deals",
            "{user_id}": "1",
            "{field_id}": "1",
            "{job_id}": "1",
        }
        path = route.template
        for name, value in names.items():
            path = path.replace(name, value)
        prefix = "/zoho/in/api/crm/bulk/v8" if route.bulk else "/zoho/in/api/crm/v8"
        headers = {"authorization": f"Zoho-oauthtoken {self.token}"}
        request = Request(
            route.method, prefix, path, tuple(path.strip("/").split("/")), path, list(query.items()), b"", headers, body,
            "http://x", operator=True, now=self.core.clock.now(), mono_ns=0, id="r",
        )  # fmt: skip
        ticket = self.simulator.admit(request)
        assert not isinstance(ticket, Answer)
        return self.simulator.handle(request, ticket)


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    core, vendors = build(tmp_path_factory.mktemp("crm"))
    yield Anybody(vendors.named("zoho-crm"), core)


WRITES = [route for route in ROUTES if route.method in ("POST", "PUT", "PATCH")]
READS = [route for route in ROUTES if route.method in ("GET", "DELETE")]
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fits(answer: Answer) -> bool:
    """A document in the vendor's shape, or nothing where nothing belongs."""
    if answer.status in (204, 304):
        return not answer.body
    told = json.loads(answer.body)
    if answer.status in (200, 201, 207, 412):
        return "status" not in told
    return answer.status in (400, 404) and (
        "code" in told or any(row["status"] == "error" for row in next(iter(told.values())))
    )


class TestAnyBody:
    @settings(SETTINGS, max_examples=100)
    @given(
        route=st.sampled_from(WRITES), body=OBJECTS, module=st.sampled_from(["Contacts", "Invoices", "Notes", "Deals"])
    )
    def test_is_answered_in_the_vendors_shape(
        self, anybody: Anybody, route: Route, body: dict[str, Any], module: str
    ) -> None:
        text = json.dumps(body).replace('"ID"', f'"{anybody.id}"')
        assert fits(anybody.answer(route, text.encode(), {"module": module}, module))

    @settings(SETTINGS, max_examples=100)
    @given(route=st.sampled_from(READS), query=st.dictionaries(st.sampled_from(
        ["fields", "page", "per_page", "page_token", "sort_by", "sort_order", "ids", "criteria", "email", "word", "type", "module", "channel_ids"]
    ), VALUES.map(str), max_size=3))  # fmt: skip
    def test_queries_are_taken_or_refused(self, anybody: Anybody, route: Route, query: dict[str, str]) -> None:
        assert fits(anybody.answer(route, b"", query))

    @settings(SETTINGS, max_examples=100)
    @given(text=QUERIES)
    def test_any_query_is_read_or_refused(self, anybody: Anybody, text: str) -> None:
        [route] = [one for one in ROUTES if one.template == "/coql"]
        for query in (text, f"select id from Contacts where {text}"):
            assert fits(anybody.answer(route, json.dumps({"select_query": query}).encode(), {}))


class TestMemory:
    def test_is_packed_and_unpacked_to_the_last_field(self, tmp_path: Path) -> None:
        _, vendors = build(tmp_path / "first")
        crm = vendors.named("zoho-crm")
        crm.seed("demo", 30, 7, True)
        _, again = build(tmp_path / "second")
        file = io.BytesIO()
        CompactPickler(file).dump(crm.dump())
        again.named("zoho-crm").load(pickle.loads(file.getvalue()))
        assert again.named("zoho-crm").state(None) == crm.state(None)
