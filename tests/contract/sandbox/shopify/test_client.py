"""The vendor's own Python client, `ShopifyAPI`, against the sandbox."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import shopify

from tests.contract.sandbox.shopify.shop import amount
from tests.support.sandbox import SandboxProcess

VERSION = "2026-04"
CREATE = "mutation($o:OrderCreateOrderInput!){orderCreate(order:$o){order{id name} userErrors{field message}}}"


@pytest.fixture
def row(sandbox: SandboxProcess) -> dict[str, Any]:
    found = sandbox.get("accounts")["accounts"]
    return next(one for one in found if str(one.get("base_url", "")).endswith("/shopify/demo"))  # type: ignore[attr-defined]


@pytest.fixture
def client(row: dict[str, Any]) -> Iterator[shopify.GraphQL]:
    """A session of a shop, pointed at the sandbox as its address of the API."""
    session = shopify.Session("demo.myshopify.com", VERSION, row["access_token"])
    assert session.site == f"https://demo.myshopify.com/admin/api/{VERSION}"
    shopify.ShopifyResource.activate_session(session)
    shopify.ShopifyResource.set_site(f"{row['base_url']}/admin/api/{VERSION}")
    yield shopify.GraphQL()
    shopify.ShopifyResource.clear_session()


def told(client: shopify.GraphQL, question: str, **variables: Any) -> dict[str, Any]:
    answer = json.loads(client.execute(question, variables))
    assert "errors" not in answer, answer
    return dict(answer["data"])


class TestClient:
    def test_reads_the_shop_and_what_it_cost(self, client: shopify.GraphQL) -> None:
        answer = json.loads(client.execute("query named{shop{myshopifyDomain}}", operation_name="named"))
        assert answer["data"]["shop"]["myshopifyDomain"] == "demo.myshopify.com"
        assert answer["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] == 2_000.0

    def test_makes_an_order_and_finds_it_in_pages(self, client: shopify.GraphQL) -> None:
        lines = [{"title": "Tea", "sku": "T", "quantity": 2, "priceSet": amount("10.00")}]
        made = [told(client, CREATE, o={"lineItems": lines})["orderCreate"]["order"]["id"] for _ in range(3)]
        found, after = list[str](), None
        question = "query($a:String){orders(first:2,after:$a,sortKey:ID){nodes{id} pageInfo{hasNextPage endCursor}}}"
        while True:
            page = told(client, question, a=after)["orders"]
            found += [one["id"] for one in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert set(made) <= set(found) and len(found) == len(set(found))

    def test_reads_a_whole_shop_by_a_bulk_operation(self, client: shopify.GraphQL, sandbox: SandboxProcess) -> None:
        sandbox.post("seed", {"vendor": "shopify", "account": "demo", "size": 12, "seed": 7})
        begin = "mutation($q:String!){bulkOperationRunQuery(query:$q){bulkOperation{id} userErrors{message}}}"
        made = told(client, begin, q="{customers{edges{node{id email}}}}")["bulkOperationRunQuery"]
        assert made["userErrors"] == []
        sandbox.post("clock", {"advance_s": 10})
        look = "query($id:ID!){bulkOperation(id:$id){status url objectCount}}"
        ended = told(client, look, id=made["bulkOperation"]["id"])["bulkOperation"]
        assert (ended["status"], ended["objectCount"]) == ("COMPLETED", "12")
        with urllib.request.urlopen(ended["url"], timeout=30) as file:
            assert len([json.loads(line) for line in file]) == 12

    def test_meets_the_vendors_refusals(self, client: shopify.GraphQL, capsys: pytest.CaptureFixture[str]) -> None:
        answer = json.loads(client.execute("{shop{nothing}}"))
        assert "doesn't exist on type 'Shop'" in answer["errors"][0]["message"]
        client.headers = {**client.headers, "X-Shopify-Access-Token": "shpat_wrong"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            client.execute("{shop{name}}")
        assert refused.value.code == 401 and "Invalid API key" in capsys.readouterr().out


class TestConsent:
    def test_what_comes_back_is_signed_as_the_client_expects_it(self, row: dict[str, Any]) -> None:
        shopify.Session.setup(api_key=row["client_id"], secret=row["client_secret"])
        session = shopify.Session("demo.myshopify.com", VERSION)
        where = session.create_permission_url(["read_orders"], "http://127.0.0.1:9/callback", state="abc")
        asked = {**dict(parse_qsl(urlsplit(where).query)), "decision": "install"}
        answer = httpx.post(f"{row['base_url']}/admin/oauth/authorize", data=asked, timeout=30, trust_env=False)
        params = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        assert shopify.Session.validate_params(params)
        assert not shopify.Session.validate_params({**params, "shop": "other.myshopify.com"})
