"""Parameters that look right and are not, and a memory that is packed and unpacked: nothing breaks, nothing is lost."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.compact import CompactPickler
from sandbox.registry import build
from sandbox.simulator import Answer, Request, Simulator
from sandbox.zoho_campaigns.methods import BY_ADDRESS

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "0", "-1", "1", "9" * 400, "active", "newlist", "public", "a@b.example", "a@b.example,c@d.example", "KEY", "TOPIC", "Text", "\x00<&", "é" * 300]),
)  # fmt: skip
FIELDS = st.sampled_from(
    ["Contact Email", "First Name", "City", "topic_name", "topic_desc", "product_id", "from_index", "range", "x"]
)
VALUES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.lists(TEXTS, max_size=2),
)
DOCUMENTS = st.one_of(
    st.dictionaries(FIELDS, VALUES, max_size=4).map(json.dumps),
    st.text(alphabet='{}":,a@b.example Contact Email', max_size=30),
)
NAMES = st.sampled_from(
    [
        "resfmt",
        "listkey",
        "contactinfo",
        "details",
        "source",
        "topic_id",
        "emailids",
        "fromindex",
        "range",
        "sort",
        "status",
        "tagName",
    ]
)
QUERIES = st.dictionaries(NAMES, st.one_of(TEXTS, DOCUMENTS), max_size=3)


class Anybody:
    """Calls the simulator as the operator of a small account."""

    def __init__(self, simulator: Simulator, core: Any) -> None:
        self.simulator, self.core = simulator, core
        simulator.seed("demo", 12, 1, True)
        rows: Any = simulator.accounts()
        self.row = next(row for row in rows if row["name"] == "demo")

    def answer(self, verb: str, method: str, query: dict[str, str]) -> Answer:
        words = {"KEY": self.row["lists"]["Customers"], "TOPIC": self.row["topics"]["News"]}
        sent = [(name, words.get(value, value)) for name, value in query.items()]
        headers = {"authorization": f"Zoho-oauthtoken {self.row['operator_token']}"}
        request = Request(
            verb, "/zoho/in/campaigns/api/v1.1", f"/{method}", tuple(method.split("/")), f"/{method}", sent, b"", headers, b"", "http://x",
            operator=True, now=self.core.clock.now(), mono_ns=0, id="r",
        )  # fmt: skip
        ticket = self.simulator.admit(request)
        assert not isinstance(ticket, Answer)
        return self.simulator.handle(request, ticket)


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    core, vendors = build(tmp_path_factory.mktemp("campaigns"))
    yield Anybody(vendors.named("zoho-campaigns"), core)


def code_in(answer: Answer) -> str:
    """The code, wherever and however it stands."""
    if answer.headers["content-type"].startswith("text/xml"):
        root = ElementTree.fromstring(answer.body)
        return str(root.findtext("code") or root.findtext("Code"))
    told = json.loads(answer.body)
    told = told.get("response", told)
    return str(told.get("code") or told["Code"])


class TestAnyBody:
    @settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        address=st.sampled_from(sorted(BY_ADDRESS)),
        wanted=QUERIES,
        filled=st.booleans(),
        text=TEXTS,
        document=DOCUMENTS,
    )
    def test_is_answered_in_the_vendors_shape(
        self, anybody: Anybody, address: tuple[str, str], wanted: dict[str, str], filled: bool, text: str, document: str
    ) -> None:
        method = BY_ADDRESS[address]
        if filled:  # as it must be, but for what is in it
            usual = {"listkey": "KEY", "type": "json", "mode": "newlist", "contactinfo": document, "details": document}
            wanted = {name: usual.get(name, text) for name in method.mandatory} | {
                name: value for name, value in wanted.items() if name in (*method.mandatory, *method.optional)
            }
        answer = anybody.answer(*address, wanted)
        assert (answer.status, code_in(answer).isdigit()) == (200, True)


class TestMemory:
    def test_is_packed_and_unpacked_to_the_last_field(self, tmp_path: Path) -> None:
        _, vendors = build(tmp_path / "first")
        campaigns: Any = vendors.named("zoho-campaigns")
        campaigns.seed("demo", 30, 7, True)
        campaigns.act("demo", {"do": "subscribe", "list": "Newsletter", "email": "ida@alder.example"})
        campaigns.act("demo", {"do": "lock", "method": "POST listsubscribe"})
        campaigns.set_limits({"account": "demo", "lock_s": 7})
        _, again = build(tmp_path / "second")
        file = io.BytesIO()
        CompactPickler(file).dump(campaigns.dump())
        other: Any = again.named("zoho-campaigns")
        other.load(pickle.loads(file.getvalue()))
        assert other.state(None) == campaigns.state(None)
        assert other.set_limits({}) == campaigns.set_limits({})
