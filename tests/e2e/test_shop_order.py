"""A shop's order becomes one posted and paid invoice of the right customer, whatever the shop tells of it and how often."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from millrace.demo import Demo, connect_books
from millrace.demo_shop import Shop, connect_shop, join_orders
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.e2e.vendors import account
from tests.support.database import Server
from tests.support.local_stack import LocalStack

STEPS = (connect_books, connect_shop, join_orders)
# A webhook that a busy machine was too slow for comes again a minute later.
WITHIN_S = 180.0
WRITES = {"POST /contacts", "POST /invoices", "POST /invoices/{invoice_id}/status/sent", "POST /customerpayments"}


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """From the shop to the books, with the writer between them."""
    with opened(tmp_path_factory.mktemp("shop") / "home", stack, database_server, database_template, STEPS) as road:
        road.fleet.start("writer-zoho")
        yield road


def invoices(road: Road) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = road.books.told("GET", "/invoices")["invoices"]
    return found


class TestOrder:
    def test_is_one_invoice_posted_at_once_and_paid_when_it_is_paid(self, road: Road) -> None:
        """Placed unpaid, reworded, then paid by the buyer: five webhooks of three topics, and a poll that finds the same."""
        shop, mark = Shop(account(road.sandbox, "shopify")), road.mark()
        buyer = shop.people(
            "customer", customer={"email": "ida@alder.example", "firstName": "Ida", "lastName": "Alder"}
        )
        placed = shop.people("place_order", order=order(buyer["id"]))
        (invoice,) = road.until(
            lambda: [one for one in invoices(road) if one["status"] in ("sent", "overdue")], "the invoice", WITHIN_S
        )
        assert (str(invoice["total"]), str(invoice["balance"]), invoice["email"]) == (
            "24.7",
            "24.7",
            "ida@alder.example",
        )
        shop.people("reword_order", id=placed["id"], order={"note": "wrap it"})
        shop.people("pay_order", id=placed["id"], gateway="cash")
        road.until(lambda: [one for one in invoices(road) if one["status"] == "paid"], "it is paid", WITHIN_S)
        road.wait_until_quiet()
        (payment,) = road.books.told("GET", "/customerpayments")["customerpayments"]
        assert (str(payment["amount"]), payment["payment_mode"], payment["customer_name"]) == (
            "24.7",
            "cash",
            "Ida Alder",
        )
        (invoice,) = invoices(road)
        assert str(invoice["balance"]) == "0.0"
        writes = [one["route"] for one in road.calls_of(mark, "zoho-books") if one["route"] in WRITES]
        assert sorted(writes) == sorted(WRITES)

    def test_whose_webhooks_never_came_is_found_by_the_next_look(self, road: Road) -> None:
        shop = Shop(account(road.sandbox, "shopify"))
        buyer = shop.people("customer", customer={"email": "bo@alder.example", "firstName": "Bo"})
        road.wait_until_quiet()
        with road.fault("shopify", "webhook_lost"):
            shop.people("place_order", order=order(buyer["id"], financialStatus="PAID"))
        road.advance(20 * 60)
        road.until(
            lambda: len([one for one in invoices(road) if one["status"] == "paid"]) == 2, "both are paid", WITHIN_S
        )


class TestSummary:
    def test_of_all_days_together_equals_the_shop_and_the_books(self, road: Road) -> None:
        """Whatever was late or repeated in the stories above: each order is new on one day, each invoice and payment told of on one."""
        road.wait_until_quiet()
        orders = stored(road)["orders"].values()
        told: dict[str, Any] = defaultdict(Decimal)
        with road.console() as console:
            for day in days_until_now(road, min(datetime.fromisoformat(one["created_at"]) for one in orders)):
                [leg] = [one for one in console.get(f"/summaries/{day}")["figures"]["legs"] if one["leg"] == "order"]
                told |= {word: told[word] + leg[word] for word in ("arrived", "created")}
                for one in leg["amounts"]:
                    told[one["word"], one["currency"]] += Decimal(one["amount"])
        books = road.sandbox.get("state/zoho-books", account="demo")["accounts"]["demo"]  # type: ignore[index]
        ours = [one for one in books["invoices"] if one["reference_number"] in {one["name"] for one in orders}]
        paid = [
            one
            for one in books["customerpayments"]
            if one["invoices"][0]["invoice_id"] in {one["invoice_id"] for one in ours}
        ]
        assert told == {
            "arrived": len(orders), "created": len(ours), ("invoiced", "EUR"): sum(Decimal(str(one["total"])) for one in ours),
            ("paid", "EUR"): sum(Decimal(str(one["amount"])) for one in paid),
        }  # fmt: skip


class TestSubscriptions:
    def test_that_were_deleted_are_back_within_ten_minutes_and_every_missed_order_comes_once(self, road: Road) -> None:
        shop, ours = Shop(account(road.sandbox, "shopify")), subscribed(road)
        buyer = shop.people("customer", customer={"email": "cy@alder.example", "firstName": "Cy"})
        road.wait_until_quiet()
        known, began = len(invoices(road)), now(road)
        assert shop.people("lose_subscriptions")["lost"] == ours
        missed = [shop.order(buyer["id"], paid=True) for _ in range(3)]
        road.advance(600)
        road.until(lambda: subscribed(road) == ours, "its subscriptions are back", WITHIN_S)
        # The clock goes on by itself while a busy machine is at it.
        assert now(road) - began < timedelta(minutes=10) + timedelta(seconds=WITHIN_S)
        road.until(lambda: paid(road, missed), "every missed order is paid", WITHIN_S)
        road.wait_until_quiet()
        assert len(invoices(road)) == known + 3

    def test_that_nobody_answered_for_four_hours_are_made_anew_and_every_missed_order_comes_once(
        self, road: Road
    ) -> None:
        """Eight repeats in vain: the vendor deletes them, and says so in a mail."""
        shop, ours = Shop(account(road.sandbox, "shopify")), subscribed(road)
        buyer = shop.people("customer", customer={"email": "dora@alder.example", "firstName": "Dora"})
        road.wait_until_quiet()
        known = len(invoices(road))
        road.fleet.stop("ingest")
        missed = [shop.order(buyer["id"], paid=True) for _ in range(3)]
        lost = {"ORDERS_CREATE", "ORDERS_PAID"}
        road.until(lambda: not lost & {*subscribed(road)} or road.advance(600), "they are gone", WITHIN_S, every=0.2)
        assert now(road) > began_of(road, missed[0]) + timedelta(hours=3, minutes=55)
        road.fleet.start("ingest")
        road.until(lambda: subscribed(road) == ours, "its subscriptions are back", WITHIN_S)
        road.until(lambda: paid(road, missed), "every missed order is paid", WITHIN_S)
        road.wait_until_quiet()
        assert len(invoices(road)) == known + 3


def is_shut_out(road: Road) -> bool:
    return bool(connection(road)["standing"] == "needs_reauth")


class TestUninstalled:
    def test_waits_for_a_new_consent_with_one_notice_and_goes_on_under_the_same_id(self, road: Road) -> None:
        shop, ours, before = Shop(account(road.sandbox, "shopify")), subscribed(road), connection(road)
        buyer = shop.people("customer", customer={"email": "eve@alder.example", "firstName": "Eve"})
        road.wait_until_quiet()
        known, told = len(invoices(road)), notices(road, before["id"])
        shop.people("uninstall")
        # A token that took the place of a refused one a moment ago is trusted for ten minutes.
        road.until(lambda: is_shut_out(road) or road.advance(60), "its connection is marked", WITHIN_S)
        assert subscribed(road) == []
        missed, mark = [shop.order(buyer["id"], paid=True) for _ in range(2)], road.mark()
        for _ in range(12):
            road.advance(600)
        road.wait_until_quiet()
        # Neither polls nor audits, reads nor refreshes are tried while nobody has let us in again.
        assert road.calls_of(mark, "shopify") == []
        assert notices(road, before["id"]) == told + 1
        with road.console() as console:
            accounts: Any = road.sandbox.get("accounts")["accounts"]
            connect_shop(Demo(console, accounts, time.monotonic() + WITHIN_S), lambda _: None)
        road.until(lambda: paid(road, missed), "what was ordered meanwhile is paid", WITHIN_S)
        road.until(lambda: subscribed(road) == ours or road.advance(60), "it is heard again", WITHIN_S)
        assert connection(road)["id"] == before["id"]
        road.wait_until_quiet()
        assert len(invoices(road)) == known + 2


def days_until_now(road: Road, first: datetime) -> list[date]:
    """The first day may be the one before, by another zone."""
    return [
        first.date() + timedelta(days=at)
        for at in range(-1, (now(road) - first).days + 2)
        if first.date() + timedelta(days=at) <= now(road).date()
    ]


class TestPrivacy:
    def test_person_is_forgotten_everywhere_through_a_kill_and_no_replay_brings_anything_back(self, road: Road) -> None:
        shop = Shop(account(road.sandbox, "shopify"))
        home = {
            "firstName": "Zoraquill",
            "lastName": "Zoraquill",
            "address1": "1 Zoraquill Way",
            "city": "Bonn",
            "countryCode": "DE",
        }
        who = {
            "email": "zoraquill@alder.example",
            "firstName": "Zoraquill",
            "lastName": "Zoraquill",
            "addresses": [home],
        }
        buyer = shop.people("customer", customer=who)
        other = shop.people("customer", customer={"email": "stays@alder.example", "firstName": "Stays"})
        bought = [shop.order(one["id"], paid=True) for one in (buyer, other)]
        road.until(lambda: paid(road, bought), "both are paid", WITHIN_S)
        road.wait_until_quiet()
        assert {"flow.record_state", "flow.work_item", "flow.journal"} <= traces(road, "zoraquill")
        road.fleet.stop("mapper")
        [dies] = [road.fleet.begin("mapper", MILLRACE_FAILPOINTS="mapper.before_redaction_commit=kill*1")]
        [hook, *_] = [
            one["uri"] for one in stored(road)["webhook_subscriptions"].values() if "/hooks/shopify/" in one["uri"]
        ]
        shop.people("privacy_address", uri=hook)
        shop.people("privacy", topic="customers/redact", customer=buyer["id"])
        dies.died()
        road.leases_over()
        road.fleet.start("mapper")
        done = "select count(*) = 1 from flow.privacy_request where kind = 'redact' and state = 'done'"
        road.until(lambda: road.sql.value(done) or road.advance(30), "it is done", WITHIN_S)
        assert traces(road, "zoraquill") == set()
        assert traces(road, "stays@alder.example") >= {"flow.record_state", "flow.work_item", "flow.journal"}
        mark, known = road.mark(), len(invoices(road))
        for topic in ("receipts.shopify", "changes.shopify", "commands.zoho-books"):
            assert road.replay_topic(topic)
            road.wait_until_quiet()
        assert traces(road, "zoraquill") == set()
        assert [one["route"] for one in road.calls_of(mark, "zoho-books") if one["route"] in WRITES] == []
        assert len(invoices(road)) == known


def traces(road: Road, word: str) -> set[str]:
    """The tables in which it stands anywhere, be it in the midst of bytes."""
    columns = road.sql.rows(
        "select c.table_schema || '.' || c.table_name as t, c.column_name as n, c.data_type as k from information_schema.columns c "
        "join information_schema.tables t using (table_schema, table_name) where c.table_schema in ('core', 'flow') "
        "and t.table_type = 'BASE TABLE' and c.table_name not like 'journal_%' and c.data_type in ('text', 'jsonb', 'bytea', 'ARRAY')"
    )
    shown = {"bytea": "encode({}, 'escape')", "ARRAY": "{}::text"}
    return {
        row["t"]
        for row in columns
        if road.sql.value(
            f"select exists (select from {row['t']} where {shown.get(row['k'], '{}::text').format(row['n'])} ilike $1)",
            f"%{word}%",
        )
    }


def connection(road: Road) -> dict[str, Any]:
    with road.console() as console:
        [found] = [one for one in console.get("/connections")["items"] if one["vendor"] == "shopify"]
    return dict(found)


def notices(road: Road, connection: str) -> int:
    return int(road.sql.value("select count(*) from core.notification where connection = $1", connection))


def subscribed(road: Road) -> list[str]:
    """The topics that lead to us."""
    found = stored(road)["webhook_subscriptions"].values()
    return sorted(one["topic"] for one in found if "/hooks/shopify/" in one["uri"])


def stored(road: Road) -> dict[str, Any]:
    state: Any = road.sandbox.get("state/shopify", account="demo")
    found: dict[str, Any] = state["accounts"]["demo"]
    return found


def now(road: Road) -> datetime:
    return datetime.fromisoformat(str(road.sandbox.get("clock")["now"]))


def began_of(road: Road, name: str) -> datetime:
    [found] = [one for one in stored(road)["orders"].values() if one["name"] == name]
    return datetime.fromisoformat(found["created_at"])


def paid(road: Road, names: list[str]) -> bool:
    """Each of these orders is one invoice, and paid."""
    told = [one["reference_number"] for one in invoices(road) if one["status"] == "paid"]
    return sorted(one for one in told if one in names) == sorted(names)


def order(customer: str, **more: Any) -> dict[str, Any]:
    """Two mugs and a stamp at 19 %: 20.76 and 3.94."""
    price = {"shopMoney": {"amount": "10.38", "currencyCode": "EUR"}}
    lines = [{"title": "Mug", "sku": "MUG-2", "quantity": 2, "priceSet": price}]
    return {"customerId": customer, "lineItems": lines, "taxLines": [{"title": "VAT", "rate": "0.19"}], **more}
