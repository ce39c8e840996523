"""Customers and addresses in neutral words. Any part of a person may be withheld (sheet, section 1.2): then it is not told."""

from __future__ import annotations

from typing import Any

from vendors.shopify.wire import Values, number, text, when

_PARTS = {
    "address1": "street", "address2": "street2", "city": "city", "province": "state", "zip": "zip", "country_code": "country", "phone": "phone",
}  # fmt: skip


def address(found: Any) -> dict[str, str | None] | None:
    if not isinstance(found, dict):
        return None
    parsed = {ours: text(found.get(theirs)) for theirs, ours in _PARTS.items()}
    name = " ".join(part for name in ("first_name", "last_name") if (part := text(found.get(name))))
    parsed["attention"] = name or text(found.get("name"))
    return parsed if any(parsed.values()) else None


def customer(found: Values) -> dict[str, Any]:
    """Tags and consent are not in webhooks: what is not there is not told, and so takes nothing away."""
    first, last = text(found.get("first_name")), text(found.get("last_name"))
    place = found.get("default_address")
    parsed: dict[str, Any] = {
        "id": number(found.get("id")),
        "first_name": first,
        "last_name": last,
        "name": " ".join(part for part in (first, last) if part) or None,
        "email": text(found.get("email")),
        "phone": text(found.get("phone")),
        "company": text(place.get("company")) if isinstance(place, dict) else None,
        "currency": text(found.get("currency")),
        "billing": address(place),
        "created_at": when(found, "created_at"),
        "updated_at": when(found, "updated_at"),
    }
    if "tags" in found:
        listed = found["tags"]
        parsed["tags"] = (
            listed if isinstance(listed, list) else [one.strip() for one in str(listed).split(",") if one.strip()]
        )
    if "currency" not in found:
        del parsed["currency"]
    return parsed
