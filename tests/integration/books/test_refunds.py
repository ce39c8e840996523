"""Refunds and cancellations of posted orders: a question, or a credit note for each, made once and to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.books.test_orders import BOTH, both, money, order, paid, tax
from tests.support.books_world import BooksWorld
from tests.support.orders import Kind

# Two lines and a delivery, 19 % on top.
KIND = Kind(lines=2, shipping=1)


def refund(
    placed: dict[str, Any], id: str, *, lines: int = 1, delivery: bool = False, given: str | None = ""
) -> dict[str, Any]:
    """All of the first lines, and perhaps the delivery; `given` is the money of it, None while it is on its way, empty for all of it."""
    rows = [
        {"line_id": one["id"], "quantity": one["quantity"], **worth(one, one["quantity"])}
        for one in placed["lines"][:lines]
    ]
    sent = [{"shipping_id": one["id"], **worth(one, 1)} for one in placed["shipping_lines"] if delivery]
    total = sum((Decimal(row[name]["shop"]) for row in (*rows, *sent) for name in ("subtotal", "tax")), Decimal(0))
    back = {"id": f"m{id}", "kind": "refund", "status": "success" if given is not None else "pending", "gateway": "paypal", "amount": both(given or str(total)), "processed_at": "2026-05-07T08:00:00+02:00"}  # fmt: skip
    return {
        "id": id,
        "created_at": "2026-05-07T08:00:00+02:00",
        "lines": rows,
        "shipping": sent,
        "transactions": [] if given == "0" else [back],
    }


def worth(one: dict[str, Any], many: int) -> dict[str, Any]:
    net = Decimal(one["price"]["shop"]) * many - sum(Decimal(off["shop"]) for off in one["discounts"])
    return {"subtotal": both(str(net)), "tax": both(str(sum(Decimal(each["amount"]["shop"]) for each in one["taxes"])))}


def with_refunds(placed: dict[str, Any], *refunds: dict[str, Any], **more: Any) -> dict[str, Any]:
    transactions = [*placed.get("transactions", []), *(one for each in refunds for one in each["transactions"])]
    return {**placed, "refund": "credit_note", "refunds": list(refunds), "transactions": transactions, **more}


def sums(world: BooksWorld) -> list[tuple[float, float, str, list[tuple[str, float]]]]:
    return sorted(
        (
            float(one["total"]),
            float(one["balance"]),
            one["status"],
            [(each["reference_number"], float(each["amount"])) for each in one["given"]],
        )
        for one in world.credit_notes()
    )


class TestRefund:
    @BOTH
    async def test_is_one_credit_note_given_back_whoever_loses_an_answer(self, world: BooksWorld) -> None:
        tax(world)
        placed = paid(order(kind=KIND))
        await world.want(world.person("ida"), world.bought("o1", placed))
        await world.settled()
        for route in ("POST /creditnotes", "POST /creditnotes/{creditnote_id}/refunds"):
            world.fault("reset_after", route, count=1)
        first, second = refund(placed, "r1"), refund(placed, "r2", lines=0, delivery=True)
        await world.want(world.bought("o1", with_refunds(placed, first)))
        await world.through()
        await world.want(world.bought("o1", with_refunds(placed, first, second)))
        await world.through()
        made = [Decimal(one["transactions"][0]["amount"]["shop"]) for one in (first, second)]
        assert sums(world) == sorted(
            (float(one), 0.0, "closed", [(f"mr{at}", float(one))]) for at, one in enumerate(made, 1)
        )
        before = world.sandbox.get("log", since=0)["calls"]
        await world.want(world.bought("o1", with_refunds(placed, first, second)))
        await world.settled()
        assert world.sandbox.get("log", since=0)["calls"] == before, "a repeat costs nothing"
        (invoice,) = world.invoices()
        assert invoice["status"] == "paid"

    async def test_of_what_was_not_paid_lowers_what_is_owed(self, world: BooksWorld) -> None:
        tax(world)
        placed = order(kind=KIND)
        back = refund(placed, "r1", given="0")
        await world.want(world.person("ida"), world.bought("o1", with_refunds(placed, back)))
        await world.settled()
        goods = sum(Decimal(back["lines"][0][name]["shop"]) for name in ("subtotal", "tax"))
        assert sums(world) == [(float(goods), 0.0, "closed", [])]
        (invoice,) = world.invoices()
        owed = Decimal(placed["total"]["shop"]) - goods
        assert float(invoice["balance"]) == float(owed)
        rest = {**placed, "transactions": [money(placed) | {"amount": both(str(owed))}]}
        await world.want(world.bought("o1", with_refunds(rest, back)))
        await world.settled()
        assert world.invoices()[0]["status"] == "paid"

    async def test_waits_for_money_that_is_on_its_way_and_asks_where_it_is_not_the_goods(
        self, world: BooksWorld
    ) -> None:
        tax(world)
        placed, other = paid(order(kind=KIND)), paid(order(2, KIND))
        await world.want(world.person("ida"))
        await world.want(world.bought("o1", with_refunds(placed, refund(placed, "r1", given=None))))
        await world.want(world.bought("o2", with_refunds(other, refund(other, "r2", given="0.01"))))
        await world.settled()
        (note,) = sums(world)
        assert (note[0], note[2:]) == (note[1], ("open", []))
        assert await world.refusal("o2") == ("dead", "ZB_REFUND_DIFFERS")
        await world.want(world.bought("o1", with_refunds(placed, refund(placed, "r1"))))
        await world.settled()
        assert sums(world) == [(note[0], 0.0, "closed", [("mr1", note[0])])]

    async def test_is_a_question_where_nothing_else_was_said(self, world: BooksWorld) -> None:
        tax(world)
        placed = paid(order(kind=KIND))
        told = with_refunds(placed, refund(placed, "r1")) | {"refund": "queue"}
        await world.want(world.person("ida"), world.bought("o1", told))
        await world.settled()
        assert await world.refusal("o1") == ("dead", "ZB_REFUND_WAITS")
        assert world.credit_notes() == []


class TestCancelled:
    async def test_and_paid_is_credited_whole(self, world: BooksWorld) -> None:
        tax(world)
        placed, half = paid(order(kind=KIND)), paid(order(2, KIND))
        await world.want(world.person("ida"), world.bought("o1", placed), world.bought("o2", half))
        await world.settled()
        gone = {"cancelled_at": "2026-05-07T00:00:00Z"}
        whole = refund(placed, "r1", lines=2, delivery=True)
        await world.want(world.bought("o1", with_refunds(placed, whole, **gone)))
        await world.want(world.bought("o2", with_refunds(half, refund(half, "r2"), **gone)))
        await world.settled()
        total = float(placed["total"]["shop"])
        assert (total, 0.0, "closed", [("mr1", total)]) in sums(world)
        assert (await world.item("o1"))["state"] == "done"
        assert await world.refusal("o2") == ("dead", "ZB_CANCELLED_PAID")
        assert "Not covered" in (await world.item("o2"))["message"]

    async def test_and_not_paid_is_void_without_a_credit_note(self, world: BooksWorld) -> None:
        tax(world)
        placed = order(kind=KIND)
        await world.want(world.person("ida"), world.bought("o1", placed))
        await world.settled()
        back = refund(placed, "r1", lines=2, delivery=True, given="0")
        await world.want(world.bought("o1", with_refunds(placed, back, cancelled_at="2026-05-07T00:00:00Z")))
        await world.settled()
        assert ([one["status"] for one in world.invoices()], world.credit_notes()) == (["void"], [])


class TestFulfilment:
    @pytest.mark.parametrize(("mark", "status"), [(True, "sent"), (False, "draft")])
    async def test_posts_a_draft_where_the_mapping_says_so_and_mails_nobody(
        self, world: BooksWorld, mark: bool, status: str
    ) -> None:
        tax(world)
        placed = order(kind=KIND, post="draft", mark_sent=mark, fulfilment_status="unfulfilled")
        await world.want(world.person("ida"), world.bought("o1", placed))
        await world.settled()
        assert world.invoices()[0]["status"] == "draft"
        await world.want(world.bought("o1", placed | {"fulfilment_status": "fulfilled"}))
        await world.settled()
        (invoice,) = world.invoices()
        assert (invoice["status"].replace("overdue", "sent"), invoice["is_emailed"]) == (status, False)
