"""The bytes of QuickBooks and nothing beyond: its JSON in, neutral fields out.

No amount leaves this module: what a customer owes stands beside the address in the same answer, and is nobody's business but the books'. What is
read is named field by field, so that nothing new of the vendor's gets out by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from common.contracts.messages import Version
from common.contracts.records import Customer

Values = Mapping[str, Any]
_NUMBER = re.compile(r"[0-9]{1,20}")
_DELETED = " (deleted)"
_PARTS = {"Line1": "street", "Line2": "street2", "City": "city", "CountrySubDivisionCode": "state", "PostalCode": "zip",
          "Country": "country"}  # fmt: skip


class UnreadableBooks(ValueError):
    """The bytes are not what the vendor's sheet says they are."""


def body_of(raw: bytes) -> Values:
    """The JSON object in a body."""
    loaded = json.loads(raw, parse_float=Decimal)
    if not isinstance(loaded, dict):
        raise UnreadableBooks("The body is JSON, but no object.")
    return loaded


def record_id(value: Any) -> str | None:
    """An id as digits, which is what goes into queries."""
    return value if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def stamp(found: Values, name: str = "LastUpdatedTime") -> datetime | None:
    """A time of the record, with its offset."""
    meta = found.get("MetaData")
    written = meta.get(name) if isinstance(meta, dict) else None
    if not isinstance(written, str):
        return None
    try:
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def count(found: Values) -> int | None:
    """The number of this version: one more for each change."""
    token = record_id(found.get("SyncToken"))
    return None if token is None else int(token)


def version(found: Values, seen: datetime, settles_after: timedelta) -> Version | None:
    """Which of the record's states this is; None where it does not say, because one without a number would count as newer than all."""
    moment, number = stamp(found), count(found)
    if moment is None or number is None:
        return None
    return Version(stamp=moment, settled=seen >= moment + settles_after, count=number)


def is_gone(found: Values) -> bool:
    """What a list of changes tells of a record that is no more."""
    return str(found.get("status", "")).lower() == "deleted"


def is_customer(found: Values) -> bool:
    """A project is a record of the same kind, and nobody whom one writes to."""
    return found.get("IsProject") is not True


def is_active(found: Values) -> bool:
    return found.get("Active") is not False


def customer(found: Values) -> dict[str, Any]:
    """A whole customer in neutral words; the vendor leaves out what is empty, so what is not there is nothing."""
    try:
        parsed = _customer(found)
        record = Customer.model_validate(parsed)
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        raise UnreadableBooks("The customer is of a form that the vendor's sheet does not know.") from error
    return record.model_dump(mode="json", include=set(parsed))


def _customer(found: Values) -> dict[str, Any]:
    if found.get("sparse") is True:
        raise UnreadableBooks("Only a part of the record is there.")
    return {
        "id": record_id(found.get("Id")),
        "name": _name(found),
        "first_name": _text(found, "GivenName"),
        "last_name": _text(found, "FamilyName"),
        "company": _text(found, "CompanyName"),
        "email": _email(found),
        "phone": _inside(found, "PrimaryPhone", "FreeFormNumber"),
        "mobile": _inside(found, "Mobile", "FreeFormNumber"),
        "website": _inside(found, "WebAddr", "URI"),
        "status": "active" if is_active(found) else "inactive",
        "currency": _inside(found, "CurrencyRef", "value"),
        "billing": _address(found, "BillAddr"),
        "shipping": _address(found, "ShipAddr"),
        "level": _level(found),
        "notes": notes(found),
        "created_at": stamp(found, "CreateTime"),
        "updated_at": stamp(found),
    }


def notes(found: Values) -> str | None:
    """What people have written of a customer, as it is: blanks are theirs too."""
    given = found.get("Notes")
    if given is not None and not isinstance(given, str):
        raise UnreadableBooks("Notes is no text.")
    return given or None


def _name(found: Values) -> str | None:
    """Whoever is inactive carries that in the name."""
    name = _text(found, "DisplayName")
    return name if name is None or is_active(found) else name.removesuffix(_DELETED).rstrip() or None


def _email(found: Values) -> str | None:
    """The first of several, which stand in one field with commas between them."""
    written = _inside(found, "PrimaryEmailAddr", "Address") or ""
    return next((one for part in written.split(",") if (one := part.strip().lower())), None)


def _address(found: Values, name: str) -> dict[str, str | None] | None:
    given = _object(found, name)
    parsed = {ours: _text(given, theirs) for theirs, ours in _PARTS.items()}
    return parsed if any(parsed.values()) else None


def _level(found: Values) -> int:
    """Of a job or a sub-customer; the others have none."""
    given = found.get("Level", 0)
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise UnreadableBooks("Level is no number.")
    return given


def _inside(found: Values, name: str, part: str) -> str | None:
    return _text(_object(found, name), part)


def _object(found: Values, name: str) -> Values:
    given = found.get(name)
    if given is not None and not isinstance(given, dict):
        raise UnreadableBooks(f"{name} is no object.")
    return given or {}


def _text(found: Values, name: str) -> str | None:
    """A text that says something."""
    given = found.get(name)
    if given is not None and not isinstance(given, str):
        raise UnreadableBooks(f"{name} is no text.")
    return (given or "").strip() or None
