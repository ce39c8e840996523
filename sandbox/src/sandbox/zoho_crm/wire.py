"""The vendor's bytes: JSON in with exact decimals, JSON out with exact number literals."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from sandbox.zoho_crm.refusals import Document, Refusal, invalid_body

JSON = "application/json;charset=UTF-8"


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def parse(body: bytes) -> Document:
    """The JSON object of a request; what is none is refused."""
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False, default=str).encode()  # half a surrogate pair is legal JSON, and no text
    except (ValueError, RecursionError, InvalidOperation) as trouble:
        raise unreadable() from trouble
    if not isinstance(found, dict):
        raise invalid_body(expected_data_type="jsonobject")
    return found


def unreadable() -> Refusal:
    return Refusal(400, "UNABLE_TO_PARSE_DATA_TYPE", "either the request body or parameters is in wrong format")


def written(document: object) -> bytes:
    return orjson.dumps(document, default=_literal)


def _literal(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, int):  # beyond 64 bits
        return orjson.Fragment(str(value).encode())
    raise TypeError(type(value).__name__)


def plain(value: object) -> object:
    """The same for documents that others write: decimals as literals."""
    return orjson.loads(written(value))
