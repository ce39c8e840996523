"""The vendor's bytes: JSON in with exact decimals and typed readers, JSON out with exact number literals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from sandbox.zoho_books.refusals import Refusal, invalid, malformed_json, missing

LARGEST = Decimal(10) ** 13
FINEST = -12
LONGEST_TEXT = 2_000_000
NUMERIC = re.compile(r"-?[0-9]{1,18}\Z")
Document = dict[str, Any]


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def parse(body: bytes) -> Document:
    """The JSON object of a request; an empty body is an empty object, anything else that is no object is refused."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
        body_is_text(found)
    except (ValueError, RecursionError, InvalidOperation) as trouble:
        raise malformed_json() from trouble
    if not isinstance(found, dict):
        raise malformed_json()
    return found


def body_is_text(found: object) -> None:
    """Half of a surrogate pair is legal JSON and illegal text; refuse it at the door (raises UnicodeEncodeError)."""
    json.dumps(found, ensure_ascii=False, default=str).encode()


def number(amount: Decimal) -> orjson.Fragment:
    """An exact number literal, with the digits the amount was rounded to ("119.00")."""
    return orjson.Fragment(format(amount, "f").encode())


def plain(amount: Decimal) -> orjson.Fragment:
    """A quantity, rate or percentage: an exact literal with at least one decimal ("1.0", "0.0125")."""
    text = format(amount.normalize(), "f")
    return orjson.Fragment((text if "." in text else text + ".0").encode())


class Body:
    """One JSON object with readers that refuse what the vendor refuses; `has` tells absent from empty."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Document) -> None:
        self._fields = fields

    def has(self, name: str) -> bool:
        return name in self._fields

    def text(self, name: str, default: str = "", longest: int = LONGEST_TEXT) -> str:
        found = self._fields.get(name, default)
        if found is None:
            return ""
        if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
            raise invalid(name)
        text = str(found)
        if len(text) > longest:
            raise invalid(name)
        return text

    def required(self, name: str, longest: int = LONGEST_TEXT) -> str:
        found = self.text(name, longest=longest).strip()
        if not found:
            raise missing(name)
        return found

    def id(self, name: str, default: str = "") -> str:
        """An id, as a numeric string or as a bare number; empty when none is given."""
        found = self.text(name, default)
        if found and not NUMERIC.match(found):
            raise invalid(name)
        return found

    def amount(self, name: str, default: Decimal = Decimal(0)) -> Decimal:
        found = self._fields.get(name)
        if found is None or found == "":
            return default
        return as_amount(found, name)

    def whole(self, name: str, default: int = 0) -> int:
        found = self.amount(name, Decimal(default))
        if found != int(found):
            raise invalid(name)
        return int(found)

    def flag(self, name: str, default: bool = False) -> bool:
        found = self._fields.get(name)
        if found is None or found == "":
            return default
        if isinstance(found, bool):
            return found
        if found in ("true", "false"):
            return bool(found == "true")
        raise invalid(name)

    def day(self, name: str, default: str = "") -> str:
        found = self.text(name, default)
        return as_day(found, name) if found else ""

    def choice(self, name: str, allowed: frozenset[str], default: str) -> str:
        found = self.text(name, default) or default
        if found not in allowed:
            raise invalid(name)
        return found

    def part(self, name: str) -> Body:
        """A nested object; absent and null are empty."""
        found = self._fields.get(name)
        if found is None:
            return Body({})
        if not isinstance(found, dict):
            raise invalid(name)
        return Body(found)

    def rows(self, name: str, most: int = 1000) -> list[Body]:
        """A nested list of objects; absent and null are empty."""
        return list(self._rows(name, most))

    def _rows(self, name: str, most: int) -> Iterator[Body]:
        found = self._fields.get(name)
        if found is None or found == "":
            return
        if not isinstance(found, list) or len(found) > most:
            raise invalid(name)
        for row in found:
            if not isinstance(row, dict):
                raise invalid(name)
            yield Body(row)

    def raw(self, name: str) -> Any:
        """A part that is stored and echoed as it came."""
        return exact(self._fields.get(name))

    def words(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        found = self._fields.get(name)
        if found is None or found == "":
            return ()
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise invalid(name)
        return tuple(found)


def as_amount(found: object, name: str) -> Decimal:
    """A number or numeric string as a Decimal of sane size."""
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        raise invalid(name)
    try:
        if isinstance(found, int):
            found = Decimal(found)
        amount = Decimal(found.strip()) if isinstance(found, str) else found
    except (InvalidOperation, ValueError) as trouble:
        raise invalid(name) from trouble
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < FINEST or amount.adjusted() > 13 or abs(amount) > LARGEST:
        raise invalid(name)
    return amount


def as_day(found: str, name: str) -> str:
    if len(found) != 10:
        raise invalid(name)
    try:
        return date.fromisoformat(found).isoformat()
    except ValueError as trouble:
        raise invalid(name) from trouble


def exact(found: Any) -> Any:
    """A parsed document made writable again: decimals become literals, integers beyond 64 bits strings."""
    if isinstance(found, Decimal):
        return plain(found) if found.is_finite() and -FINEST >= found.adjusted() >= FINEST else str(found)
    if isinstance(found, dict):
        return {key: exact(value) for key, value in found.items()}
    if isinstance(found, list):
        return [exact(value) for value in found]
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) >= 2**63:
        return str(found)
    return found


def envelope(code: int, message: str, parts: Document | None = None) -> bytes:
    """The vendor's envelope around a resource."""
    document: Document = {"code": code, "message": message}
    if parts:
        document.update(parts)
    return orjson.dumps(document)


def refusal_body(refusal: Refusal) -> bytes:
    return envelope(refusal.code, refusal.message)


Number = Callable[[Decimal], orjson.Fragment]
