"""What an order needs in Books besides its invoice: items, taxes, a currency and a customer; what is not there is made or asked, as is said.

Lists are read once, whatever number of orders comes; after a person has mended what was asked, a replay makes exactly one invoice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.integration.books.test_orders import both, order, tax
from tests.support.books_world import ITEMS, BooksWorld
from tests.support.orders import Kind

BOTH = pytest.mark.parametrize("world", ["demo", "demo-second"], indirect=True)


def of_sku(sku: str, seed: int = 1, **more: Any) -> dict[str, Any]:
    placed = order(seed, Kind(), **more)
    placed["lines"][0]["sku"] = sku
    return placed


def taxed(*taxes: tuple[str, str], **more: Any) -> dict[str, Any]:
    """Ten, and ten times each rate on top."""
    amounts = [(title, rate, both(f"{float(rate) * 10:.2f}")) for title, rate in taxes]
    told = [{"title": title, "rate": rate, "amount": amount} for title, rate, amount in amounts]
    total = 10 + sum(float(rate) * 10 for _, rate in taxes)
    line = {"id": "1", "title": "Pin", "quantity": 1, "price": both("10.00"), "taxes": told}
    return {
        "number": "#7", "customer_id": "ida", "currency": "EUR", "presentment_currency": "EUR", "lines": [line],
        "tax": both(f"{total - 10:.2f}"), "total": both(f"{total:.2f}"), **more,
    }  # fmt: skip


def asked(world: BooksWorld) -> Counter[str]:
    """Our calls that change nothing, by their routes."""
    listed: Any = world.sandbox.get("log", since=0)["calls"]
    ours = [call for call in listed if not call["operator"] and call["vendor"] == "zoho-books"]
    return Counter(call["route"] for call in ours if call["method"] == "GET")


def items(world: BooksWorld) -> list[dict[str, Any]]:
    return [one for one in world.books.told("GET", "/items?per_page=200")["items"] if one["sku"] not in ITEMS]


async def bought(world: BooksWorld, *orders: dict[str, Any], executors: int = 1) -> None:
    """A known customer, and these orders."""
    await world.want(world.person("ida"), *(world.bought(f"o{at}", one) for at, one in enumerate(orders)))
    await world.settled(executors=executors)


async def mended(world: BooksWorld, code: str) -> dict[str, Any]:
    """The order was refused with this code, and nothing was made; a replay after the remedy makes one invoice."""
    assert await world.refusal("o0") == ("dead", code)
    assert world.invoices() == []
    await world.replayed("o0")
    await world.settled()
    (invoice,) = world.invoices()
    assert invoice["status"] in ("sent", "overdue")
    return invoice


class TestLists:
    async def test_are_read_once_for_many_orders_and_again_where_something_is_missing(self, world: BooksWorld) -> None:
        tax(world)
        await bought(world, *(order(at) for at in range(12)))
        first = asked(world)
        lists = ("/settings/currencies", "/settings/taxes", "/items")
        assert {route: count for route, count in first.items() if route.removeprefix("GET ") in lists} == {
            f"GET {one}": 1 for one in lists
        }
        assert len(world.invoices()) == 12


class TestItems:
    async def test_that_are_missing_are_made_once_with_two_writers_and_lost_answers(self, world: BooksWorld) -> None:
        tax(world)
        for at, route in enumerate(("POST /items", "POST /invoices")):
            world.fault("reset_after", route, count=1, seed=at)
        await world.want(world.person("ida"), *(world.bought(f"o{at}", of_sku("NEW", at)) for at in range(6)))
        await world.through(within=180, executors=2)
        (made,) = items(world)
        assert (made["sku"], made["name"]) == ("NEW", "Thing 1 (NEW)")
        found = world.invoices()
        assert [one["line_items"][0]["item_id"] for one in found] == [made["item_id"]] * 6

    async def test_that_are_missing_are_free_lines_where_the_mapping_says_so_and_stay_so(
        self, world: BooksWorld
    ) -> None:
        tax(world)
        placed = of_sku("NEW", missing_item="free line")
        await bought(world, placed)
        world.books.told("POST", "/items", {"name": "Later", "sku": "NEW", "rate": "1"}, 201)
        await world.want(world.bought("o0", placed | {"note": "wrap it"}))
        await world.settled()
        (invoice,) = world.invoices()
        assert (invoice["line_items"][0]["item_id"], (await world.item("o0"))["state"]) == ("", "done")

    async def test_that_are_missing_stop_where_the_mapping_says_so_until_they_are_there(
        self, world: BooksWorld
    ) -> None:
        tax(world)
        await bought(world, of_sku("NEW", missing_item="stop"))
        there = world.books.told("POST", "/items", {"name": "Later", "sku": "NEW", "rate": "1"}, 201)["item"]
        invoice = await mended(world, "ZB_ITEM_UNKNOWN")
        assert invoice["line_items"][0]["item_id"] == there["item_id"]

    async def test_that_are_inactive_are_not_made_again(self, world: BooksWorld) -> None:
        tax(world)
        there = world.books.told("POST", "/items", {"name": "Old", "sku": "OLD", "rate": "1"}, 201)["item"]
        world.books.told("POST", f"/items/{there['item_id']}/inactive", None, 200)
        await bought(world, of_sku("OLD"))
        world.books.told("POST", f"/items/{there['item_id']}/active", None, 200)
        await mended(world, "ZB_ITEM_INACTIVE")


class TestTaxes:
    async def test_that_are_unknown_stop_and_name_what_is_meant(self, world: BooksWorld) -> None:
        await bought(world, taxed(("Luxury", "0.33")))
        assert "luxury 33 % is meant" in (await world.item("o0"))["message"]
        tax(world, "Luxury", 33)
        await mended(world, "ZB_TAX_UNKNOWN")

    async def test_of_one_line_are_made_with_the_group_of_them_once(self, world: BooksWorld) -> None:
        tax(world, "State", 9.5)
        several = taxed(("State", "0.06"), ("City", "0.02"), unknown_tax="make")
        await world.want(*(world.bought(f"o{at}", several) for at in range(4)), world.person("ida"))
        await world.through(executors=2)
        rows = world.books.told("GET", "/settings/taxes")["taxes"]
        told = {one["tax_name"]: float(one["tax_percentage"]) for one in rows}
        assert (told["State"], told["State 6 %"], told["City"]) == (9.5, 6.0, 2.0)
        assert {one["tax_total"] for one in world.invoices()} == {0.8}
        assert len(world.invoices()) == 4


class TestGuests:
    @BOTH
    async def test_without_an_address_are_one_customer_for_each_currency(self, world: BooksWorld) -> None:
        """With two writers at once and lost answers."""
        tax(world)
        world.fault("reset_after", "POST /contacts", count=1)
        euros = [order(at, customer_id=None) for at in range(6)]
        yen = [order(at, Kind("JPY"), customer_id=None) for at in range(3)]
        await world.want(*(world.bought(f"o{at}", one) for at, one in enumerate([*euros, *yen])))
        await world.through(within=180, executors=2)
        assert sorted(world.contacts()) == ["Shop guest EUR", "Shop guest JPY"]
        told = Counter(one["customer_name"] for one in world.invoices())
        assert told == {"Shop guest EUR": 6, "Shop guest JPY": 3}
        assert world.contacts()["Shop guest JPY"]["currency_code"] == "JPY"

    async def test_with_an_address_are_whoever_has_it(self, world: BooksWorld) -> None:
        tax(world)
        there = world.books.contact("Ida Alder", "ida@ex.org")
        guests = [
            order(at, customer_id=None, email=mail) for at, mail in enumerate(("Ida@ex.org", "bo@ex.org", "bo@ex.org"))
        ]
        await world.want(*(world.bought(f"o{at}", one) for at, one in enumerate(guests)))
        await world.settled()
        assert Counter(one["customer_name"] for one in world.invoices()) == {"Ida Alder": 1, "bo@ex.org": 2}
        assert world.contacts()["Ida Alder"]["contact_id"] == there["contact_id"]
        assert world.contacts()["bo@ex.org"]["contact_persons"][0]["email"] == "bo@ex.org"

    async def test_whose_address_two_customers_have_are_a_question_with_both_named(self, world: BooksWorld) -> None:
        tax(world)
        two = [world.books.contact(name, "ida@ex.org") for name in ("Ida", "Ida too")]
        await bought(world, order(customer_id=None, email="ida@ex.org"))
        message = (await world.item("o0"))["message"]
        assert all(f"{one['contact_name']} ({one['contact_id']})" in message for one in two)
        world.books.told("DELETE", f"/contacts/{two[1]['contact_id']}", None, 200)
        assert (await mended(world, "ZB_CUSTOMER_TWICE"))["customer_id"] == two[0]["contact_id"]


class TestCustomers:
    async def test_who_are_inactive_stop_their_orders_until_somebody_activates_them(self, world: BooksWorld) -> None:
        id = await known(world, "inactive")
        await bought(world, order())
        assert f"Ida ({id})" in (await world.item("o0"))["message"]
        world.books.told("POST", f"/contacts/{id}/active", None, 200)
        await mended(world, "ZB_CUSTOMER_INACTIVE")

    async def test_who_are_inactive_are_activated_where_the_mapping_says_so(self, world: BooksWorld) -> None:
        id = await known(world, "inactive")
        await bought(world, order(inactive_customer="reactivate"))
        assert len(world.invoices()) == 1
        assert world.books.read("contacts", id)["status"] == "active"

    async def test_who_were_deleted_are_named_after_books_has_refused(self, world: BooksWorld) -> None:
        id = await known(world)
        world.books.told("DELETE", f"/contacts/{id}", None, 200)
        await bought(world, order())
        assert await world.refusal("o0") == ("dead", "ZB_CUSTOMER_GONE")
        assert id in (await world.item("o0"))["message"]

    async def test_of_another_currency_are_named_where_books_refuses_it(self, world: BooksWorld) -> None:
        tax(world)
        world.limits(customer_currency_only=True)
        await bought(world, order(1, Kind("JPY")))
        assert await world.refusal("o0") == ("dead", "ZB_CUSTOMER_CURRENCY")
        assert "has EUR, the order JPY" in (await world.item("o0"))["message"]

    async def test_cost_no_call_for_an_order(self, world: BooksWorld) -> None:
        await known(world)
        before = asked(world)
        await bought(world, *(order(at) for at in range(5)))
        looks = asked(world) - before
        assert [route for route in looks if "{contact_id}" in route] == []


class TestCurrencies:
    async def test_that_are_not_enabled_stop_the_order_until_they_are(self, world: BooksWorld) -> None:
        tax(world)
        placed = order(presentment_currency="SEK")
        await bought(world, placed)
        assert "SEK is meant" in (await world.item("o0"))["message"]
        body = {
            "currency_code": "SEK",
            "currency_symbol": "kr",
            "price_precision": 2,
            "currency_format": "1,234,567.89",
        }
        world.books.told("POST", "/settings/currencies", body, 201)
        invoice = await mended(world, "ZB_CURRENCY_UNKNOWN")
        assert invoice["currency_code"] == "SEK"


async def known(world: BooksWorld, status: str = "") -> str:
    """A customer whom we have written; somebody marks them."""
    tax(world)
    await world.want(world.person("ida"))
    await world.settled()
    id = str(world.contacts()["Ida"]["contact_id"])
    if status:
        world.books.told("POST", f"/contacts/{id}/{status}", None, 200)
    return id
