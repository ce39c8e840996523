"""Both sides compared, where the target is a ledger: what somebody did to our invoices is found by their list, looked at, and mended or asked about once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from common.contracts.ids import Entity, SyncId
from common.state import reconciliations
from common.state.pool import transaction
from common.state.reconciliations import LegKey
from tests.integration.books.test_orders import order, paid, tax
from tests.support.books_world import BooksWorld
from vendors import zoho_books
from writing.reconciler import Reconciler

LEG = LegKey(SyncId("s1"), Entity("order"))
ORDERS = 6
# Its list of invoices alone.
LISTED = ["GET /invoices"]


async def compared(world: BooksWorld) -> dict[str, Any]:
    """Asked for, compared, and what was handed over is planned once more: what people are shown then."""
    # What was written a moment ago is moved, and what an answer of ours has changed in the second of the beginning too.
    world.sandbox.post("clock", {"advance_s": 120})
    async with transaction(world.pool) as tx:
        await reconciliations.ask(tx, [LEG], "ada", world.clock.now(), repair=True)
    door = world.door()
    reconciler = Reconciler(zoho_books.VENDOR, world.pool, door, world.clock, asyncio.Event())
    while await reconciler.step():
        pass
    await door.aclose()
    await world.settled()
    async with transaction(world.pool) as tx:
        (found,) = [one for one in await reconciliations.shown(tx, LEG.sync) if one["leg"] == LEG.entity]
    return {**found, **found["result"]}


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("records", "moved", "drifted", "missing"))


@pytest.fixture
async def sold(world: BooksWorld) -> BooksWorld:
    """Six orders, each a paid invoice."""
    tax(world)
    await world.want(world.person("ida"), *(world.bought(f"o{n}", paid(order(n))) for n in range(ORDERS)))
    await world.settled()
    return world


class TestInvoices:
    async def test_that_are_as_they_shall_be_cost_a_list_call(self, sold: BooksWorld) -> None:
        before = len(sold.sandbox.get("log", since=0)["calls"])  # type: ignore[arg-type]
        found = await compared(sold)
        assert (counts(found), found["state"]) == ((ORDERS, 0, 0, 0), "resting")
        calls: Any = sold.sandbox.get("log", since=0)["calls"]
        assert [one["route"] for one in calls[before:] if not one["operator"]] == LISTED

    async def test_whose_payment_is_gone_are_paid_once_and_what_a_person_changed_is_asked_once(
        self, sold: BooksWorld
    ) -> None:
        unpaid, changed, gone = sold.invoices()[:3]
        for payment in sold.payments():
            if payment["invoice_numbers"] in {one["invoice_number"] for one in (unpaid, gone)}:
                sold.books.told("DELETE", f"/customerpayments/{payment['payment_id']}")
        sold.books.told("DELETE", f"/invoices/{gone['invoice_id']}")
        sold.books.told("PUT", f"/invoices/{changed['invoice_id']}", {"adjustment": 3}, 200)
        found = await compared(sold)
        assert counts(found) == (ORDERS, 0, 2, 1)
        assert sold.books.read("invoices", unpaid["invoice_id"])["status"] == "paid"
        assert len(sold.payments()) == ORDERS - 1
        told = {row["record"]: (row["state"], row["code"], row["reason"]) for row in await sold.rows("select record, state, code, reason from flow.work_item where entity = 'order'")}  # fmt: skip
        assert sorted(one for one in told.values() if one[0] != "done" or one[2]) == [
            ("dead", "ZB_INVOICE_EDITED", "ZB_INVOICE_EDITED"), ("done", "", "not_at_target"),
        ]  # fmt: skip
        made = sold.made()
        again = await compared(sold)
        assert (again["drifted"], again["missing"]) == (0, 0)
        assert sold.made() == made
