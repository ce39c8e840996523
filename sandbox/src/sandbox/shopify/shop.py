"""One shop and all that is stored in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.shopify.bucket import Bucket
from sandbox.shopify.bulk import BulkOperation
from sandbox.shopify.customer import Customer
from sandbox.shopify.draft import Draft
from sandbox.shopify.money import Currencies, Money
from sandbox.shopify.order import Order
from sandbox.shopify.parts import gid
from sandbox.shopify.subscription import Subscription

# Beyond 2^53 on purpose: what reads ids as floats loses them here as at the vendor.
FIRST_ID = 9_007_199_254_740_993
DATA = "write_orders,read_orders,read_all_orders,write_customers,read_customers,read_inventory,read_products,write_draft_orders"
SCOPES = tuple(DATA.split(","))


@dataclass(slots=True)
class ShopPlan:
    """What the shop pays for."""

    public_display_name: str
    shopify_plus: bool
    partner_development: bool = False


@dataclass(slots=True)
class Shop:
    """A shop; its name is the first label of its domain."""

    handle: str
    currency_code: str
    created_at: datetime
    taxes_included: bool = False
    iana_timezone: str = "Europe/Berlin"
    enabled_presentment_currencies: list[str] = field(default_factory=list)
    orders: dict[int, Order] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    drafts: dict[int, Draft] = field(default_factory=dict)
    hooks: dict[int, Subscription] = field(default_factory=dict)
    bulk: dict[int, BulkOperation] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    granted: tuple[str, ...] = SCOPES
    condition: str = ""  # frozen (402), locked (423)
    last_id: int = FIRST_ID
    last_number: int = 1000
    mails: int = 0
    deleted: list[str] = field(default_factory=list)
    deleted_hooks: list[dict[str, object]] = field(default_factory=list)

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    @property
    def id(self) -> str:
        return gid("Shop", 548_380_009)

    @property
    def name(self) -> str:
        return f"{self.handle.title()} Shop"

    @property
    def email(self) -> str:
        return f"owner@{self.handle}.example"

    @property
    def contact_email(self) -> str:
        return self.email

    @property
    def myshopify_domain(self) -> str:
        return f"{self.handle}.myshopify.com"

    @property
    def url(self) -> str:
        return f"https://{self.myshopify_domain}"

    timezone_offset = "+0100"
    tax_shipping = True

    def orders_of(self, customer: Customer) -> list[Order]:
        return [order for order in self.orders.values() if order.customer is customer]

    def spent(self, customer: Customer) -> Money:
        worth = sum(
            (order.net_payment_set.shop for order in self.orders_of(customer)), start=Currencies("", "").zero.shop
        )
        return Money(worth, self.currency_code)

    def find_customer(self, fits: Callable[[Customer], bool]) -> Customer | None:
        return next((one for one in self.customers.values() if fits(one)), None)

    def by_email(self, email: str | None) -> Customer | None:
        wanted = (email or "").strip().lower()
        return self.find_customer(lambda one: (one.email or "").lower() == wanted) if wanted else None
