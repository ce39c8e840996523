"""One order is one invoice with its payments, to the cent; what cannot be so is a question, and nothing is posted of it."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from common.state.pool import close_pool, open_pool, transaction
from common.state.stuck_items import StuckItems
from tests.support.books_world import CUSTOMER, ORDER, BooksWorld
from tests.support.database import Database
from tests.support.orders import Kind, Placing

BOTH = pytest.mark.parametrize("world", ["demo", "demo-second"], indirect=True)
POSTED = ("sent", "overdue")
ONE = Kind(lines=2, discounts=1, shipping=1)


def order(seed: int = 1, kind: Kind = ONE, **more: Any) -> dict[str, Any]:
    return Placing(kind, seed).order(seed) | {"customer_id": "ida", **more}


def money(placed: dict[str, Any], id: str = "", kind: str = "sale") -> dict[str, Any]:
    """All of it, by one transaction; a shop gives each an id of its own."""
    return {
        "id": id or f"t{placed['number']}", "kind": kind, "status": "success", "gateway": "shopify_payments", "amount": placed["total"],
        "processed_at": "2026-05-05T08:00:00+02:00",
    }  # fmt: skip


def paid(placed: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**placed, "transactions": [money(placed)], **more}


def tax(world: BooksWorld, name: str = "VAT", percent: int = 19) -> None:
    world.books.told("POST", "/settings/taxes", {"tax_name": name, "tax_percentage": percent}, 201)


class TestOneOrder:
    async def test_is_one_invoice_after_its_customer_and_a_repeat_costs_nothing(self, world: BooksWorld) -> None:
        tax(world)
        placed = paid(order())
        await world.want(world.bought("o1", placed))
        await world.settled("awaiting")
        assert world.made() == []
        await world.want(world.person("ida"))
        await world.settled()
        (invoice,) = world.invoices()
        (payment,) = world.payments()
        told = (str(invoice["total"]), str(invoice["balance"]), invoice["status"], invoice["reference_number"])
        assert (float(told[0]), float(told[1]), *told[2:]) == (
            float(placed["total"]["shop"]),
            0.0,
            "paid",
            placed["number"],
        )
        assert float(invoice["tax_total"]) == float(placed["tax"]["shop"])
        assert invoice["is_emailed"] is False
        assert (payment["reference_number"], float(payment["amount"])) == ("t#1001", float(placed["total"]["shop"]))
        before = world.sandbox.get("log", since=0)["calls"]
        await world.want(world.bought("o1", placed, again=True), world.bought("o1", placed))
        await world.settled()
        assert world.sandbox.get("log", since=0)["calls"] == before
        assert world.made() == [
            # Whether a draft takes a payment nobody knows before the first paid order.
            "POST /contacts", "POST /invoices", "POST /customerpayments", "POST /invoices/{invoice_id}/status/sent", "POST /customerpayments",
        ]  # fmt: skip

    @BOTH
    async def test_answers_that_are_lost_make_nothing_twice(self, world: BooksWorld) -> None:
        tax(world)
        await world.want(world.person("ida"))
        await world.settled()
        for route in ("POST /invoices", "POST /invoices/{invoice_id}/status/sent", "POST /customerpayments"):
            world.fault("reset_after", route, count=1)
        await world.want(world.bought("o1", paid(order())))
        await world.through()
        (invoice,) = world.invoices()
        assert (invoice["status"], float(invoice["balance"])) == ("paid", 0.0)
        assert len(world.payments()) == 1

    async def test_two_equal_orders_of_one_customer_are_two(self, world: BooksWorld) -> None:
        tax(world)
        await world.want(world.person("ida"), world.bought("o1", order()), world.bought("o2", order()))
        await world.settled()
        assert len(world.invoices()) == 2

    async def test_is_adjusted_once_where_books_rounds_otherwise(self, world: BooksWorld) -> None:
        """The shop rounds each line, this organisation the sum."""
        tax(world)
        tax(world, "Reduced", 7)
        await world.want(world.person("ida"))
        # Three lines of 0.03 at 19 %: 0.01 each in the shop, 0.02 together in Books.
        line = {
            "quantity": 1,
            "price": both("0.03"),
            "taxes": [{"title": "VAT", "rate": "0.19", "amount": both("0.01")}],
        }
        lines = [{"id": str(at), "title": f"Pin {at}", **line} for at in range(3)]
        placed = {"number": "#9", "customer_id": "ida", "currency": "EUR", "presentment_currency": "EUR", "lines": lines, "tax": both("0.03"), "total": both("0.12")}  # fmt: skip
        await world.want(world.bought("o1", placed))
        await world.settled()
        (invoice,) = world.invoices()
        told = (
            float(invoice["total"]),
            float(invoice["adjustment"]),
            invoice["adjustment_description"],
            invoice["status"],
        )
        assert told == (0.12, 0.01, "Rounding", "sent")


class TestTenOrders:
    @BOTH
    async def test_told_in_any_order_and_twice_with_lost_answers_are_ten_paid_invoices(self, world: BooksWorld) -> None:
        """Created, updated and paid of each; a fifth of all writes is done and not answered, and two executors work."""
        tax(world)
        placed = {f"o{n}": order(n, customer_id=f"c{n % 3}") for n in range(10)}
        told = [world.bought(id, one) for id, one in placed.items()]
        told += [world.bought(id, one | {"note": "wrap it"}) for id, one in placed.items()]
        told += [world.bought(id, paid(one)) for id, one in placed.items()]
        told += [*told, *(world.person(f"c{n}") for n in range(3))]
        chance = random.Random(3)
        chance.shuffle(told)
        for n, route in enumerate(
            ("POST /contacts", "POST /invoices", "POST /invoices/{invoice_id}/status/sent", "POST /customerpayments")
        ):
            world.fault("reset_after", route, share=0.2, seed=n)
        for at in range(0, len(told), 9):
            await world.want(*told[at : at + 9])
        await world.through(within=180, executors=2)
        world.sandbox.delete("faults")
        totals = sorted(float(one["total"]["shop"]) for one in placed.values())
        assert sorted(float(one["total"]) for one in world.invoices()) == totals
        assert {one["status"] for one in world.invoices()} == {"paid"}
        assert sorted(float(one["amount"]) for one in world.payments()) == totals
        assert len(world.contacts()) == 3


class TestWhatChanges:
    async def test_a_draft_is_revised_and_a_posted_invoice_is_not(self, world: BooksWorld) -> None:
        tax(world)
        await world.want(world.person("ida"), world.bought("o1", order(post="draft")))
        await world.settled()
        await world.want(world.bought("o1", order(2, number="#1001", post="draft")))
        await world.settled()
        (invoice,) = world.invoices()
        assert (invoice["status"], float(invoice["total"])) == ("draft", float(order(2)["total"]["shop"]))
        await world.want(world.bought("o1", order(2, number="#1001")))
        await world.settled()
        assert world.invoices()[0]["status"] in POSTED
        await world.want(world.bought("o1", order(3, number="#1001")))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_INVOICE_POSTED")
        more = Decimal(order(3)["total"]["shop"]) - Decimal(order(2)["total"]["shop"])
        assert f"difference {more:+f}" in (await world.item("o1"))["message"]
        assert float(world.invoices()[0]["total"]) == float(order(2)["total"]["shop"])

    async def test_what_a_person_has_decided_of_a_posted_invoice_is_asked_once(
        self, world: BooksWorld, database: Database
    ) -> None:
        tax(world)
        console = await open_pool(database.url("console"), name="console", size=1)

        async def ignored(record: str) -> str:
            async with transaction(console) as tx:
                item = f"s1/order/{record}"
                (ended,) = await StuckItems(tx).discard([item], who="eva", why="ignore", now=world.clock.now())
            return ended.code

        await world.want(world.person("ida"), world.bought("o1", order()), world.bought("o2", paid(order(2))))
        await world.settled()
        given = paid(order(2))
        given["transactions"].append(money(given, "t2", "refund"))
        await world.want(world.bought("o1", order(3, number="#1001")), world.bought("o2", given))
        await world.settled()
        assert [await ignored(one) for one in ("o1", "o2")] == ["ZB_INVOICE_POSTED", "ZB_REFUND_WAITS"]
        for note in ("wrap it", "do not"):
            await world.want(
                world.bought("o1", order(3, number="#1001", note=note)), world.bought("o2", given | {"note": note})
            )
            await world.settled()
            found = [(one["state"], one["message"]) for one in [await world.item("o1"), await world.item("o2")]]
            assert [state for state, _ in found] == ["done", "done"], found
        await world.want(world.bought("o1", order(4, number="#1001")))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_INVOICE_POSTED"), "another difference"
        await close_pool(console)

    async def test_a_cancelled_order_is_never_made_or_void_and_money_is_a_question(self, world: BooksWorld) -> None:
        tax(world)
        gone = {"cancelled_at": "2026-05-06T00:00:00Z"}
        await world.want(world.person("ida"), world.bought("o1", order(1, **gone)))
        await world.want(world.bought("o2", order(2)), world.bought("o3", paid(order(3))))
        await world.settled()
        await world.want(world.bought("o2", order(2, **gone)), world.bought("o3", paid(order(3), **gone)))
        await world.settled()
        assert sorted(one["status"] for one in world.invoices()) == ["paid", "void"]
        assert await world.refusal("o3") == ("dead", "ZB_CANCELLED_PAID")

    async def test_what_a_person_has_changed_in_books_is_left_and_asked(self, world: BooksWorld) -> None:
        tax(world)
        await world.want(world.person("ida"), world.bought("o1", order(post="draft")))
        await world.want(world.bought("o2", order(2)))
        await world.settled()
        draft, sent = sorted(world.invoices(), key=lambda one: str(one["status"]))
        world.books.told("PUT", f"/invoices/{draft['invoice_id']}", {"adjustment": 3}, 200)
        by_hand = {"customer_id": sent["customer_id"], "payment_mode": "cash", "amount": sent["total"], "date": "2026-05-05", "invoices": [{"invoice_id": sent["invoice_id"], "amount_applied": sent["total"]}]}  # fmt: skip
        world.books.told("POST", "/customerpayments", by_hand, 201)
        await world.want(world.bought("o1", order()), world.bought("o2", paid(order(2))))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_INVOICE_EDITED")
        assert await world.refusal("o2") == ("dead", "ZB_PAYMENT_BY_HAND")
        assert len(world.payments()) == 1

    async def test_money_that_goes_back_waits_for_a_person(self, world: BooksWorld) -> None:
        tax(world)
        await world.want(world.person("ida"), world.bought("o1", paid(order())))
        await world.settled()
        placed = paid(order())
        placed["transactions"].append(money(placed, "t2", "refund"))
        await world.want(world.bought("o1", placed))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_REFUND_WAITS")


class TestWhatIsNotPosted:
    async def test_what_does_not_add_up_is_a_dead_letter_with_the_sum(self, world: BooksWorld) -> None:
        tax(world)
        wrong = order() | {"total": both("1.00")}
        # This one adds up in the shop; in Books the tax of that rate comes to something else.
        line = {
            "id": "1",
            "sku": "PIN",
            "quantity": 1,
            "price": both("10.00"),
            "taxes": [{"title": "VAT", "rate": "0.19", "amount": both("2.00")}],
        }
        dear = {
            "number": "#9",
            "customer_id": "ida",
            "currency": "EUR",
            "presentment_currency": "EUR",
            "lines": [line],
            "tax": both("2.00"),
            "total": both("12.00"),
        }
        await world.want(world.person("ida"), world.bought("o1", wrong), world.bought("o2", dear))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_ORDER_SUM_DIFFERS")
        assert "together" in (await world.item("o1"))["message"]
        assert await world.refusal("o2") == ("dead", "ZB_INVOICE_SUM_DIFFERS")
        assert "total in the shop 12.00 EUR; total in Zoho Books 11.9" in (await world.item("o2"))["message"]
        assert [one["status"] for one in world.invoices()] == ["draft"]

    async def test_an_unknown_tax_is_named_and_after_the_remedy_a_replay_makes_one(self, world: BooksWorld) -> None:
        placed = order()
        for part in (*placed["lines"], *placed["shipping_lines"]):
            part["taxes"] = [one | {"title": "Luxury", "rate": "0.33", "amount": both("0.00")} for one in part["taxes"]]
        placed |= {"tax": both("0.00"), "total": plus(placed["subtotal"], placed["shipping"])}
        await world.want(world.person("ida"), world.bought("o1", placed))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_TAX_UNKNOWN")
        placed = order()
        await world.want(world.bought("o1", placed))
        await world.settled()
        (invoice,) = world.invoices()
        assert invoice["status"] in POSTED

    async def test_a_test_order_is_none(self, world: BooksWorld) -> None:
        await world.want(world.person("ida"), world.bought("o1", order(test=True)))
        await world.settled()
        assert world.invoices() == []


class TestCustomers:
    async def test_are_found_by_address_and_of_one_name_told_apart(self, world: BooksWorld) -> None:
        there = world.books.contact("Ida Alder", "ida@ex.org")
        await world.want(world.person("ida", name="Ida", phone="+49 1"))
        await world.want(world.person("ido", name="Ida Alder", billing={"city": "Bonn"}))
        await world.settled()
        found = world.contacts()
        assert sorted(found) == ["Ida Alder", "Ida Alder (ido@ex.org)"]
        assert (found["Ida Alder"]["contact_id"], found["Ida Alder"]["contact_persons"][0]["phone"]) == (
            there["contact_id"],
            "+49 1",
        )
        assert found["Ida Alder (ido@ex.org)"]["billing_address"]["city"] == "Bonn"

    async def test_with_a_new_address_are_the_same_and_the_old_one_is_free(self, world: BooksWorld) -> None:
        await world.want(world.person("ida"))
        await world.settled()
        await world.want(world.person("ida", "new@ex.org"))
        await world.settled()
        await world.want(world.person("bo", "ida@ex.org"))
        await world.settled()
        told = {name: one["contact_persons"][0]["email"] for name, one in world.contacts().items()}
        assert told == {"Ida": "new@ex.org", "Bo": "ida@ex.org"}

    async def test_of_two_with_one_address_a_person_is_asked(self, world: BooksWorld) -> None:
        for name in ("Ida", "Ida too"):
            world.books.contact(name, "ida@ex.org")
        await world.want(world.wished(CUSTOMER, "ida", {"email": "ida@ex.org", "phone": "1"}))
        await world.want(world.wished(ORDER, "o1", {"key": "o1", **order()}, needs=["ida"]))
        await world.settled("awaiting")
        assert await world.refusal("ida") == ("dead", "ZB_CUSTOMER_TWICE")
        assert (await world.item("o1"))["state"] == "awaiting"


def plus(*amounts: dict[str, str]) -> dict[str, str]:
    return both(str(sum(Decimal(one["shop"]) for one in amounts)))


def both(amount: str) -> dict[str, str]:
    return {"shop": amount, "presentment": amount}
