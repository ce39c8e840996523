"""The vendor's bytes: JSON in with exact decimals, JSON out with exact number literals."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from sandbox.quickbooks.refusals import Document, invalid

JSON = "application/json;charset=UTF-8"


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def parse(body: bytes) -> Document:
    """The JSON object of a request; what is none is refused."""
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False, default=str).encode()  # half a surrogate pair is legal JSON, and no text
    except (ValueError, RecursionError, InvalidOperation) as trouble:
        raise invalid("Property Name:Can not read the request body as JSON") from trouble
    if not isinstance(found, dict):
        raise invalid("Property Name:The request body must be an object")
    return found


def written(document: object) -> bytes:
    return orjson.dumps(document, default=_literal)


def _literal(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, int):  # beyond 64 bits
        return orjson.Fragment(str(value).encode())
    raise TypeError(type(value).__name__)


def plain(value: object) -> Any:
    """The same for documents that others write: decimals as literals."""
    return orjson.loads(written(value))
