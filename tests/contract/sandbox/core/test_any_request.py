"""Whatever is sent to any address, no vendor breaks: no 500 that the real one would not give."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.app import Sandbox
from sandbox.registry import build
from tests.support.sandbox import SandboxProcess

PREFIXES = (
    "/zoho/eu/accounts",
    "/zoho/cn/accounts/oauth/v2",
    "/zoho/eu/api/books/v3",
    "/zoho/eu/api/books/v3/settings",
    "/zoho/eu/api/books/v3/contacts/CONTACT",
    "/zoho/eu/api/books/v3/invoices/INVOICE",
    "/zoho/in/api/crm/v8",
    "/zoho/in/api/crm/v8/Contacts/RECORD",
    "/zoho/in/api/crm/v8/settings",
    "/zoho/in/api/crm/bulk/v8",
    "/zoho/in/campaigns/api/v1.1",
    "/zoho/in/campaigns/api/v1.1/json",
    "/mailchimp/us6/3.0",
    "/mailchimp/us6/3.0/lists/AUDIENCE",
    "/mailchimp/us6/3.0/lists/AUDIENCE/members/MEMBER",
    "/mailchimp/login",
    "/mailchimp",
    "/shopify/demo/admin",
    "/shopify/demo/admin/api/2026-04",
    "/quickbooks",
    "/quickbooks/v3/company/REALM",
    "/quickbooks/v3/company/REALM/customer/CUSTOMER",
    "/_sandbox",
    "",
)
WORDS = st.sampled_from(
    [
        "oauth",
        "v2",
        "auth",
        "token",
        "revoke",
        "serverinfo",
        "oauth2",
        "metadata",
        "authorize",
        "contacts",
        "invoices",
        "customerpayments",
        "items",
        "settings",
        "currencies",
        "taxes",
        "webhooks",
        "workflows",
        "organizations",
        "contactpersons",
        "comments",
        "active",
        "inactive",
        "status",
        "sent",
        "void",
        "tags",
        "address",
        "histories",
        "resend",
        "lists",
        "members",
        "ping",
        "batches",
        "merge-fields",
        "segments",
        "notes",
        "events",
        "activity",
        "actions",
        "delete-permanent",
        "search-members",
        "account-export",
        "seed",
        "faults",
        "clock",
        "limits",
        "log",
        "counts",
        "deliveries",
        "state",
        "reset",
        "accounts",
        "1",
        "0",
        "-1",
        "abc",
        "460000000099001",
        "d41d8cd98f00b204e9800998ecf8427e",
        "demo",
        "customer",
        "attachable",
        "query",
        "cdc",
        "batch",
    ]
)
ODD = st.one_of(WORDS, st.text(max_size=12), st.just("%00"), st.just(".."), st.just("%ff%fe"), st.just("9" * 400))
NAMES = st.sampled_from(
    [
        "organization_id",
        "page",
        "per_page",
        "sort_column",
        "sort_order",
        "filter_by",
        "email",
        "contact_name",
        "status",
        "count",
        "offset",
        "fields",
        "since_last_changed",
        "skip_merge_validation",
        "client_id",
        "client_secret",
        "grant_type",
        "code",
        "refresh_token",
        "redirect_uri",
        "scope",
        "response_type",
        "user",
        "decision",
        "vendor",
        "account",
        "size",
        "seed",
        "kind",
        "share",
        "advance_s",
        "at",
        "since",
        "members",
        "update_existing",
        "email_address",
        "merge_fields",
        "line_items",
        "contact_persons",
        "custom_fields",
        "date",
        "due_date",
        "amount",
        "invoices",
        "operations",
        "url",
        "events",
        "sources",
        "webhook_name",
        "entity",
        "secret",
        "name",
        "tags",
        "value",
        "rate",
        "item_id",
        "quantity",
        "currency_id",
        "customer_id",
    ]
)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=40), st.just("x" * 5000), WORDS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=15,
)
BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=300),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.just(b"[" * 20_000),
    st.just(b'{"a":' * 2_000),
    st.just(b'{"contact_name":"' + b"x" * 300_000 + b'"}'),
    st.just(b'{"amount":1e999999,"quantity":' + b"9" * 5000 + b"}"),
    st.just(b'{"contact_name":"\\ud800"}'),
)
KINDS = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain; charset=nonsense", ""]
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    segments = draw(st.lists(ODD, max_size=5))
    query = draw(st.dictionaries(NAMES, st.one_of(ODD, SCALARS.map(str)), max_size=4))
    return {
        "method": draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])),
        "path": draw(st.sampled_from(PREFIXES)) + "".join(f"/{segment}" for segment in segments),
        "query": "&".join(f"{name}={value}" for name, value in query.items()),
        "raw_query": draw(st.one_of(st.none(), st.binary(max_size=60))),
        "kind": draw(KINDS),
        "named": draw(st.integers(0, 14)),
        "body": draw(BODIES),
    }


class Anybody:
    """Sends requests straight into the application, as operator of each demo account or as nobody."""

    def __init__(self, app: Sandbox) -> None:
        rows = [row for simulator in app.vendors.all for row in simulator.accounts() if row["name"] == "demo"]
        self.app = app
        self.organization = next(str(row["organization_id"]) for row in rows if row.get("organization_id"))
        self.places = {str(row["vendor"]): 2 * at for at, row in enumerate(rows)}
        self.authorizations = [
            *(f"{scheme} {row['operator_token']}" for row in rows for scheme in ("Zoho-oauthtoken", "Bearer")),
            "Basic !!!",
            "Basic /w==",
            "",
        ]
        self.ids = {"AUDIENCE": next(str(row["audience_ids"][0]) for row in rows if row.get("audience_ids"))}  # type: ignore[index]

    async def learn(self) -> None:
        """Real ids stand behind the words in capitals, so that requests get past the first 404."""
        for row in self.app.vendors.all:
            if row.vendor != "zoho-accounts":
                row.seed("demo", 20, 1, True)
        crm: Any = self.app.vendors.named("zoho-crm").state("demo")["accounts"]
        self.ids["RECORD"] = crm["demo"]["records"]["Contacts"][0]["id"]
        books: Any = self.app.vendors.named("quickbooks").state("demo")["accounts"]
        self.ids |= {"REALM": books["demo"]["realm"], "CUSTOMER": books["demo"]["records"]["Customer"][0]["Id"]}
        zoho, lists = "/zoho/eu/api/books/v3", f"/mailchimp/us6/3.0/lists/{self.ids['AUDIENCE']}"
        for word, path, many, one in (
            ("CONTACT", f"{zoho}/contacts", "contacts", "contact_id"),
            ("INVOICE", f"{zoho}/invoices", "invoices", "invoice_id"),
            ("PAYMENT", f"{zoho}/customerpayments", "customerpayments", "payment_id"),
            ("ITEM", f"{zoho}/items", "items", "item_id"),
            ("MEMBER", f"{lists}/members", "members", "id"),
        ):
            named = self.places["mailchimp"] if path.startswith("/mailchimp") else 0
            asked = {
                "method": "GET",
                "path": path,
                "query": "",
                "raw_query": None,
                "kind": "",
                "named": named,
                "body": b"",
            }
            self.ids[word] = json.loads((await self.told(asked))[1]["body"])[many][0][one]

    async def status(self, asked: dict[str, Any]) -> int:
        return int((await self.told(asked))[0]["status"])

    async def told(self, asked: dict[str, Any]) -> list[Any]:
        query = (
            asked["raw_query"] if asked["raw_query"] is not None else asked["query"].encode("utf-8", "surrogatepass")
        )
        if b"organization_id" not in query and asked["raw_query"] is None:
            query += f"&organization_id={self.organization}".encode()
        authorization = self.authorizations[asked["named"] % len(self.authorizations)]
        path = re.sub("|".join(self.ids), lambda word: self.ids[word.group()], asked["path"])
        scope = {
            "type": "http",
            "method": asked["method"],
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogatepass"),
            "query_string": query,
            "headers": [
                (b"host", b"sandbox.test"),
                (b"content-type", asked["kind"].encode()),
                (b"authorization", authorization.encode()),
            ],
        }
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": asked["body"], "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        await self.app(scope, receive, send)
        return told


@pytest.fixture(scope="module")
def anybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    core, vendors = build(tmp_path_factory.mktemp("any"))
    everyone = Anybody(Sandbox(core, vendors, 3600))
    asyncio.run(everyone.learn())
    yield everyone


@pytest.mark.parametrize("prefix", PREFIXES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(asked=requests())
def test_no_request_breaks_a_vendor(anybody: Anybody, prefix: str, asked: dict[str, Any]) -> None:
    asked["path"] = prefix + asked["path"].removeprefix(next((p for p in PREFIXES if asked["path"].startswith(p)), ""))
    assert 200 <= asyncio.run(anybody.status(asked)) < 500


class TestGarbageOnTheSocket:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /mailchimp/us6/3.0/ping HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
            b"GET /zoho/eu/accounts/%zz%00 HTTP/1.1\r\nhost: \xff\xfe\r\n\r\n",
        ],
    )
    def test_leaves_the_sandbox_answering(self, sandbox: SandboxProcess, sent: bytes) -> None:
        host, port = sandbox.base_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(sent)
            connection.settimeout(1)
            try:
                answer = connection.recv(100)
            except (TimeoutError, ConnectionError):
                answer = b""
        assert not answer.startswith(b"HTTP/1.1 5")
        assert httpx.get(f"{sandbox.base_url}/livez").status_code == 200


def test_the_list_of_prefixes_reaches_every_vendor(tmp_path: Path) -> None:
    _, vendors = build(tmp_path)
    reached = {owner[0].vendor for prefix in PREFIXES if (owner := vendors.owner(prefix))}
    assert reached == {simulator.vendor for simulator in vendors.all}
