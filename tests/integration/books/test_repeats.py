"""A customer who buys the same again and again gets an invoice for each of the orders: what tells two orders apart is their id alone.

BOOKS_REPEATS=500 is the size of the promise, as `make test-long` makes it.
"""

from __future__ import annotations

import os

import pytest

from tests.integration.books.test_orders import order, paid, tax
from tests.support.books_world import BooksWorld

REPEATS = int(os.environ.get("BOOKS_REPEATS", "20"))


class TestOneCustomer:
    @pytest.mark.timeout(60 + 2 * REPEATS)
    @pytest.mark.parametrize("world", ["demo", "demo-second"], indirect=True)
    async def test_has_an_invoice_for_each_of_many_equal_orders(self, world: BooksWorld) -> None:
        tax(world)
        await world.want(world.person("ida"))
        await world.settled()
        same = [paid(order(1, number=f"#{n}")) for n in range(REPEATS)]
        told = [world.bought(f"o{n}", one) for n, one in enumerate(same)]
        await world.want(*told, *told)
        await world.settled(within=30 + 2 * REPEATS, executors=2)
        live = [one for one in world.listed("invoices") if one["status"] != "void"]
        assert len(live) == len({one["reference_number"] for one in live}) == REPEATS
        assert {(one["status"], float(one["total"])) for one in live} == {("paid", float(same[0]["total"]["shop"]))}
        assert len(world.listed("customerpayments")) == REPEATS
