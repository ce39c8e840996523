"""A draft order: an offer that is no order until somebody completes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.shopify.customer import Customer
from sandbox.shopify.money import Bag
from sandbox.shopify.order import Order
from sandbox.shopify.parts import gid
from sandbox.shopify.stamps import Stamps


@dataclass(slots=True)
class Draft:
    """One draft; `lines` are kept as they were asked for, and become the order's."""

    legacy_resource_id: int
    name: str
    stamps: Stamps
    currency_code: str
    total_price_set: Bag
    lines: list[dict[str, object]]
    customer: Customer | None = None
    email: str | None = None
    status: str = "OPEN"
    order: Order | None = None

    @property
    def id(self) -> str:
        return gid("DraftOrder", self.legacy_resource_id)

    @property
    def created_at(self) -> datetime:
        assert self.stamps.created_at is not None
        return self.stamps.created_at

    @property
    def updated_at(self) -> datetime:
        return self.stamps.last
