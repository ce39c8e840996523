"""What an order is worth: the vendor's equation, in both moneys, with everything that can be in it (sheet, section 3.4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.sandbox.shopify.shop import Shop

VAT = [{"title": "VAT", "rate": "0.19"}]
SIDES = ("shop_money", "presentment_money")


def side(body: dict[str, Any], name: str, which: str) -> Decimal:
    found = body.get(f"{name}_set")
    return Decimal(found[which]["amount"]) if found else Decimal(0)


def equation(order: dict[str, Any], which: str) -> Decimal:
    """The total as the sheet adds it up, from nothing but the body."""
    included = order["taxes_included"]
    goods = sum((line_net(line, which) for line in order["line_items"]), Decimal(0))
    sent = sum((side(one, "discounted_price", which) for one in order["shipping_lines"]), Decimal(0))
    tax = Decimal(0) if included else side(order, "total_tax", which)
    tip = (
        Decimal(order["total_tip_received"])
        if which == "presentment_money" or not order["total_tip_received"]
        else Decimal(0)
    )
    return goods + sent + tax + side(order, "original_total_duties", which) + tip


def line_net(line: dict[str, Any], which: str) -> Decimal:
    taken = sum((side(one, "amount", which) for one in line["discount_allocations"]), Decimal(0))
    return side(line, "price", which) * Decimal(line["quantity"]) - taken


class TestEquation:
    @pytest.mark.parametrize("included", [False, True])
    async def test_holds_in_the_buyers_money(self, shop: Shop, included: bool) -> None:
        order = shop.place(
            ("9.99", 3), ("17.35", 2), taxesIncluded=included, taxLines=VAT, tip="2.00", presentmentCurrency="USD", rate="1.0931",
            discounts=[{"kind": "manual", "title": "Tenth", "percent": "10"}, {"title": "CODE", "amount": "1.00"}],
            shippingLines=[{"title": "Post", "priceSet": {"shopMoney": {"amount": "4.90", "currencyCode": "EUR"}}}],
        )  # fmt: skip
        assert side(order, "total_price", "presentment_money") == equation(order, "presentment_money")

    async def test_holds_for_every_story_of_a_seeded_shop(self, shop: Shop) -> None:
        shop.simulator.seed("demo", 60, 3, True)
        for order in shop.state["orders"].values():
            assert side(order, "total_price", "presentment_money") == equation(order, "presentment_money"), order[
                "name"
            ]
            subtotal = sum((line_net(line, "shop_money") for line in order["line_items"]), Decimal(0))
            assert side(order, "subtotal_price", "shop_money") == subtotal

    async def test_vendors_own_numbers(self, shop: Shop) -> None:
        """The real order of the sheet: 99 + 100 - 34.10 = 164.90, and 22.00 of shipping."""
        order = shop.place(
            ("99.00", 1), ("100.00", 1),
            discounts=[{"title": "A", "amount": "14.10"}, {"title": "B", "amount": "5.00"}, {"title": "C", "amount": "15.00"}],
            shippingLines=[{"title": "Post", "priceSet": {"shopMoney": {"amount": "22.00", "currencyCode": "EUR"}}}],
        )  # fmt: skip
        assert (order["subtotal_price"], order["total_price"], order["total_discounts"]) == (
            "164.90",
            "186.90",
            "34.10",
        )
        assert [line["total_discount"] for line in order["line_items"]] == ["0.00", "0.00"]


class TestParts:
    async def test_tax_lies_inside_or_on_top(self, shop: Shop) -> None:
        on_top = shop.place(("100.00", 1), taxLines=VAT)
        inside = shop.place(("119.00", 1), taxLines=VAT, taxesIncluded=True)
        assert (on_top["total_price"], on_top["total_tax"]) == ("119.00", "19.00")
        assert (inside["total_price"], inside["total_tax"]) == ("119.00", "19.00")

    async def test_two_moneys_round_each_for_itself(self, shop: Shop) -> None:
        order = shop.place(("9.99", 3), ("0.05", 1), taxLines=VAT, presentmentCurrency="JPY", rate="163.2")
        assert order["total_price_set"]["presentment_money"] == {"amount": "5829", "currency_code": "JPY"}
        assert order["total_price_set"]["shop_money"]["currency_code"] == "EUR"
        dinar = shop.place(("9.99", 3), presentmentCurrency="KWD", rate="0.3352")
        assert dinar["total_price_set"]["presentment_money"]["amount"] == "10.047"

    async def test_duties_tips_and_cash_rounding(self, shop: Shop) -> None:
        line = {
            "title": "Tea",
            "quantity": 1,
            "priceSet": {"shopMoney": {"amount": "10.02", "currencyCode": "EUR"}},
            "duties": [{"amount": "1.50"}],
        }
        told = shop.act(
            "place_order",
            order={"lineItems": [line], "tip": "2.00", "cashRounding": "-0.02", "financialStatus": "PAID"},
        )
        order = shop.state["orders"][told["id"].rpartition("/")[2]]
        assert order["total_price"] == "13.52"
        assert order["total_cash_rounding_payment_adjustment_set"]["shop_money"]["amount"] == "-0.02"
        assert order["line_items"][0]["duties"][0]["price_set"]["shop_money"]["amount"] == "1.50"
        assert next(iter(shop.state["transactions"].values()))["amount"] == "13.50"
        assert order["financial_status"] == "paid"

    async def test_channel_may_owe_the_tax(self, shop: Shop) -> None:
        order = shop.place(("10.00", 1), taxLines=[{"title": "State", "rate": "0.1", "channelLiable": True}])
        assert order["tax_lines"][0]["channel_liable"] is True

    async def test_gift_cards_are_lines_without_tax_or_discount(self, shop: Shop) -> None:
        card = {
            "title": "Gift card",
            "quantity": 1,
            "giftCard": True,
            "taxable": False,
            "priceSet": {"shopMoney": {"amount": "50.00", "currencyCode": "EUR"}},
        }
        tea = {"title": "Tea", "quantity": 1, "priceSet": {"shopMoney": {"amount": "10.00", "currencyCode": "EUR"}}}
        told = shop.act(
            "place_order",
            order={"lineItems": [card, tea], "taxLines": VAT, "discounts": [{"title": "Half", "percent": "50"}]},
        )
        order = shop.state["orders"][told["id"].rpartition("/")[2]]
        assert order["line_items"][0]["gift_card"]
        assert (order["line_items"][0]["tax_lines"], order["line_items"][0]["discount_allocations"]) == ([], [])
        assert order["total_price"] == "55.95"

    async def test_free_shipping_is_a_discount_of_the_shipping(self, shop: Shop) -> None:
        order = shop.place(
            ("10.00", 1),
            discountCode={"freeShippingDiscountCode": {"code": "FREE"}},
            shippingLines=[{"title": "Post", "priceSet": {"shopMoney": {"amount": "4.90", "currencyCode": "EUR"}}}],
        )
        assert (order["total_price"], order["total_discounts"]) == ("10.00", "4.90")
        assert order["total_shipping_price_set"]["shop_money"]["amount"] == "0.00"

    async def test_test_orders_say_so(self, shop: Shop) -> None:
        assert shop.place(("1.00", 1), test=True)["test"] is True


class TestReturns:
    async def test_as_placed_stays_and_current_moves(self, shop: Shop) -> None:
        order = shop.place(
            ("10.00", 3),
            taxLines=VAT,
            financialStatus="PAID",
            discountCode={"itemPercentageDiscountCode": {"code": "T", "percentage": 10.0}},
        )
        line = f"gid://shopify/LineItem/{order['line_items'][0]['id']}"
        refund = {
            "refundLineItems": [{"lineItemId": line, "quantity": 1}],
            "transactions": [{"amount": "10.71", "gateway": "manual", "kind": "REFUND"}],
        }
        shop.act("refund_order", id=order["admin_graphql_api_id"], refund=refund)
        after = shop.state["orders"][str(order["id"])]
        assert (after["total_price"], after["current_total_price"]) == (order["total_price"], "21.42")
        assert after["financial_status"] == "partially_refunded"
        [back] = after["refunds"]
        assert (back["refund_line_items"][0]["subtotal"], back["refund_line_items"][0]["total_tax"]) == ("9.00", "1.71")
        assert back["order_adjustments"] == []

    async def test_money_that_differs_from_the_goods_is_an_adjustment(self, shop: Shop) -> None:
        order = shop.place(("10.00", 1), financialStatus="PAID")
        line = f"gid://shopify/LineItem/{order['line_items'][0]['id']}"
        refund = {
            "refundLineItems": [{"lineItemId": line, "quantity": 1}],
            "transactions": [{"amount": "8.00", "gateway": "manual", "kind": "REFUND"}],
        }
        shop.act("refund_order", id=order["admin_graphql_api_id"], refund=refund)
        [back] = shop.state["orders"][str(order["id"])]["refunds"]
        assert back["order_adjustments"][0]["amount"] == "2.00"

    async def test_all_pieces_taken_back_leave_no_cent(self, shop: Shop) -> None:
        order = shop.place(
            ("3.33", 3), taxLines=VAT, financialStatus="PAID", discounts=[{"title": "D", "amount": "1.00"}]
        )
        line = f"gid://shopify/LineItem/{order['line_items'][0]['id']}"
        for _ in range(3):
            shop.act(
                "refund_order",
                id=order["admin_graphql_api_id"],
                refund={"refundLineItems": [{"lineItemId": line, "quantity": 1}]},
            )
        after = shop.state["orders"][str(order["id"])]
        assert (after["current_total_price"], after["current_total_tax"]) == ("0.00", "0.00")


class TestEdits:
    async def test_edited_line_is_added_with_its_tax(self, shop: Shop) -> None:
        order = shop.place(("10.00", 1), taxLines=VAT)
        line = {"title": "More", "quantity": 1, "priceSet": {"shopMoney": {"amount": "5.00", "currencyCode": "EUR"}}}
        shop.act("edit_order", id=order["admin_graphql_api_id"], order={"lineItems": [line], "taxLines": VAT})
        after = shop.state["orders"][str(order["id"])]
        assert (after["total_price"], len(after["line_items"])) == ("17.85", 2)
