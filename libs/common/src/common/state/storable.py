"""Makes any text and any JSON value fit for PostgreSQL, which takes neither U+0000 nor half a surrogate pair.

What cannot be stored becomes U+FFFD, so that a reader sees that something stood there; the bytes as they came stay on the
receipt topic and in dead letters, which are `bytea`.
"""

from __future__ import annotations

import re
from decimal import Decimal

import orjson

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_NUL = b"\\u0000"


def storable_text(text: str) -> str:
    """The same text, each U+0000 and each lone surrogate replaced."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def is_storable(text: str) -> bool:
    """Whether it can be stored as it is."""
    return _UNSTORABLE.search(text) is None


def storable_json(value: object) -> bytes:
    """The JSON bytes of a value, as `jsonb` accepts them; decimals become strings, because money is never a float."""
    try:
        encoded = orjson.dumps(value, default=_decimal)
    except TypeError as refused:
        # orjson speaks of lone surrogates with the same exception as of unknown types: clean once, then let it speak.
        if "surrogates" not in str(refused):
            raise
        return orjson.dumps(_cleaned(value), default=_decimal)
    # An escaped backslash before `u0000` looks the same here and is harmless: cleaning leaves it as it is.
    return orjson.dumps(_cleaned(value), default=_decimal) if _ESCAPED_NUL in encoded else encoded


def _decimal(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(part) for part in value]
    return value
