"""Bodies that look right and are not, and a memory that is packed and unpacked: nothing breaks, nothing is lost."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.compact import CompactPickler
from sandbox.quickbooks.entities import CUSTOMER
from sandbox.registry import build
from sandbox.simulator import Answer, Request, Simulator

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12), st.sampled_from(["", "0", "1", "-1", "1e5", "2026-01-31", "\x00", "é" * 300, "a@b.example", "Customer"]),
)  # fmt: skip
_MORE = "Id SyncToken sparse value type Address FreeFormNumber Line1 Note AttachableRef EntityRef IncludeOnSend bId operation Query BatchItemRequest Customer"
NAMES = st.sampled_from([*CUSTOMER, *_MORE.split()])
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=10,
)
OBJECTS = st.dictionaries(NAMES, DOCUMENTS, max_size=6)
ITEMS = st.builds(lambda items: {"BatchItemRequest": items}, st.lists(OBJECTS, max_size=3))
QUERIES = st.text(alphabet="selctidfromwhnal =<>('%,)Customer.MetaDtbygANDorIN0123456789", max_size=60)
SETTINGS = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Anybody:
    """Calls the simulator as the operator of a small company."""

    def __init__(self, simulator: Simulator, core: Any) -> None:
        self.simulator, self.core = simulator, core
        simulator.seed("demo", 12, 1, True)
        rows: Any = simulator.accounts()
        self.row = rows[0]

    def answer(self, method: str, name: str, body: bytes, query: dict[str, str]) -> Answer:
        path = f"/v3/company/{self.row['realm_id']}/{name}"
        headers = {"authorization": f"Bearer {self.row['operator_token']}", "content-type": "application/text"}
        request = Request(
            method, "/quickbooks", path, tuple(path.strip("/").split("/")), path, list(query.items()), b"", headers, body,
            "http://x", operator=True, now=self.core.clock.now(), mono_ns=0, id="r",
        )  # fmt: skip
        ticket = self.simulator.admit(request)
        assert not isinstance(ticket, Answer)
        return self.simulator.handle(request, ticket)


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    core, vendors = build(tmp_path_factory.mktemp("quickbooks"))
    yield Anybody(vendors.named("quickbooks"), core)


def fits(answer: Answer) -> bool:
    told = json.loads(answer.body)
    return (answer.status == 200 and "Fault" not in told) or (answer.status == 400 and bool(told["Fault"]["Error"]))


class TestAnyBody:
    @SETTINGS
    @given(name=st.sampled_from(["customer", "vendor", "employee", "attachable", "invoice"]), body=OBJECTS)
    def test_is_answered_in_the_vendors_shape(self, anybody: Anybody, name: str, body: dict[str, Any]) -> None:
        assert fits(anybody.answer("POST", name, json.dumps(body).encode(), {}))

    @SETTINGS
    @given(body=ITEMS)
    def test_any_batch_is_answered(self, anybody: Anybody, body: dict[str, Any]) -> None:
        assert fits(anybody.answer("POST", "batch", json.dumps(body).encode(), {"requestid": json.dumps(body)[:30]}))

    @SETTINGS
    @given(text=QUERIES)
    def test_any_query_is_read_or_refused(self, anybody: Anybody, text: str) -> None:
        for query in (text, f"select * from Customer where {text}", f"select {text} from Invoice orderby {text}"):
            assert fits(anybody.answer("GET", "query", b"", {"query": query}))


class TestMemory:
    def test_is_packed_and_unpacked_to_the_last_field(self, tmp_path: Path) -> None:
        _, vendors = build(tmp_path / "first")
        books = vendors.named("quickbooks")
        books.seed("demo", 30, 7, True)
        asked = {"do": "edit", "id": "3", "values": {"Notes": "x"}}
        books.act("demo", {"do": "set_webhook", "url": "http://127.0.0.1:9/"})  # type: ignore[attr-defined]
        books.act("demo", asked)  # type: ignore[attr-defined]
        _, again = build(tmp_path / "second")
        file = io.BytesIO()
        CompactPickler(file).dump(books.dump())
        again.named("quickbooks").load(pickle.loads(file.getvalue()))
        assert again.named("quickbooks").state(None) == books.state(None)

    def test_the_same_seed_gives_the_same_company(self, tmp_path: Path) -> None:
        told = []
        for name in ("one", "two"):
            _, vendors = build(tmp_path / name)
            vendors.named("quickbooks").seed("demo", 60, 3, True)
            told.append(vendors.named("quickbooks").state("demo"))
        assert told[0] == told[1]
        rows: Any = told[0]["accounts"]
        customers = rows["demo"]["records"]["Customer"]
        assert {one["IsProject"] for one in customers} == {one["Active"] for one in customers} == {True, False}
