"""Does a value fit the target's field? Asked before any call, answered with row, field, the value's shape and the remedy."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from common.codes import CODES, Code, register
from mapper.mapping.problems import Problem, shape
from mapper.mapping.transforms import number
from vendors.catalogue import CatalogueField

register(
    Code("MAPPING_ADDRESS_INCOMPLETE", "An address lacks a part that the target requires, so the address was left out.",
         "Complete the address at the source; nothing else of the record waits for it.", "owner", True),
)  # fmt: skip

_TYPES_OF_TEXT = ("text", "email", "phone", "url", "date", "datetime", "choice")


def checked(
    row: int, field: CatalogueField | None, path: str, value: Any, *, required: bool
) -> tuple[Any, Problem | None]:
    """The value as the target takes it, or the problem that keeps it from being taken."""
    if _is_empty(value):
        missing = (
            _problem("MAPPING_REQUIRED_MISSING", row, path, value, "is required and has no value.")
            if required
            else None
        )
        return None, missing
    if field is None:
        return value, None
    return _fits(row, field, value)


def _is_empty(value: Any) -> bool:
    """An address without any part is no address, not an incomplete one."""
    return value in (None, "", [], {}) or (isinstance(value, dict) and not any(value.values()))


def _fits(row: int, field: CatalogueField, value: Any) -> tuple[Any, Problem | None]:
    if field.type == "address":
        return _address(row, field, value)
    if field.type in ("number", "money"):
        amount = number(value)
        return (amount, None) if amount is not None else _mismatch(row, field, value)
    if field.type in _TYPES_OF_TEXT:
        return _text(row, field, value)
    if field.type == "boolean" and not isinstance(value, bool):
        return _mismatch(row, field, value)
    return value, None


def _text(row: int, field: CatalogueField, value: Any) -> tuple[Any, Problem | None]:
    if not isinstance(value, str | int) or isinstance(value, bool) or not _is_a(field.type, str(value)):
        return _mismatch(row, field, value)
    words = str(value)
    if field.choices and words not in field.choices:
        return None, _problem(
            "MAPPING_CHOICE_UNKNOWN", row, field.path, value, f"is none of its {len(field.choices)} choices."
        )
    if field.max_length is not None and len(words.encode()) > field.max_length:
        return None, _problem(
            "MAPPING_VALUE_TOO_LONG", row, field.path, value, f"takes at most {field.max_length} bytes."
        )
    return words, None


def _is_a(kind: str, words: str) -> bool:
    match kind:
        case "email":
            return _is_email(words)
        case "url":
            return urlsplit(words).scheme in ("http", "https") and bool(urlsplit(words).netloc)
        case "date":
            return _is_date(words)
        case "phone":
            return re.search(r"\d", words) is not None
        case _:
            return True


# The addresses that most people have, told by one look: the library takes forty times as long for its verdict, which is the same.
_COMMON_EMAIL = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:-?[a-z0-9])*\.)+[a-z]{2,24}", re.ASCII | re.IGNORECASE
)
# Names that lead nowhere: who may have one is the library's to say.
_SPECIAL = tuple(SPECIAL_USE_DOMAIN_NAMES)
_LONGEST_LOCAL, _LONGEST_LABEL, _LONGEST = 64, 63, 200


def _is_email(words: str) -> bool:
    return _is_common_email(words) or _is_valid_email(words)


def _is_common_email(words: str) -> bool:
    if len(words) > _LONGEST or _COMMON_EMAIL.fullmatch(words) is None:
        return False
    local, _, domain = words.lower().partition("@")
    longest = max(map(len, domain.split(".")))
    return len(local) <= _LONGEST_LOCAL and longest <= _LONGEST_LABEL and not domain.endswith(_SPECIAL)


def _is_valid_email(words: str) -> bool:
    try:
        validate_email(words, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _is_date(words: str) -> bool:
    try:
        date.fromisoformat(words[:10])
    except ValueError:
        return False
    return True


def _address(row: int, field: CatalogueField, value: Any) -> tuple[Any, Problem | None]:
    """An address goes whole or not at all, and a missing part is never invented."""
    if not isinstance(value, dict):
        return _mismatch(row, field, value)
    missing = [part for part in field.parts if not value.get(part)]
    if missing:
        words = f"lacks {', '.join(missing)}."
        return None, _problem("MAPPING_ADDRESS_INCOMPLETE", row, field.path, value, words)
    return {name: part for name, part in value.items() if part}, None


def _mismatch(row: int, field: CatalogueField, value: Any) -> tuple[Any, Problem]:
    return None, _problem("MAPPING_TYPE_MISMATCH", row, field.path, value, f"takes {field.type}.")


def _problem(code: str, row: int, path: str, value: Any, words: str) -> Problem:
    return Problem(code, row, path, f"The target's field {words} The value is {shape(value)}.", CODES[code].action)
