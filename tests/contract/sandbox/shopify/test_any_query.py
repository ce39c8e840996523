"""Whatever is asked or wished, the simulated shop does not break: it answers, or refuses as the vendor does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.app import Sandbox
from sandbox.registry import build
from sandbox.shopify.schema import schema
from tests.contract.sandbox.shopify.shop import API, Json, order_input

ODD = st.sampled_from(
    ["", "x", "-1", "0", "1e9", "9" * 14, "0.001", "9999-12-31", "0001-01-01T00:00:00+14:00", "gid://shopify/Order/1", "EUR", "JPY", True, False, 0, -1,
     1, 2147483647, 0.19, None, "a@b.example", "http://127.0.0.1:9/hook", "updated_at:<=9999-12-31", "NOT id:1 OR (", "{orders{edges{node{id}}}}"]
)  # fmt: skip
ROOTS = [("query", name, field) for name, field in schema().query_type.fields.items()] + [  # type: ignore[union-attr]
    ("mutation", name, field)
    for name, field in schema().mutation_type.fields.items()  # type: ignore[union-attr]
]


@st.composite
def value_of(draw: st.DrawFn, kind: Any, depth: int = 0) -> Any:
    """A value of about the right form."""
    if str(kind).strip("!").startswith("["):
        inner = str(kind).strip("!").removeprefix("[").removesuffix("]").strip("!")
        return draw(st.lists(value_of(schema().type_map[inner], depth + 1), max_size=2))
    named = get_named_type(kind)
    if isinstance(named, GraphQLEnumType):
        return draw(st.sampled_from(sorted(named.values)))
    if isinstance(named, GraphQLInputObjectType):
        if depth > 4:
            return {}
        chosen = [name for name in named.fields if str(named.fields[name].type).endswith("!") or draw(st.booleans())]
        return {name: draw(value_of(named.fields[name].type, depth + 1)) for name in chosen}
    if named.name == "ID":
        return draw(st.sampled_from(["ORDER", "CUSTOMER", "LINE", "gid://shopify/Order/0", "x"]))
    numbers = {
        "Int": st.sampled_from([0, 1, 2, 250, -1]),
        "Boolean": st.booleans(),
        "Decimal": st.sampled_from(["0", "1.005", "9.99", "-1", "99999999999999"]),
    }
    return draw(st.one_of(numbers.get(named.name, ODD), ODD))


class Insider:
    """Calls as the operator, with ids of records that are there."""

    def __init__(self, folder: Path) -> None:
        core, vendors = build(folder)
        self.app, self.shop = Sandbox(core, vendors, 3600), vendors.named("shopify")
        self.shop.seed("demo", 20, 1, True)  # type: ignore[attr-defined]
        row = next(row for row in self.shop.accounts() if row["name"] == "demo")
        self.headers = {"x-shopify-access-token": str(row["operator_token"])}

    def ids(self) -> dict[str, str]:
        told = self.shop.state("demo")["accounts"]["demo"]  # type: ignore[index]
        if not told["orders"]:
            self.shop.act("demo", {"action": "place_order", "order": order_input()})  # type: ignore[attr-defined]
            told = self.shop.state("demo")["accounts"]["demo"]  # type: ignore[index]
        order = next(iter(told["orders"].values()))
        customer = next(iter(told["customers"]), "0")
        line = order["line_items"][0]["id"]
        return {
            "ORDER": order["admin_graphql_api_id"],
            "CUSTOMER": f"gid://shopify/Customer/{customer}",
            "LINE": f"gid://shopify/LineItem/{line}",
        }

    async def call(self, query: str, variables: Json) -> httpx.Response:
        body = json.dumps({"query": query, "variables": variables})
        for name, id_ in self.ids().items():
            body = body.replace(f'"{name}"', f'"{id_}"')
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://sandbox.test") as http:
            return await http.post(API, content=body, headers=self.headers)


@pytest.fixture(scope="module")
def insider(tmp_path_factory: pytest.TempPathFactory) -> Insider:
    return Insider(tmp_path_factory.mktemp("any"))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(draws=st.data())
def test_no_wish_breaks_the_shop(insider: Insider, draws: st.DataObject) -> None:
    how, name, field = draws.draw(st.sampled_from(ROOTS))
    asked = {
        arg: draws.draw(value_of(one.type))
        for arg, one in field.args.items()
        if str(one.type).endswith("!") or draws.draw(st.booleans())
    }
    heads = ",".join(f"${arg}:{field.args[arg].type}" for arg in asked)
    given_ = ",".join(f"{arg}:${arg}" for arg in asked)
    inner = "{__typename}" if hasattr(get_named_type(field.type), "fields") else ""
    query = f"{how}{f'({heads})' if heads else ''}{{{name}{f'({given_})' if given_ else ''}{inner}}}"
    answer = asyncio.run(insider.call(query, asked))
    assert answer.status_code == 200, answer.text
    assert {"data", "errors"} & set(answer.json())
