"""Many orders of a shop at once: told many times in any order to three gateways, and while the books are away.

Every order ends as one paid invoice of its customer with one payment for each transaction. MANY_ORDERS says how many.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from millrace.demo import connect_books
from millrace.demo_shop import Shop, connect_shop, join_orders
from tests.e2e.opening import opened
from tests.e2e.road import Mark, Road
from tests.e2e.vendors import NO_TLS, account
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from tests.support.machine import measured

STEPS = (connect_books, connect_shop, join_orders)
ORDERS = int(os.environ.get("MANY_ORDERS", "20"))
GATEWAYS, SUBSCRIPTIONS, MOST = 3, 2, 5
BUYERS, AT_ONCE = 4, 8
WITHIN_S = 180.0 + ORDERS
A_WHILE_S = 0.25
MADE, PAID, PERSON = "POST /invoices", "POST /customerpayments", "POST /contacts"


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """From the shop to the books, with three gateways."""
    with opened(tmp_path_factory.mktemp("orders") / "home", stack, database_server, database_template, STEPS) as road:
        road.fleet.start("writer-zoho", *["ingest"] * (GATEWAYS - 1))
        without_quota(road)
        yield road


def without_quota(road: Road) -> None:
    """What is tested is what comes of the orders; a hundred calls a minute would have them wait for minutes."""
    road.sandbox.post("limits", {"vendor": "zoho-books", "per_minute": 100_000})
    road.sql.execute(
        "update core.connection set details = details || $1 where vendor = 'zoho-books'",
        {"calls_per_minute": "100000", "calls_per_day": "100000"},
    )


def rows(road: Road, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = road.books.told("GET", f"/{kind}", per_page=200)[kind]
    return found


def deliveries(road: Road, since: Mark) -> list[dict[str, Any]]:
    listed: Any = road.sandbox.get("deliveries", since=since.deliveries)["deliveries"]
    return [one for one in listed if one["vendor"] == "shopify"]


def order(customer: str, number: int, **more: Any) -> dict[str, Any]:
    price = {"shopMoney": {"amount": f"{10 + number}.38", "currencyCode": "EUR"}}
    lines = [{"title": "Mug", "sku": "MUG-2", "quantity": 1 + number % 3, "priceSet": price}]
    return {"customerId": customer, "lineItems": lines, "taxLines": [{"title": "VAT", "rate": "0.19"}], **more}


class TestOrdersToldManyTimes:
    def test_are_one_paid_invoice_each_through_three_gateways(self, road: Road) -> None:
        """Created, updated and paid of each, one to five times for each of two subscriptions, shuffled."""
        shop = Shop(account(road.sandbox, "shopify"))
        buyers = [
            shop.people("customer", customer={"email": f"b{n}@ex.org", "firstName": f"B{n}"})["id"]
            for n in range(BUYERS)
        ]
        road.wait_until_quiet()
        mark = road.mark()
        with road.fault("shopify", "webhook_lost"):
            for number in range(ORDERS):
                placed = shop.people("place_order", order=order(buyers[number % BUYERS], number))
                shop.people("reword_order", id=placed["id"], order={"note": "wrap it"})
                shop.people("pay_order", id=placed["id"], gateway="cash")
        lost = [one for one in deliveries(road, mark) if one["topic"].startswith("orders/")]
        assert {one["topic"] for one in lost} == {"orders/create", "orders/updated", "orders/paid"}
        told = self._told_again(lost, account(road.sandbox, "shopify"))
        assert self._sent(road, told) == {200}
        road.until(lambda: self._paid(road) == ORDERS, "every order is paid", WITHIN_S, every=0.5)
        road.wait_until_quiet(within=WITHIN_S)
        self._judge(road, mark, lost)

    def _told_again(
        self, lost: Sequence[Mapping[str, Any]], shop: Mapping[str, Any]
    ) -> list[tuple[str, dict[str, str], bytes]]:
        """As the shop would send them: a subscription has a webhook id of its own for each event, and repeats carry the same."""
        chance, ids, told = random.Random(7), itertools.count(1), list[tuple[str, dict[str, str], bytes]]()
        for event, one in enumerate(lost):
            body = one["body"].encode()
            key = shop["client_secret"].encode()
            for _ in range(SUBSCRIPTIONS):
                heads = {
                    "content-type": "application/json", "x-shopify-topic": one["topic"], "x-shopify-shop-domain": shop["shop"],
                    "x-shopify-api-version": "2026-04", "x-shopify-webhook-id": f"w{next(ids)}", "x-shopify-event-id": f"e{event}",
                    "x-shopify-hmac-sha256": base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode(),
                }  # fmt: skip
                told += [(urlsplit(one["url"]).path, heads, body)] * chance.randint(1, MOST)
        chance.shuffle(told)
        return told

    def _sent(self, road: Road, told: Sequence[tuple[str, dict[str, str], bytes]]) -> set[int]:
        gateways = [one.url for one in road.fleet.of("ingest")]
        assert len(gateways) == GATEWAYS
        with httpx.Client(verify=NO_TLS, trust_env=False, timeout=30) as client, ThreadPoolExecutor(AT_ONCE) as lanes:

            def send(at: int) -> int:
                path, heads, body = told[at]
                answer = client.post(gateways[at % GATEWAYS] + path, headers=heads, content=body)
                return answer.status_code

            return set(lanes.map(send, range(len(told))))

    def _paid(self, road: Road) -> int:
        return sum(one["status"] == "paid" for one in rows(road, "invoices"))

    def _judge(self, road: Road, mark: Mark, lost: Sequence[Mapping[str, Any]]) -> None:
        newest = {body["name"]: body for one in lost if (body := json.loads(one["body"]))["financial_status"] == "paid"}
        invoices = {one["reference_number"]: one for one in rows(road, "invoices")}
        assert len(rows(road, "invoices")) == len(invoices) == ORDERS
        for name, body in newest.items():
            shown = invoices[name]
            assert (float(shown["total"]), float(shown["balance"])) == (float(body["total_price"]), 0.0)
            assert shown["email"] == body["customer"]["email"]
        amounts = sorted(float(one["amount"]) for one in rows(road, "customerpayments"))
        assert amounts == sorted(float(one["total_price"]) for one in newest.values())
        made = [one["route"] for one in road.calls_of(mark, "zoho-books") if one["status"] < 300]
        assert (made.count(MADE), made.count(PAID)) == (ORDERS, ORDERS)
        # An economy: what is told of one version is read once, twenty orders by one question; and what differs within a second once more (R10).
        assert len(road.calls_of(mark, "shopify")) <= 2 * ORDERS


class TestOrdersWhileTheBooksAreAway:
    def test_wait_without_attempts_and_then_go_customers_before_invoices_before_payments(self, road: Road) -> None:
        shop, mark = Shop(account(road.sandbox, "shopify")), road.mark()
        before = len(rows(road, "invoices"))
        names = list[str]()
        with measured() as machine, road.fault("zoho-books", "reset_before"):
            for number in range(ORDERS):
                buyer = shop.people(
                    "customer", customer={"email": f"late{number}@ex.org", "firstName": f"Late{number}"}
                )
                names.append(
                    shop.people("place_order", order=order(buyer["id"], number, financialStatus="PAID"))["name"]
                )
                # Twelve webhooks a second: what is measured is an answer, and not how many fit on a machine at once.
                time.sleep(A_WHILE_S)
            road.until(lambda: self._waiting(road) == ORDERS, "every order waits", WITHIN_S)
            # An hour, for the vendors and for us.
            road.advance(3600)
            road.until(lambda: self._waiting(road) == ORDERS, "every order waits on", WITHIN_S)
        answered = [
            (one["answered_mono_ns"] - one["sent_mono_ns"]) / 1e6
            for one in deliveries(road, mark)
            if one["answered_mono_ns"]
        ]
        assert len(answered) >= 3 * ORDERS and max(answered) < 5000
        # Each gateway asks for the secrets once; of so few the hundredth part is a single one, so it is the twentieth that is judged.
        assert statistics.quantiles(answered[2 * GATEWAYS :], n=20)[18] < 50 * machine.slower, machine
        assert road.sql.rows("select from flow.work_item where entity = 'order' and attempts > 0") == []
        road.until(
            lambda: len(rows(road, "invoices")) == before + ORDERS, "every order is an invoice", WITHIN_S, every=0.5
        )
        road.wait_until_settled(within=WITHIN_S)
        self._in_order(road, mark, set(names))

    def _waiting(self, road: Road) -> int:
        return len(road.sql.rows("select from flow.work_item where entity = 'order' and state <> 'done'"))

    def _in_order(self, road: Road, mark: Mark, names: set[str]) -> None:
        at = dict[str, dict[str, int]]()
        invoices = [one for one in rows(road, "invoices") if one["reference_number"] in names]
        customer_of = {one["invoice_id"]: one["customer_id"] for one in invoices}
        for call in road.calls_of(mark, "zoho-books"):
            for one in call["applied"]:
                at.setdefault(call["route"], {}).setdefault(one["id"], call["seq"])
        assert len(invoices) == len(names)
        for id, customer in customer_of.items():
            assert at[PERSON][customer] < at[MADE][id]
        numbers = {one["invoice_number"]: one["invoice_id"] for one in invoices}
        payments = [one for one in rows(road, "customerpayments") if one["invoice_numbers"] in numbers]
        assert len(payments) == len(names)
        for one in payments:
            assert at[MADE][numbers[one["invoice_numbers"]]] < at[PAID][one["payment_id"]]
        assert {one["status"] for one in invoices} == {"paid"}
