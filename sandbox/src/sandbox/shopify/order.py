"""An order: its sums follow from its parts and are stored nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.shopify.customer import Address, Customer
from sandbox.shopify.money import Bag, Currencies, total
from sandbox.shopify.movements import Refund, Transaction
from sandbox.shopify.parcels import CashRounding, Fulfillment
from sandbox.shopify.parts import Attribute, DiscountApplication, Duty, LineItem, ShippingLine, TaxLine, gid
from sandbox.shopify.stamps import Stamps


@dataclass(slots=True)
class Order:
    """One order with everything that happened to it."""

    legacy_resource_id: int
    number: int
    name: str
    currencies: Currencies
    stamps: Stamps
    processed_at: datetime
    taxes_included: bool = False
    test: bool = False
    app_id: int | None = None
    source_name: str = "web"
    customer: Customer | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    po_number: str | None = None
    source_identifier: str | None = None
    tags: list[str] = field(default_factory=list)
    custom_attributes: list[Attribute] = field(default_factory=list)
    billing_address: Address | None = None
    shipping_address: Address | None = None
    line_items: list[LineItem] = field(default_factory=list)
    shipping_rows: list[ShippingLine] = field(default_factory=list)
    discount_applications: list[DiscountApplication] = field(default_factory=list)
    tip: Decimal = Decimal(0)
    payments: list[Transaction] = field(default_factory=list)
    returned: list[Refund] = field(default_factory=list)
    parcels: list[Fulfillment] = field(default_factory=list)
    cash_rounding: Bag | None = None
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    duties_included: bool = False
    tax_exempt: bool = False
    estimated_taxes: bool = False
    was_edited: bool = False

    confirmed = True

    @property
    def id(self) -> str:
        return gid("Order", self.legacy_resource_id)

    @property
    def zero(self) -> Bag:
        return self.currencies.zero

    @property
    def created_at(self) -> datetime:
        assert self.stamps.created_at is not None
        return self.stamps.created_at

    @property
    def updated_at(self) -> datetime:
        return self.stamps.last

    @property
    def currency_code(self) -> str:
        return self.currencies.shop

    @property
    def presentment_currency_code(self) -> str:
        return self.currencies.shown

    @property
    def confirmation_number(self) -> str:
        return f"C{self.legacy_resource_id % 10**9:09}"

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    @property
    def edited(self) -> bool:
        return self.was_edited

    @property
    def discount_codes(self) -> list[str]:
        return [one.code for one in self.discount_applications if one.kind == "code"]

    @property
    def discount_code(self) -> str | None:
        return next(iter(self.discount_codes), None)

    @property
    def payment_gateway_names(self) -> list[str]:
        return list(dict.fromkeys(one.gateway for one in self.payments))

    @property
    def requires_shipping(self) -> bool:
        return any(line.requires_shipping for line in self.line_items)

    # Lists that take arguments

    def shipping_lines(self, *, include_removals: bool = False) -> list[ShippingLine]:
        return [one for one in self.shipping_rows if include_removals or not one.is_removed]

    @property
    def shipping_line(self) -> ShippingLine | None:
        return next(iter(self.shipping_lines()), None)

    def transactions(self, *, first: int | None = None, **_: object) -> Sequence[Transaction]:
        return self.payments[:first]

    def refunds(self, *, first: int | None = None) -> Sequence[Refund]:
        return self.returned[:first]

    def fulfillments(self, *, first: int | None = None, query: str | None = None) -> Sequence[Fulfillment]:
        return self.parcels[:first]

    # Sums as placed

    @property
    def subtotal_price_set(self) -> Bag:
        return total((line.net_set for line in self.line_items), self.zero)

    @property
    def total_shipping_price_set(self) -> Bag:
        return total((one.discounted_price_set for one in self.shipping_rows), self.zero)

    @property
    def duties(self) -> list[Duty]:
        return [duty for line in self.line_items for duty in line.duties]

    @property
    def original_total_duties_set(self) -> Bag | None:
        return total((one.price for one in self.duties), self.zero) if self.duties else None

    @property
    def all_tax_lines(self) -> list[TaxLine]:
        of_lines = [tax for line in self.line_items for tax in line.taxes]
        of_shipping = [tax for line in self.shipping_rows for tax in line.tax_lines]
        return of_lines + of_shipping + [tax for duty in self.duties for tax in duty.tax_lines]

    @property
    def tax_lines(self) -> list[TaxLine]:
        """The taxes of all lines, added up by name and rate."""
        found: dict[tuple[str, Decimal, bool], TaxLine] = {}
        for tax in self.all_tax_lines:
            key = tax.title, tax.fraction, tax.channel_liable
            before = found[key].price_set if key in found else self.zero
            found[key] = TaxLine(tax.title, tax.fraction, before + tax.price_set, tax.channel_liable)
        return list(found.values())

    @property
    def total_tax_set(self) -> Bag:
        return total((tax.price_set for tax in self.all_tax_lines), self.zero)

    @property
    def total_discounts_set(self) -> Bag:
        on_shipping = total(
            (one.original_price_set - one.discounted_price_set for one in self.shipping_rows), self.zero
        )
        return total((line.discounts_set for line in self.line_items), self.zero) + on_shipping

    @property
    def total_line_items_price_set(self) -> Bag:
        return total((line.original_total_set for line in self.line_items), self.zero)

    @property
    def total_tip_received_set(self) -> Bag:
        return self.currencies.bag(shown=self.tip) if self.tip else self.zero

    @property
    def total_price_set(self) -> Bag:
        """The vendor's own equation: tax comes on top unless the prices hold it already."""
        goods = self.subtotal_price_set + self.total_shipping_price_set + self.total_tip_received_set
        duties = self.original_total_duties_set or self.zero
        return goods + duties + (self.zero if self.taxes_included else self.total_tax_set)

    @property
    def original_total_price_set(self) -> Bag:
        return self.total_price_set

    # Sums as they are now

    @property
    def returned_set(self) -> Bag:
        return total((one.goods_set for one in self.returned), self.zero)

    @property
    def current_total_price_set(self) -> Bag:
        return self.total_price_set - self.returned_set

    @property
    def current_subtotal_price_set(self) -> Bag:
        back = (one.subtotal_set for refund in self.returned for one in refund.refund_line_items)
        return self.subtotal_price_set - total(back, self.zero)

    @property
    def current_total_tax_set(self) -> Bag:
        return self.total_tax_set - total((one.tax_set for one in self.returned), self.zero)

    @property
    def current_shipping_price_set(self) -> Bag:
        back = (one.subtotal_amount_set for refund in self.returned for one in refund.refund_shipping_lines)
        return self.total_shipping_price_set - total(back, self.zero)

    @property
    def current_total_discounts_set(self) -> Bag:
        kept = [
            line.discounts_set.times(Decimal(line.current_quantity) / max(1, line.quantity)) for line in self.line_items
        ]
        on_shipping = (one.original_price_set - one.discounted_price_set for one in self.shipping_rows)
        return (total(kept, self.zero) + total(on_shipping, self.zero)).settled()

    @property
    def current_total_duties_set(self) -> Bag | None:
        back = total((one.amount_set for refund in self.returned for one in refund.duties), self.zero)
        duties = self.original_total_duties_set
        return None if duties is None else duties - back

    @property
    def current_tax_lines(self) -> list[TaxLine]:
        return self.tax_lines

    # Money that moved

    @property
    def total_received_set(self) -> Bag:
        return total((one.amount_set for one in self.payments if one.took), self.zero)

    @property
    def total_refunded_set(self) -> Bag:
        return total((one.total_refunded_set for one in self.returned), self.zero)

    @property
    def total_refunded_shipping_set(self) -> Bag:
        return self.total_shipping_price_set - self.current_shipping_price_set

    @property
    def net_payment_set(self) -> Bag:
        return self.total_received_set - self.total_refunded_set

    @property
    def total_cash_rounding_adjustment(self) -> CashRounding:
        return CashRounding(self.cash_rounding or self.zero, self.zero)

    @property
    def total_outstanding_set(self) -> Bag:
        left = self.current_total_price_set + (self.cash_rounding or self.zero) - self.net_payment_set
        return left if left.presentment > 0 and self.cancelled_at is None else self.zero

    @property
    def total_capturable_set(self) -> Bag:
        held = (one.amount_set for one in self.payments if one.kind == "AUTHORIZATION" and one.status == "SUCCESS")
        left = total(held, self.zero) - self.total_received_set
        return left if left.presentment > 0 else self.zero

    @property
    def refund_discrepancy_set(self) -> Bag:
        return total((one.amount_set for refund in self.returned for one in refund.order_adjustments), self.zero)

    @property
    def fully_paid(self) -> bool:
        return not self.total_outstanding_set

    @property
    def unpaid(self) -> bool:
        return not self.total_received_set

    @property
    def display_financial_status(self) -> str:
        received, back = self.total_received_set.presentment, self.total_refunded_set.presentment
        if received and back:
            return "REFUNDED" if back >= received else "PARTIALLY_REFUNDED"
        if any(one.kind == "VOID" and one.status == "SUCCESS" for one in self.payments) and not received:
            return "VOIDED"
        if received or not self.total_price_set:
            return "PARTIALLY_PAID" if self.total_outstanding_set else "PAID"
        return "AUTHORIZED" if self.total_capturable_set else "PENDING"

    @property
    def display_fulfillment_status(self) -> str:
        return "FULFILLED" if self.parcels else "UNFULFILLED"
