"""What an order is made of: lines, shipping, discounts, taxes, duties. Names are those of the API, in snake case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.shopify.money import Bag, Money, total


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


@dataclass(slots=True)
class TaxLine:
    """One tax on one line."""

    title: str
    fraction: Decimal
    price_set: Bag
    channel_liable: bool = False

    @property
    def rate(self) -> float:
        return float(self.fraction)

    @property
    def rate_percentage(self) -> float:
        return float(self.fraction * 100)

    source = "Shopify"


@dataclass(slots=True)
class Percentage:
    """A discount's value in percent."""

    percentage: float
    unit: str = "%"


@dataclass(slots=True)
class DiscountApplication:
    """One discount as it was granted; what each line got of it is an allocation."""

    index: int
    kind: str  # code, manual, automatic
    title: str
    percent: Decimal | None
    fixed: Bag | None
    target_type: str  # LINE_ITEM, SHIPPING_LINE
    allocation_method: str = "ACROSS"
    target_selection: str = "ALL"

    @property
    def typename(self) -> str:
        return {"code": "DiscountCodeApplication", "manual": "ManualDiscountApplication"}.get(
            self.kind, "AutomaticDiscountApplication"
        )

    @property
    def code(self) -> str:
        return self.title

    @property
    def description(self) -> str:
        return self.title

    @property
    def value(self) -> Percentage | Money:
        if self.percent is not None:
            return Percentage(float(self.percent))
        assert self.fixed is not None
        return self.fixed.presentment_money


@dataclass(slots=True)
class DiscountAllocation:
    """What one line got of one discount."""

    allocated_amount_set: Bag
    discount_application: DiscountApplication


@dataclass(slots=True)
class Duty:
    """What the border takes for a line."""

    number: int
    price: Bag
    harmonized_system_code: str = ""
    country_code_of_origin: str | None = None
    tax_lines: list[TaxLine] = field(default_factory=list)

    @property
    def id(self) -> str:
        return gid("Duty", self.number)


@dataclass(slots=True)
class Attribute:
    """A remark with a name."""

    key: str
    value: str


@dataclass(slots=True)
class Variant:
    """The variant that was sold, as far as a line tells of it."""

    number: int
    sku: str
    title: str = "Default Title"

    @property
    def id(self) -> str:
        return gid("ProductVariant", self.number)

    @property
    def legacy_resource_id(self) -> int:
        return self.number


@dataclass(slots=True)
class Product:
    """The product that was sold, as far as a line tells of it."""

    number: int
    title: str

    @property
    def id(self) -> str:
        return gid("Product", self.number)

    @property
    def legacy_resource_id(self) -> int:
        return self.number


@dataclass(slots=True)
class LineItem:
    """Something sold, as placed; what came back since is in `removed`."""

    number: int
    title: str
    sku: str | None
    quantity: int
    original_unit_price_set: Bag
    variant: Variant | None = None
    product: Product | None = None
    variant_title: str | None = None
    vendor: str | None = None
    taxable: bool = True
    requires_shipping: bool = True
    is_gift_card: bool = False
    removed: int = 0
    discount_allocations: list[DiscountAllocation] = field(default_factory=list)
    taxes: list[TaxLine] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    custom_attributes: list[Attribute] = field(default_factory=list)

    @property
    def id(self) -> str:
        return gid("LineItem", self.number)

    @property
    def name(self) -> str:
        return f"{self.title} - {self.variant_title}" if self.variant_title else self.title

    @property
    def current_quantity(self) -> int:
        return self.quantity - self.removed

    @property
    def refundable_quantity(self) -> int:
        return self.current_quantity

    @property
    def original_total_set(self) -> Bag:
        return self.original_unit_price_set.times(Decimal(self.quantity))

    @property
    def discounts_set(self) -> Bag:
        return total((one.allocated_amount_set for one in self.discount_allocations), self.original_unit_price_set.zero)

    @property
    def total_discount_set(self) -> Bag:
        """What was taken off this line alone; discounts spread over the order do not count here (a trap of the vendor's)."""
        own = [one for one in self.discount_allocations if one.discount_application.allocation_method == "EACH"]
        return total((one.allocated_amount_set for one in own), self.original_unit_price_set.zero)

    @property
    def net_set(self) -> Bag:
        """After every discount."""
        return self.original_total_set - self.discounts_set

    def discounted_total_set(self, *, with_code_discounts: bool = False) -> Bag:
        return self.net_set if with_code_discounts else self.original_total_set - self.total_discount_set

    @property
    def discounted_unit_price_after_all_discounts_set(self) -> Bag:
        return self.net_set.times(Decimal(1) / max(1, self.quantity)).settled()

    @property
    def tax_set(self) -> Bag:
        return total((one.price_set for one in self.taxes), self.original_unit_price_set.zero)

    def tax_lines(self, *, first: int | None = None) -> Sequence[TaxLine]:
        return self.taxes[:first]


@dataclass(slots=True)
class ShippingLine:
    """One way of sending, with its price."""

    number: int
    title: str
    original_price_set: Bag
    code: str | None = None
    source: str | None = "shopify"
    is_removed: bool = False
    discount_allocations: list[DiscountAllocation] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)

    custom = False

    @property
    def id(self) -> str:
        return gid("ShippingLine", self.number)

    @property
    def discounted_price_set(self) -> Bag:
        taken = total((one.allocated_amount_set for one in self.discount_allocations), self.original_price_set.zero)
        return self.original_price_set - taken

    @property
    def current_discounted_price_set(self) -> Bag:
        return self.original_price_set.zero if self.is_removed else self.discounted_price_set

    @property
    def tax_set(self) -> Bag:
        return total((one.price_set for one in self.tax_lines), self.original_price_set.zero)
