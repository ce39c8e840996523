"""Orders of forty kinds, in euros, dollars, yen and dinars, brought into Books by the real writer under both of its roundings: every amount of every
invoice is what a second implementation expects, and what was made wrong on purpose, and nothing else, is told with its sum and never posted.

CENT_ORDERS says how many orders for each rounding.
"""

from __future__ import annotations

import os
import time
from decimal import Decimal
from typing import Any

import pytest

from tests.support.books_world import BooksWorld
from tests.support.invoice_judge import OrderJudge
from tests.support.orders import DIGITS, KINDS, TAXES, Placing

ORDERS = int(os.environ.get("CENT_ORDERS", "40"))
TOGETHER, CUSTOMERS = 100, 7
WITHIN_S = 60 + ORDERS
# Of so many orders one adds up to something else in the shop itself, and one in Books; not a part of forty, so that it is of every kind.
WRONG_EVERY, WRONG_IN_SHOP, WRONG_IN_BOOKS = 21, 7, 13


def placed(number: int) -> dict[str, Any]:
    order = Placing(KINDS[number % len(KINDS)], number).order(number, customer_id=f"c{number % CUSTOMERS}")
    if number % WRONG_EVERY == WRONG_IN_SHOP:
        _more(order, "total", _beyond(order))
    if number % WRONG_EVERY == WRONG_IN_BOOKS:
        _taxed_wrong(order)
    return order


def _beyond(order: dict[str, Any]) -> int:
    """More smallest units than its lines could be rounded by."""
    return len(order["lines"]) + len(order["shipping_lines"]) + 1


def _taxed_wrong(order: dict[str, Any]) -> None:
    """It adds up in the shop; of that rate it is another tax."""
    taxes = [tax for part in (*order["lines"], *order["shipping_lines"]) for tax in part["taxes"]]
    if not taxes:
        _more(order, "total", _beyond(order))
        return
    units = 2 * _beyond(order)
    _more(taxes[0], "amount", units, order["presentment_currency"])
    _more(order, "tax", units)
    if not order["taxes_included"]:
        _more(order, "total", units)


def _more(of: dict[str, Any], name: str, units: int, currency: str = "") -> None:
    unit = Decimal(1).scaleb(-DIGITS[currency or of["presentment_currency"]])
    amount = str(Decimal(of[name]["shop"]) + units * unit)
    of[name] = {"shop": amount, "presentment": amount}


def paid(order: dict[str, Any]) -> dict[str, Any]:
    amount = str(Decimal(order["total"]["shop"]) + Decimal(order["cash_rounding"]["shop"]))
    sale = {
        "id": f"t{order['number']}", "kind": "sale", "status": "success", "gateway": "shopify_payments",
        "amount": {"shop": amount, "presentment": amount}, "processed_at": "2026-05-05T08:00:00+02:00",
    }  # fmt: skip
    return {**order, "transactions": [sale]}


def prepare(world: BooksWorld, *, by_line: bool) -> None:
    world.sandbox.post(
        "limits", {"vendor": "zoho-books", "account": world.account, "taxes_by_line": by_line, "per_day": 1_000_000}
    )
    made = {}
    for name, percent in TAXES.items():
        tax = {"tax_name": name, "tax_percentage": float(percent)}
        made[name] = world.books.told("POST", "/settings/taxes", tax, 201)["tax"]["tax_id"]
    both = {"tax_group_name": "State and City", "taxes": f"{made['State']},{made['City']}"}
    world.books.told("POST", "/settings/taxgroups", both, 201)


def rows(world: BooksWorld, kind: str) -> list[dict[str, Any]]:
    found, page, more = list[dict[str, Any]](), 1, True
    while more:
        told = world.books.told("GET", f"/{kind}", per_page=200, page=page)
        found, page, more = [*found, *told[kind]], page + 1, told["page_context"]["has_more_page"]
    return found


@pytest.mark.timeout(WITHIN_S * 2 + 60)
class TestOrdersOfFortyKinds:
    @pytest.mark.parametrize("by_line", [False, True], ids=["tax rounded on the sum", "tax rounded by line"])
    async def test_come_to_the_cent_and_what_was_planted_is_told(self, world: BooksWorld, *, by_line: bool) -> None:
        prepare(world, by_line=by_line)
        orders = {f"o{number}": placed(number) for number in range(ORDERS)}
        told = [world.person(f"c{n}") for n in range(CUSTOMERS)]
        told += [world.bought(id, paid(order)) for id, order in orders.items()]
        began = time.monotonic()
        for at in range(0, len(told), TOGETHER):
            await world.want(*told[at : at + TOGETHER])
        await world.settled(within=WITHIN_S)
        print(f"{ORDERS} orders in {time.monotonic() - began:.0f} s")
        await self._wrong_ones_are_told(world, orders)
        self._others_are_exact(world, orders, by_line=by_line)

    async def _wrong_ones_are_told(self, world: BooksWorld, orders: dict[str, dict[str, Any]]) -> None:
        items = await world.rows("select record, code, message from flow.work_item where state = 'dead'")
        found = {row["record"]: (row["code"], row["message"]) for row in items}
        assert found.keys() == set(planted(orders)), found
        for id, (code, words) in found.items():
            in_shop = code == "ZB_ORDER_SUM_DIFFERS"
            told = ("together", "told") if in_shop else ("total in the shop", "total in Zoho Books", "tax in the shop")
            assert all(word in words for word in told), (id, words)
            if in_shop:
                assert all(str(line["sku"]) in words for line in orders[id]["lines"])

    def _others_are_exact(self, world: BooksWorld, orders: dict[str, dict[str, Any]], *, by_line: bool) -> None:
        listed = {row["reference_number"]: row for row in rows(world, "invoices")}
        assert len(listed) == len(rows(world, "invoices"))
        adjusted, payments = 0, rows(world, "customerpayments")
        for id, order in orders.items():
            row, judge = listed.pop(order["number"], None), OrderJudge(order, by_line=by_line)
            match int(id[1:]) % WRONG_EVERY:
                case number if number == WRONG_IN_SHOP:
                    assert row is None
                case number if number == WRONG_IN_BOOKS:
                    assert row is None or (row["status"], row["is_emailed"]) == ("draft", False)
                case _:
                    assert row is not None, id
                    assert judge.shown(world.books.read("invoices", row["invoice_id"])) == judge.expected(), id
                    (payment,) = [one for one in payments if one["reference_number"] == f"t{order['number']}"]
                    assert judge.units(payment["amount"]) == judge.total
                    adjusted += judge.expected()["adjustment"] != 0
        assert not listed and len(payments) == len(orders) - len(planted(orders))
        assert adjusted, "a rounding that never has to be adjusted would prove nothing"


def planted(orders: dict[str, dict[str, Any]]) -> list[str]:
    return [id for id in orders if int(id[1:]) % WRONG_EVERY in (WRONG_IN_SHOP, WRONG_IN_BOOKS)]
