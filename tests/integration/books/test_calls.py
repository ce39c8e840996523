"""What an order costs of the organisation's quota, counted by Books itself: two calls where a draft takes its payment, else three."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.books.test_orders import order, paid, tax
from tests.support.books_world import BooksWorld
from tests.support.orders import Kind

ORDERS = 30
# One line: what Books rounds otherwise costs one adjustment more, and is not what is counted here.
PLAIN = Kind(lines=1, discounts=0, shipping=0)


def since(world: BooksWorld, calls: int) -> list[dict[str, Any]]:
    """Our calls to Books after so many of them."""
    listed: Any = world.sandbox.get("log", since=0)["calls"]
    return [call for call in listed if call["vendor"] == "zoho-books" and not call["operator"]][calls:]


class TestCalls:
    @pytest.mark.parametrize(("takes", "ideal"), [(True, 2), (False, 3)])
    async def test_of_a_paid_order_are_two_where_drafts_take_payments_which_is_tried_once(
        self, world: BooksWorld, takes: bool, ideal: int
    ) -> None:
        tax(world)
        world.sandbox.post("limits", {"vendor": "zoho-books", "account": world.account, "payments_open_drafts": takes})
        async with world.running():
            await world.want(world.person("ida"), world.bought("first", paid(order(kind=PLAIN))))
            await world.quiet()
            assert await self._learnt(world) == [("drafts_take_payments", takes)]
            before = len(since(world, 0))
            told = [world.bought(f"o{n}", paid(order(n, PLAIN))) for n in range(2, ORDERS + 2)]
            await world.want(*told)
            await world.quiet()
            made = since(world, before)
            await world.want(*(world.bought(f"o{n}", paid(order(n, PLAIN))) for n in range(2, ORDERS + 2)))
            await world.quiet()
            assert len(since(world, before)) == len(made), "a repeat costs nothing"
        assert ORDERS * ideal <= len(made) <= ORDERS * ideal * 1.1
        assert not [call for call in since(world, 0) if "send" in call["query"]]
        invoices = world.invoices()
        assert len(invoices) == len(world.payments()) == ORDERS + 1
        assert {one["status"] for one in invoices} == {"paid"}
        assert not any(one["is_emailed"] for one in invoices)

    async def test_an_organisation_that_takes_no_payment_for_drafts_any_more_is_learnt_anew(
        self, world: BooksWorld
    ) -> None:
        tax(world)
        switch = {"vendor": "zoho-books", "account": world.account}
        world.sandbox.post("limits", {**switch, "payments_open_drafts": True})
        await world.want(world.person("ida"), world.bought("o1", paid(order(kind=PLAIN))))
        await world.settled()
        world.sandbox.post("limits", {**switch, "payments_open_drafts": False})
        await world.want(world.bought("o2", paid(order(2, PLAIN))))
        await world.settled()
        assert await self._learnt(world) == [("drafts_take_payments", False)]
        assert [(one["status"], float(one["balance"])) for one in world.invoices()] == [("paid", 0.0)] * 2

    @staticmethod
    async def _learnt(world: BooksWorld) -> list[tuple[str, bool]]:
        rows = await world.rows("select name, holds from flow.place_lesson order by name")
        return [(row["name"], row["holds"]) for row in rows]
