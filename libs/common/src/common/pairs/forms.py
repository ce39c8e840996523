"""Forms that vendors give to values, and by which one is still the other: pure (R18).

Whatever else a side shows of what was written to it is no form that we know. A person has to say whether that is the same.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

SHORTENED_FROM = 20
"""No field is shorter than this; a beginning that is may be anything."""
NUMBER_OF = 7
"""A telephone's digits without the country; fewer may end another number by chance."""
COUNTRY = 4
_SCHEME = re.compile(r"^https?://(www\.)?")
_BETWEEN = re.compile(r"[^\w]|_")
_DIGITS = 5


def explains(wanted: Any, shown: Any, before: Any = None) -> bool:
    """Whether what is shown may be what a vendor makes of what was wanted, where it had something before."""
    if _is_empty(wanted):
        # A field that has to have something gets a stand-in. One that has kept what it had was not emptied.
        return _is_empty(shown) or shown != before
    if isinstance(wanted, Mapping) and isinstance(shown, Mapping):
        # Vendors name different parts of an address.
        return all(explains(wanted[part], shown[part]) for part in wanted.keys() & shown.keys())
    one, other = _plain(wanted), _plain(shown)
    return bool(one == other) or (isinstance(one, str) and isinstance(other, str) and _is_longer_or_shorter(one, other))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _is_longer_or_shorter(wanted: str, shown: str) -> bool:
    """A long text is cut; a name that is taken gets something in brackets; a telephone number gets its country."""
    cut = len(shown) >= SHORTENED_FROM and wanted.startswith(shown)
    suffixed = shown.startswith(f"{wanted} (") and shown.endswith(")")
    return cut or suffixed or _is_with_country(wanted, shown) or _is_with_country(shown, wanted)


def _is_with_country(short: str, long: str) -> bool:
    digits = short.isdigit() and long.isdigit() and len(short) >= NUMBER_OF
    return digits and len(long) - len(short) <= COUNTRY and long.endswith(short)


def _plain(value: Any) -> Any:
    """Without case, spaces around and in between, signs that a vendor writes otherwise, and the ways of writing a number."""
    if isinstance(value, Mapping):
        return {part: _plain(one) for part, one in value.items() if not _is_empty(one)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sorted((_plain(one) for one in value), key=repr)
    return _plain_words("" if value is None else str(value))


def _plain_words(value: str) -> str:
    words = " ".join(unicodedata.normalize("NFKC", html.unescape(value)).casefold().split())
    # Some store nothing beyond the basic plane, or nothing that cannot be seen.
    words = "".join(sign for sign in words if ord(sign) <= 0xFFFF and unicodedata.category(sign)[0] != "C").strip()
    if number := _number(words):
        return number
    if sum(sign.isdigit() for sign in words) >= _DIGITS and "@" not in words:
        # A telephone number, a day, a number of a register: with or without what stands between its parts.
        return _BETWEEN.sub("", _SCHEME.sub("", words)).lstrip("0")
    return _SCHEME.sub("", words).rstrip("/")


def _number(words: str) -> str:
    """A sum in one way of writing it; digits alone may be a telephone."""
    if words.lstrip("+").isdigit():
        return ""
    try:
        number = Decimal(words)
    except InvalidOperation:
        return ""
    return f"{number.normalize():f}" if number.is_finite() else ""
