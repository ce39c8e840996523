"""Addresses as inputs give them."""

from __future__ import annotations

from sandbox.shopify.call import Call, Document
from sandbox.shopify.customer import Address

PLAIN = (
    "first_name", "last_name", "company", "address1", "address2", "city", "province", "province_code", "country", "zip", "phone",
)  # fmt: skip


def address_of(call: Call, given: Document | None) -> Address | None:
    if not given:
        return None
    return Address(
        call.shop.new_id(), country_code_v2=given.get("country_code"), **{name: given.get(name) for name in PLAIN}
    )


def addresses_of(call: Call, given: list[Document] | None) -> list[Address]:
    return [found for one in given or () if (found := address_of(call, one)) is not None]
