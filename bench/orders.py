"""Paid orders of a shop through the whole road into the books: `python -m bench orders --orders 200 --a-second 2`; `--a-second 0`: all at once.

Every service is a process of its own on real servers, shop and books are the sandbox. By the sandbox's own clock it tells how long an order
takes from the moment in which the shop has it to its posted invoice and to its payment, what of it is ours (until the first byte of the call
that makes the invoice, less the vendors' own time), and how many calls each vendor had.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.machine import beside, glance
from bench.progress import Progress
from bench.reports import options, report
from bench.rows import Goal
from bench.servers import road_on, servers
from millrace.demo import connect_books
from millrace.demo_shop import Shop, connect_shop, join_orders
from tests.e2e.road import Mark, Road
from tests.e2e.vendors import account

WITHIN_S = 900.0
STEPS = (connect_books, connect_shop, join_orders)
# More than the vendor allows, so that the road is measured and not its quota.
UNLIMITED = 100_000
LANES = 8
MADE, POSTED, PAID = "POST /invoices", "POST /invoices/{invoice_id}/status/sent", "POST /customerpayments"

GOALS = (
    Goal("order to posted invoice: p50 ms", at_most=1_000.0),
    Goal("order to posted invoice: worst ms", at_most=5_000.0),
    Goal("order to its payment: p50 ms"),
    Goal("order to its payment: worst ms"),
    Goal("ours until the invoice: p50 ms", at_most=60.0),
    Goal("ours until the invoice: worst ms"),
    Goal("calls of the shop, an order"),
    Goal("calls of the books, an order"),
    Goal("calls refused"),
)


@dataclass(frozen=True)
class Journey:
    """One order, in nanoseconds of the sandbox's clock."""

    placed: int
    """The shop tells of it for the first time."""
    made: int
    posted: int
    paid: int


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    with servers() as stack, road_on(stack, STEPS) as road:
        road.fleet.start("writer-zoho")
        if not asked.quota:
            without_quota(road)
        first = glance()
        found = measured(road, asked.orders, asked.a_second, buyers=asked.buyers, progress=Progress("orders"))
    return report(GOALS, found | beside(first, glance()), asked)


def without_quota(road: Road) -> None:
    """The books allow more than any plan does, and we are told so."""
    road.sandbox.post("limits", {"vendor": "zoho-books", "per_minute": UNLIMITED})
    road.sql.execute(
        "update core.connection set details = details || $1 where vendor = 'zoho-books'",
        {"calls_per_minute": str(UNLIMITED), "calls_per_day": str(UNLIMITED)},
    )


def measured(road: Road, orders: int, a_second: float, *, buyers: int, progress: Progress) -> dict[str, float]:
    shop = Shop(account(road.sandbox, "shopify"))
    people = [shop.people("customer", customer=_buyer(number))["id"] for number in range(buyers)]
    # The first order also asks for what is then known of the books.
    first = road.mark()
    _place(shop, people[0], 0)
    road.until(lambda: _paid(road, first) == 1, "the first order is paid", WITHIN_S)
    for number, buyer in enumerate(people[1:]):
        _place(shop, buyer, number)
    road.until(lambda: _paid(road, first) == buyers, "each buyer has bought once", WITHIN_S)
    road.wait_until_quiet(within=WITHIN_S)
    road.advance(61)
    road.wait_until_quiet(within=WITHIN_S)
    mark = road.mark()
    _enter(shop, people, orders, a_second)
    while (paid := _paid(road, mark)) < orders:
        progress.tell(f"{paid} of {orders} are paid")
        time.sleep(0.5)
    road.wait_until_quiet(within=WITHIN_S)
    return figures(journeys(road, mark), road, mark)


def _enter(shop: Shop, people: Sequence[str], orders: int, a_second: float) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(LANES) as lanes:
        for number in range(orders):
            if a_second:
                time.sleep(max(0.0, began + number / a_second - time.monotonic()))
            lanes.submit(_place, shop, people[number % len(people)], number)


def _place(shop: Shop, buyer: str, number: int) -> None:
    shop.order(buyer, paid=True, price=f"{20 + number % 7}.90")


def _buyer(number: int) -> dict[str, str]:
    return {"email": f"b{number}@burst.example", "firstName": "Ida", "lastName": f"Alder {number}"}


def _calls(road: Road, mark: Mark, vendor: str, *, operator: bool = False) -> list[dict[str, Any]]:
    return road.calls_of(mark, vendor, operator=operator)


def _paid(road: Road, mark: Mark) -> int:
    return sum(bool(one["applied"]) for one in _calls(road, mark, "zoho-books") if one["route"] == PAID)


def journeys(road: Road, mark: Mark) -> list[Journey]:
    """One for each order that was placed since then."""
    listed: Any = road.sandbox.get("deliveries", since=mark.deliveries)["deliveries"]
    told: dict[str, int] = {}
    for row in listed:
        if row["topic"] == "orders/create":
            told.setdefault(json.loads(row["body"])["name"], row["sent_mono_ns"])
    names = _orders(road)
    at: dict[tuple[str, str], int] = {}
    for call in _calls(road, mark, "zoho-books"):
        for one in call["applied"]:
            if one["id"] in names:
                at.setdefault((call["route"], names[one["id"]]), call["mono_ns"])
    return [Journey(begun, *(at[route, name] for route in (MADE, POSTED, PAID))) for name, begun in told.items()]


def _orders(road: Road) -> dict[str, str]:
    """The order's name, by the ids of its invoice and its payment."""
    invoices = _rows(road, "invoices")
    numbers = {one["invoice_number"]: one["reference_number"] for one in invoices}
    paid = {one["payment_id"]: numbers[one["invoice_numbers"]] for one in _rows(road, "customerpayments")}
    return {one["invoice_id"]: one["reference_number"] for one in invoices} | paid


def _rows(road: Road, kind: str) -> list[dict[str, Any]]:
    rows, page, more = list[dict[str, Any]](), 1, True
    while more:
        told = road.books.told("GET", f"/{kind}?per_page=200&page={page}")
        rows, page, more = [*rows, *told[kind]], page + 1, told["page_context"]["has_more_page"]
    return rows


def figures(found: Sequence[Journey], road: Road, mark: Mark) -> dict[str, float]:
    spans = {
        "order to posted invoice": [one.posted - one.placed for one in found],
        "order to its payment": [one.paid - one.placed for one in found],
        "ours until the invoice": [one.made - one.placed for one in found],
    }
    told = {
        f"{name}: {kind} ms": value / 1e6
        for name, ns in spans.items()
        for kind, value in (("p50", median(ns)), ("worst", max(ns)))
    }
    for vendor, words in (("shopify", "shop"), ("zoho-books", "books")):
        calls = _calls(road, mark, vendor)
        told[f"calls of the {words}, an order"] = len(calls) / len(found)
        told |= {
            f"{words}: {route}": float(many)
            for route, many in Counter(f"{one['route']} {one['status']}" for one in calls).items()
        }
    refused = [
        one for vendor in ("shopify", "zoho-books") for one in _calls(road, mark, vendor) if one["status"] == 429
    ]
    return told | {"calls refused": float(len(refused))}


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    asked = options("orders", str(__doc__))
    asked.add_argument("--orders", type=int, default=200)
    asked.add_argument("--a-second", type=float, default=2.0, help="0: all at once")
    asked.add_argument("--buyers", type=int, default=10, help="who bought before")
    asked.add_argument("--quota", action="store_true", help="the books allow a hundred calls a minute, as they do")
    return asked.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
