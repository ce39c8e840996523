"""One field after the other of what a request wants stored: its kind, its length, its form (sheet, section 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.entities import READ_ONLY, WRITABLE, Field
from sandbox.quickbooks.record import Values
from sandbox.quickbooks.refusals import Document, Refusal, bad_choice, bad_text, invalid, missing, too_long
from sandbox.quickbooks.switches import Switches

LINES = {f"Line{at}": 500 for at in range(1, 6)}
ADDRESS = {
    **LINES, "City": 255, "Country": 255, "CountrySubDivisionCode": 255, "PostalCode": 31, "Id": 30, "Lat": 30, "Long": 30,
    "Note": 500, "CountryCode": 255,
}  # fmt: skip
NOT_IN_NAMES = ":\t\n"
MOST_MONEY = Decimal(10) ** 11


def checked(entity: str, body: Document, switches: Switches) -> Values:
    """The writable fields of a body; None for those that are to be blank. Raises Refusal for what cannot be stored."""
    fields = WRITABLE[entity]
    found: Values = {}
    for name, value in body.items():
        if name in READ_ONLY:
            continue
        if name not in fields:
            raise invalid(f"Property Name:{name:.80} specified is unsupported or invalid", name[:80])
        found[name] = _value(name, fields[name], value, switches)
    return found


def _value(name: str, field: Field, value: Any, switches: Switches) -> Any:
    if value is None or value == "":
        return None
    read = KINDS[field.kind](name, value)
    longest = min(field.longest, switches.notes_longest) if name == "Notes" else field.longest
    text = read if isinstance(read, str) else _inner(field, read)
    if text is not None and len(text) > longest:
        raise too_long(name, longest)
    if field.choices and read not in field.choices:
        raise bad_choice(name, read)
    return read


def _inner(field: Field, read: Any) -> str | None:
    """The one text of an object that has one."""
    key = PARTS_OF.get(field.kind)
    return read[key] if key and read else None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(f"Property Name:{name} must be a text", name)
    return value


def _name(name: str, value: Any) -> str:
    text = _text(name, value)
    if any(sign in text for sign in NOT_IN_NAMES):
        raise bad_text(name, f"{name} must not hold a colon, a tab or a new line")
    return text.strip()


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise invalid(f"Property Name:{name} must be true or false", name)
    return value


def _object(name: str, value: Any) -> Document:
    if not isinstance(value, dict):
        raise invalid(f"Property Name:{name} must be an object", name)
    return value


def _ref(name: str, value: Any) -> Document | None:
    given = _object(name, value)
    if not given.get("value"):
        return None
    told = {"value": _text(f"{name}.value", given["value"])}
    return told | ({"name": _text(f"{name}.name", given["name"])} if given.get("name") else {})


def _one_text(key: str) -> Callable[[str, Any], Document | None]:
    """An object of which one text counts."""

    def read(name: str, value: Any) -> Document | None:
        given = _object(name, value)
        return {key: _text(f"{name}.{key}", given[key])} if given.get(key) else None

    return read


def _email(name: str, value: Any) -> Document | None:
    """One address, or several with commas between them."""
    found = _one_text("Address")(name, value)
    if found is None:
        return None
    for one in found["Address"].split(","):
        before, at, after = one.strip().rpartition("@")
        if not (before and at and "." in after):
            words = "Email Address does not conform to the standards, or several are not separated by commas"
            raise Refusal(400, "2210", "Invalid Email Address format", words, name)
    return found


def _address(name: str, value: Any) -> Document | None:
    told = {}
    for part, text in _object(name, value).items():
        if part not in ADDRESS:
            raise invalid(f"Property Name:{name}.{part:.80} specified is unsupported or invalid", name)
        if text in (None, ""):
            continue
        told[part] = _text(f"{name}.{part}", text)
        if len(told[part]) > ADDRESS[part]:
            raise too_long(f"{name}.{part}", ADDRESS[part])
    return told if told.keys() - {"Id"} else None


def _money(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not abs(Decimal(value)) < MOST_MONEY:
        raise invalid(f"Property Name:{name} must be an amount", name)
    return Decimal(value).quantize(Decimal("0.01"))


def _day(name: str, value: Any) -> str:
    try:
        return date.fromisoformat(_text(name, value)).isoformat()
    except ValueError as wrong:
        raise invalid(f"Property Name:{name} must be a date", name) from wrong


def _attached(name: str, value: Any) -> list[Document]:
    """What a note hangs on."""
    if not isinstance(value, list) or len(value) > 100:
        raise invalid(f"Property Name:{name} must be a list", name)
    told = []
    for one in value:
        given = _object("EntityRef", _object(name, one).get("EntityRef"))
        if not given.get("type") or not given.get("value"):
            raise missing("AttachableRef.EntityRef")
        ref = {key: _text(f"EntityRef.{key}", given[key]) for key in ("type", "value")}
        told.append({"EntityRef": ref, "IncludeOnSend": _flag("IncludeOnSend", one.get("IncludeOnSend") or False)})
    return told


PARTS_OF = {"email": "Address", "phone": "FreeFormNumber", "web": "URI"}
KINDS: Mapping[str, Callable[[str, Any], Any]] = {
    "text": _text, "name": _name, "flag": _flag, "ref": _ref, "email": _email, "phone": _one_text("FreeFormNumber"),
    "web": _one_text("URI"), "address": _address, "money": _money, "day": _day, "attached": _attached,
}  # fmt: skip
