"""The arithmetic of invoices holds for any lines, discounts and settings, in decimals and to the last digit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.zoho_books.money import Charge, Discount, TaxShare, Terms, line_total, rounded, totals

ZERO = Decimal(0)
AMOUNTS = st.decimals(ZERO, Decimal(100_000), places=4)
DISCOUNTS = st.one_of(
    st.builds(Discount, st.decimals(ZERO, Decimal(100), places=2), st.just(True)),
    st.builds(Discount, st.decimals(ZERO, Decimal(500), places=2), st.just(False)),
)
TAXES = st.lists(
    st.sampled_from(
        [
            TaxShare("1", "Standard", Decimal(19)),
            TaxShare("2", "Reduced", Decimal("7")),
            TaxShare("3", "City", Decimal("2.75")),
        ]
    ),
    max_size=2,
    unique=True,
).map(tuple)
CHARGES = st.lists(
    st.builds(Charge, AMOUNTS, st.decimals(Decimal("0.01"), Decimal(1000), places=2), DISCOUNTS, TAXES),
    min_size=1,
    max_size=6,
)
KINDS = st.sampled_from(["entity_level", "item_level"])
TERMS = st.builds(
    Terms,
    precision=st.sampled_from([0, 2, 3]),
    discount=DISCOUNTS,
    discount_kind=KINDS,
    discount_before_tax=st.booleans(),
    inclusive_tax=st.booleans(),
    shipping=st.decimals(ZERO, Decimal(100), places=2),
    shipping_taxes=TAXES,
    adjustment=st.decimals(Decimal(-5), Decimal(5), places=2),
    tax_rounding=KINDS,
)


def any_invoice(test):  # type: ignore[no-untyped-def]
    return settings(max_examples=150, deadline=None)(given(charges=CHARGES, terms=TERMS)(test))


class TestTotals:
    @any_invoice
    def test_add_up(self, charges: list[Charge], terms: Terms) -> None:
        found = totals(charges, terms)
        assert found.total == found.sub_total - found.discount + found.tax_total + found.shipping + found.adjustment
        assert found.tax_total == sum((tax.amount for tax in found.taxes), ZERO)

    @any_invoice
    def test_are_decimals_with_the_currencys_digits(self, charges: list[Charge], terms: Terms) -> None:
        found = totals(charges, terms)
        figures = [*found.line_totals, found.sub_total, found.discount, found.tax_total, found.total]
        figures += [tax.amount for tax in found.taxes]
        assert all(type(figure) is Decimal for figure in figures)
        assert all(figure == rounded(figure, terms.precision) for figure in figures)

    @any_invoice
    def test_of_inclusive_rates_are_what_the_lines_say(self, charges: list[Charge], terms: Terms) -> None:
        """What the customer pays is the lines, less the discount, whatever the tax inside them comes to."""
        terms = replace(terms, inclusive_tax=True, discount_kind="item_level", shipping=ZERO, adjustment=ZERO)
        assert totals(charges, terms).total == sum((line_total(one, terms) for one in charges), ZERO)

    @any_invoice
    def test_never_discount_below_nothing(self, charges: list[Charge], terms: Terms) -> None:
        terms = replace(terms, adjustment=ZERO)
        assert totals(charges, terms).total >= -Decimal("0.1").scaleb(1 - terms.precision) * len(charges)

    @any_invoice
    def test_round_tax_once_or_by_the_line(self, charges: list[Charge], terms: Terms) -> None:
        """The two ways differ by at most half a digit for each line and tax."""
        once = totals(charges, replace(terms, tax_rounding="entity_level", inclusive_tax=False))
        by_line = totals(charges, replace(terms, tax_rounding="item_level", inclusive_tax=False))
        taxes = sum(len(charge.taxes) for charge in charges) + 2 * len(once.taxes)
        assert abs(once.tax_total - by_line.tax_total) <= Decimal("0.5").scaleb(-terms.precision) * (taxes + 2)


class TestRounding:
    def test_is_away_from_zero_at_the_half(self) -> None:
        assert [str(rounded(Decimal(one), 2)) for one in ("0.005", "0.015", "-0.005")] == ["0.01", "0.02", "-0.01"]

    def test_differs_between_sum_and_line(self) -> None:
        tax = (TaxShare("1", "Standard", Decimal(10)),)
        charges = [Charge(Decimal("0.05"), Decimal(1), taxes=tax)] * 3
        once = totals(charges, Terms(2, tax_rounding="entity_level")).tax_total
        by_line = totals(charges, Terms(2, tax_rounding="item_level")).tax_total
        assert (str(once), str(by_line)) == ("0.02", "0.03")
