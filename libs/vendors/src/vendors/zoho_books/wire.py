"""The bytes of Zoho Books and nothing beyond: its JSON in, neutral fields out. Amounts never become floats on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from common.contracts.records import RECORDS

_OFFSET = re.compile(r"([+-]\d{2})(\d{2})$")

# The vendor's word for a module -> our entity, and where its id stands.
MODULES: Mapping[str, tuple[str, str]] = {
    "contact": ("customer", "contact_id"),
    "invoice": ("invoice", "invoice_id"),
    "payment": ("payment", "payment_id"),
}

_ADDRESS = {
    "attention": "attention", "address": "street", "street2": "street2", "city": "city", "state": "state", "zip": "zip",
    "country": "country", "phone": "phone",
}  # fmt: skip
_CONTACT = {
    "contact_name": "name", "company_name": "company", "first_name": "first_name", "last_name": "last_name", "email": "email",
    "phone": "phone", "mobile": "mobile", "website": "website", "status": "status", "currency_code": "currency",
}  # fmt: skip
_INVOICE = {
    "invoice_number": "number", "customer_id": "customer_id", "status": "status", "currency_code": "currency",
    "exchange_rate": "exchange_rate", "date": "issued_on", "due_date": "due_on", "sub_total": "subtotal", "tax_total": "tax",
    "shipping_charge": "shipping", "adjustment": "adjustment", "total": "total", "balance": "balance",
}  # fmt: skip
_PAYMENT = {
    "customer_id": "customer_id", "amount": "amount", "currency_code": "currency", "date": "paid_on", "payment_mode": "method",
    "reference_number": "reference",
}  # fmt: skip


class Unreadable(ValueError):
    """The bytes are not what the vendor's sheet says they are."""


def body_of(raw: bytes, content_type: str = "") -> dict[str, Any]:
    """The JSON object in a body; older organisations send it inside a form field `JSONString`."""
    text = raw
    if "form" in content_type:
        fields = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
        text = fields.get("JSONString", "").encode()
    try:
        loaded = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not JSON.") from error
    if not isinstance(loaded, dict):
        raise Unreadable("The body is JSON, but no object.")
    return loaded


def module_of(body: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The module's word and its object: `{"contact": {...}}`, or None where none of ours is in the body."""
    for word in MODULES:
        found = body.get(word)
        if isinstance(found, dict):
            return word, found
    return None


def identity(word: str, found: Mapping[str, Any]) -> tuple[str, str] | None:
    """Our entity and the record's id."""
    entity, id_name = MODULES[word]
    record = str(found.get(id_name) or "").strip()
    if entity == "customer" and found.get("contact_type") == "vendor":
        entity = "supplier"
    return (entity, record) if re.fullmatch(r"[0-9A-Za-z_-]{1,64}", record) else None


def stamp(found: Mapping[str, Any], name: str = "last_modified_time") -> datetime | None:
    """A time of the vendor: ISO, its offset without colon, resolution one second."""
    parsed = found.get(name)
    if not isinstance(parsed, str) or not parsed:
        return None
    try:
        moment = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", parsed))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def fields(entity: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """The neutral fields that this object tells; what it does not mention is not told."""
    try:
        parsed = _TELLERS[entity](found)
    except (TypeError, AttributeError, ArithmeticError, LookupError) as error:
        raise Unreadable(f"The {entity} is of a form that the vendor's sheet does not know.") from error
    if (moment := stamp(found)) is not None:
        parsed["updated_at"] = moment.isoformat()
    model = RECORDS["customer" if entity == "supplier" else entity]
    complete = _with_required(model.model_fields, parsed)
    try:
        record = model.model_validate(complete)
    except ValueError as error:
        raise Unreadable(f"The {entity} has a field of a form that the vendor's sheet does not know.") from error
    return record.model_dump(mode="json", include=set(parsed))


def _with_required(known: Mapping[str, Any], parsed: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name, field in known.items() if field.is_required() and parsed.get(name) is None]
    if missing:
        raise Unreadable(f"The record lacks {', '.join(missing)}.")
    return dict(parsed)


def _customer(found: Mapping[str, Any]) -> dict[str, Any]:
    parsed = _renamed(found, _CONTACT)
    parsed |= _primary_person(found, parsed)
    if "customer_sub_type" in found:
        kind = _text(found["customer_sub_type"])
        parsed["kind"] = kind if kind in ("business", "individual") else None
    if "outstanding_receivable_amount" in found:
        parsed["outstanding"] = _amount(found["outstanding_receivable_amount"])
    for theirs, ours in (("billing_address", "billing"), ("shipping_address", "shipping")):
        if isinstance(found.get(theirs), dict):
            parsed[ours] = _renamed(found[theirs], _ADDRESS)
    if (created := stamp(found, "created_time")) is not None:
        parsed["created_at"] = created.isoformat()
    if (custom := _custom(found)) is not None:
        parsed["custom"] = custom
    if isinstance(found.get("tags"), list):
        parsed["tags"] = [
            t["tag_option_name"] for t in found["tags"] if isinstance(t, dict) and _text(t.get("tag_option_name"))
        ]
    return parsed


def _primary_person(found: Mapping[str, Any], parsed: Mapping[str, Any]) -> dict[str, Any]:
    """A webhook may tell the address only inside the primary contact person."""
    people = [p for p in found.get("contact_persons") or () if isinstance(p, dict)]
    primary = next((p for p in people if p.get("is_primary_contact")), None)
    if primary is None:
        return {}
    names = ("email", "first_name", "last_name", "phone", "mobile")
    return {name: _text(primary[name]) for name in names if name not in parsed and name in primary}


def _custom(found: Mapping[str, Any]) -> dict[str, str | None] | None:
    """Custom fields by their api name: a list of objects in the detail, a flat hash in list rows."""
    listed, flat = found.get("custom_fields"), found.get("custom_field_hash")
    if isinstance(listed, list) and listed:
        named = {
            _text(f.get("api_name")) or _text(f.get("placeholder")): f.get("value")
            for f in listed
            if isinstance(f, dict)
        }
        return {name: _text(value) for name, value in named.items() if name}
    if isinstance(flat, dict):
        return {name: _text(value) for name, value in flat.items() if not name.endswith(("_unformatted", "_formatted"))}
    return {} if isinstance(listed, list) else None


def _invoice(found: Mapping[str, Any]) -> dict[str, Any]:
    parsed = _renamed(found, _INVOICE)
    for name in ("exchange_rate", "subtotal", "tax", "shipping", "adjustment", "total", "balance"):
        if name in parsed:
            parsed[name] = _amount(parsed[name])
    if parsed.get("status") not in ("draft", "sent", "unpaid", "overdue", "partially_paid", "paid", "void", None):
        # `viewed` is `sent` that somebody opened; a word we do not know yet must not stop the record.
        parsed["status"] = "sent"
    if isinstance(found.get("line_items"), list):
        parsed["lines"] = [_line(line) for line in found["line_items"] if isinstance(line, dict)]
    if (custom := _custom(found)) is not None:
        parsed["custom"] = custom
    return parsed


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sku": _text(line.get("sku")),
        "name": _text(line.get("name")),
        "quantity": _amount(line.get("quantity")) or "0",
        "rate": _amount(line.get("rate")) or "0",
        "total": _amount(line.get("item_total")),
    }


def _payment(found: Mapping[str, Any]) -> dict[str, Any]:
    parsed = _renamed(found, _PAYMENT)
    if "amount" in parsed:
        parsed["amount"] = _amount(parsed["amount"])
    if isinstance(found.get("invoices"), list):
        parsed["invoices"] = {
            str(i["invoice_id"]): _amount(i.get("amount_applied")) or "0"
            for i in found["invoices"]
            if isinstance(i, dict) and i.get("invoice_id")
        }
    return parsed


_TELLERS = {"customer": _customer, "supplier": _customer, "invoice": _invoice, "payment": _payment}


def _renamed(found: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {ours: _text(found[theirs]) for theirs, ours in names.items() if theirs in found}


def _text(value: Any) -> str | None:
    """Empty texts are how the vendor says "no value"; numbers come as numbers or as texts."""
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() or None


def _amount(value: Any) -> str | None:
    text = _text(value)
    try:
        return None if text is None else format(Decimal(text.replace(",", "")), "f")
    except ArithmeticError:
        return None
