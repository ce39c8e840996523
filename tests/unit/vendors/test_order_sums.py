"""An order becomes an invoice to the cent, whatever its currency, its taxes and the rounding of Books; what does not add up is told line by line."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from common.contracts.orders import Order
from common.failures import Rejected
from tests.support.orders import DIGITS, KINDS, TAXES, Kind, Placing, books_sums
from vendors.order_sums import mismatches
from vendors.zoho_books.invoicing import BooksSums, checked, content, expected, rounding
from vendors.zoho_books.organisation_facts import OrganisationFacts, TaxPart

PARTS = {
    name: TaxPart(name, Decimal(percent.numerator) / Decimal(percent.denominator)) for name, percent in TAXES.items()
}
FACTS = OrganisationFacts(
    base="EUR",
    currencies={code: f"id-{code}" for code in DIGITS},
    taxes={f"t-{name}": part for name, part in PARTS.items()},
    groups={"g-both": (PARTS["State"], PARTS["City"])},
    items={"sku-1": "i1"},
)
PERCENTS: Mapping[str, tuple[Fraction, ...]] = {
    **{f"t-{name}": (percent,) for name, percent in TAXES.items()}, "g-both": (TAXES["State"], TAXES["City"]),
}  # fmt: skip
PER_KIND = 25


def placed(kind: Kind, seed: int = 1, **more: Any) -> Order:
    return Order.model_validate(Placing(kind, seed).order(**more))


def answered(order: Order, *, by_line: bool) -> tuple[BooksSums, dict[str, Any]]:
    """What Books answers to the invoice of an order, by the test's own arithmetic."""
    made = content(order, FACTS, "c-1")
    digits = DIGITS[order.presentment_currency or ""]
    total, tax = books_sums(made, dict(PERCENTS), digits, by_line=by_line)
    return BooksSums(_decimal(total), _decimal(tax)), made


def _decimal(amount: Fraction) -> Decimal:
    return Decimal(amount.numerator) / Decimal(amount.denominator)


class TestEachKindOfOrder:
    @pytest.mark.parametrize("by_line", [False, True], ids=["tax rounded on the sum", "tax rounded by line"])
    def test_comes_to_its_total_with_one_adjustment_at_most(self, by_line: bool) -> None:
        adjusted = 0
        for kind in KINDS:
            for seed in range(PER_KIND):
                order = placed(kind, seed)
                checked(order)
                told, made = answered(order, by_line=by_line)
                wanted, till = expected(order), order.cash_rounding
                assert till is not None
                difference = rounding(wanted, told)
                assert order.total is not None
                assert told.total + difference == order.total.presentment + till.presentment, (kind, seed)
                assert abs(difference - till.presentment) <= wanted.tolerance
                assert all(line["tax_id"] in {"", *PERCENTS} for line in made["line_items"])
                adjusted += difference != 0
        assert adjusted, "a rounding that never has to be adjusted would prove nothing"

    def test_every_planted_error_is_found_and_nothing_else(self) -> None:
        for kind in KINDS:
            order = Placing(kind, 3).order()
            assert mismatches(Order.model_validate(order)) == []
            beyond = len(order["lines"]) + len(order["shipping_lines"]) + 1
            for name in ("total", "subtotal", "shipping", "tax"):
                wrong = copy.deepcopy(order)
                unit = Decimal(1).scaleb(-DIGITS[kind.currency])
                wrong[name]["shop"] = str(Decimal(wrong[name]["shop"]) + beyond * unit)
                (found,) = mismatches(Order.model_validate(wrong))
                assert (found.what.lower(), found.currency) == (name, kind.currency)


class TestWhatDoesNotAddUp:
    def test_is_told_line_by_line(self) -> None:
        order = {
            "number": "#1", "customer_id": "c", "currency": "EUR", "presentment_currency": "EUR",
            "lines": [{"id": "1", "sku": "TEA", "quantity": 3, "price": both("2.50"), "discounts": [both("0.50")]}],
            "shipping_lines": [{"id": "2", "title": "Post", "price": both("4.90")}], "total": both("13.00"),
        }  # fmt: skip
        with pytest.raises(Rejected) as refusal:
            checked(Order.model_validate(order))
        assert refusal.value.code == "ZB_ORDER_SUM_DIFFERS"
        assert (
            "Total: TEA 3 x 2.50 = 7.50; discount on TEA -0.50; Post 1 x 4.90 = 4.90; together 11.90, told 13.00 EUR, difference 1.10."
            in refusal.value.message
        )

    def test_a_draft_that_books_adds_up_otherwise_is_not_adjusted(self) -> None:
        order = placed(Kind(lines=2))
        wanted = expected(order)
        for total, tax in ((wanted.tolerance + Decimal("0.01"), Decimal(0)), (Decimal(0), Decimal("0.03"))):
            with pytest.raises(Rejected, match="total in the shop") as refusal:
                rounding(wanted, BooksSums(wanted.total + total, wanted.tax + tax))
            assert refusal.value.code == "ZB_INVOICE_SUM_DIFFERS"

    @pytest.mark.parametrize("name", ["lines", "total", "currency", "presentment_currency"])
    def test_what_the_shop_withholds_is_named(self, name: str) -> None:
        with pytest.raises(Rejected, match=name) as refusal:
            checked(placed(Kind()).model_copy(update={name: None}))
        assert refusal.value.code == "ZB_ORDER_INCOMPLETE"

    def test_a_tax_that_a_marketplace_remits_is_for_a_person(self) -> None:
        order = Placing(Kind(), 1).order()
        order["lines"][0]["taxes"][0]["channel_liable"] = True
        with pytest.raises(Rejected) as refusal:
            checked(Order.model_validate(order))
        assert refusal.value.code == "ZB_CHANNEL_TAX"


class TestTheInvoice:
    def test_takes_the_buyer_s_amounts_and_the_shop_s_own_rate(self) -> None:
        order = {
            "number": "#7", "currency": "EUR", "presentment_currency": "JPY", "placed_at": "2026-05-04T23:30:00+09:00",
            "lines": [
                {"id": "1", "sku": " Sku-1 ", "title": "Tea", "variant": "green", "quantity": 2, "price": both("5.00", "800"), "discounts": [both("1", "160")]}
            ],
            "shipping_lines": [{"id": "9", "title": "Post", "price": both("2.00", "320")}], "total": both("11", "1760"),
        }  # fmt: skip
        assert content(Order.model_validate(order), FACTS, "77") == {
            "customer_id": "77", "currency_id": "id-JPY", "exchange_rate": "0.00625", "date": "2026-05-04", "reference_number": "#7",
            "is_inclusive_tax": False, "shipping_charge": "320", "shipping_charge_tax_id": "",
            "line_items": [
                {"name": "Tea green", "rate": "800", "quantity": "2", "discount": "160", "tax_id": "", "item_id": "i1"}
            ],
        }  # fmt: skip

    def test_delivery_whose_price_contains_its_tax_is_a_line(self) -> None:
        made = content(placed(Kind(included=True, lines=1, shipping=1)), FACTS, "77")
        assert [line["name"] for line in made["line_items"]] == ["Thing 1", "Thing s0"]
        assert made["shipping_charge"] == "0"

    @pytest.mark.parametrize(
        ("taxes", "id"),
        [
            ({("VAT", 19)}, "t-VAT"), ({("vat ", 19)}, "t-VAT"), ({("MwSt", 7)}, "t-Reduced"), ({("City", "1.25"), ("State", "7.250")}, "g-both"),
            (set(), ""),
        ],
    )  # fmt: skip
    def test_a_tax_is_found_by_name_and_rate_else_by_the_only_one_of_its_rate(self, taxes: Any, id: str) -> None:
        assert FACTS.tax(frozenset(TaxPart(name, Decimal(rate)) for name, rate in taxes)) == id

    def test_unknown_tax_and_currency_are_named_with_a_remedy(self) -> None:
        with pytest.raises(Rejected, match=r"luxury 33 %"):
            FACTS.tax(frozenset({TaxPart("Luxury", Decimal(33))}))
        with pytest.raises(Rejected, match="XAF"):
            FACTS.currency("XAF")


def both(shop: str, presentment: str = "") -> dict[str, str]:
    return {"shop": shop, "presentment": presentment or shop}
