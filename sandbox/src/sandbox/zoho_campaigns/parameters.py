"""The parameters of a call: query and form are one, a JSON body is none (sheet, section 1)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from sandbox.simulator import Request
from sandbox.zoho_campaigns.refusals import Refusal, at_gateway

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
LONGEST_BODY = 1024 * 1024

Parameters = dict[str, str]
Pairs = list[tuple[str, str]]


def sent(request: Request) -> Pairs:
    """What was sent in either place; a body of another kind is not looked at."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM or len(request.body) > LONGEST_BODY:
        return request.query
    try:
        form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return request.query
    return request.query + form


def first(pairs: Pairs, name: str) -> str:
    return next((value for key, value in pairs if key == name), "")


def checked(pairs: Pairs, mandatory: Iterable[str], known: Iterable[str], *, missing: str) -> Parameters:
    """By name; what is unknown, repeated or missing is refused before the method is asked."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise at_gateway("1006")
    if not found.keys() <= {*mandatory, *known}:
        raise at_gateway("1002")
    if not found.keys() >= set(mandatory):
        raise at_gateway(missing)
    return found


def whole(parameters: Parameters, name: str, default: int, least: int = 1) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise at_gateway("1005")
    if not least <= int(text[:12]) <= 10**9 or len(text) > 12:
        raise at_gateway("1001")
    return int(text)


def object_of(text: str) -> dict[str, str]:
    """A parameter that is an object: JSON, or the vendor's own way of writing it without quotes."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return unquoted(text)
    if not isinstance(found, dict):
        raise unreadable()
    return {name: _text(value) for name, value in found.items()}


def unquoted(text: str) -> dict[str, str]:
    """`{First Name:mac,Contact Email:x@y}`: a value with a comma or a colon in it cannot be written so."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")) or '"' in text:
        raise unreadable()
    pieces = [piece.partition(":") for piece in text[1:-1].split(",") if piece.strip()]
    if any(not colon for _, colon, _ in pieces):
        raise unreadable()
    return _once([(name.strip(), value.strip()) for name, _, value in pieces])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refusal("1006")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _text(value: object) -> str:
    """Numbers are text by now and flags become text; what has parts has no place in a field."""
    if isinstance(value, dict | list):
        raise Refusal("1005")
    if not isinstance(value, str):
        return "" if value is None else str(value).lower()
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise unreadable()  # half a surrogate pair is legal JSON, and no text
    return value


def unreadable() -> Refusal:
    return Refusal("2001", "Wrong JSON or XML.")
