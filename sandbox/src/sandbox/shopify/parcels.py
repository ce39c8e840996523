"""What happens beside the money: parcels that left, and coins that were rounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.shopify.money import Bag
from sandbox.shopify.parts import gid


@dataclass(slots=True)
class CashRounding:
    """What rounding to coins added when paying, and when giving back."""

    payment_set: Bag
    refund_set: Bag


@dataclass(slots=True)
class Fulfillment:
    """One parcel."""

    number: int
    name: str
    created_at: datetime
    status: str = "SUCCESS"

    @property
    def id(self) -> str:
        return gid("Fulfillment", self.number)

    @property
    def legacy_resource_id(self) -> int:
        return self.number

    @property
    def updated_at(self) -> datetime:
        return self.created_at
