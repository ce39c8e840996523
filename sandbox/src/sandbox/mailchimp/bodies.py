"""Request bodies: JSON or a refusal, and the checks Mailchimp's schemas make before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from sandbox.mailchimp.problems import FieldError, Problem, invalid_fields

Document = dict[str, object]
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field of a body must look like."""

    kind: str = "string"
    required: bool = False
    choices: tuple[str, ...] = ()
    longest: int = 0
    least: int = 0


def parse(body: bytes) -> Document:
    """An empty body counts as an empty object, as does the `null` that the vendor's client sends."""
    if not body.strip():
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem(
            400, "JSON Parse Exception", "We encountered an unspecified JSON parsing error. Please check your syntax."
        ) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise invalid_fields([FieldError("", f"Schema describes object, {described(document)} found instead")])
    return document


def check(body: Mapping[str, object], rules: Mapping[str, Rule], prefix: str = "") -> None:
    errors = faults(body, rules, prefix)
    if errors:
        raise invalid_fields(errors)


def faults(body: Mapping[str, object], rules: Mapping[str, Rule], prefix: str = "") -> list[FieldError]:
    """Every field that breaks its rule; fields without a rule are ignored, as the vendor does."""
    errors: list[FieldError] = []
    for name, rule in rules.items():
        blank = "This value should not be blank." if rule.required else ""
        message = broken(rule, body[name]) if name in body else blank
        if message:
            errors.append(FieldError(prefix + name, message))
    return errors


def broken(rule: Rule, value: object) -> str:
    if not isinstance(value, KINDS[rule.kind]) or (isinstance(value, bool) and rule.kind != "boolean"):
        return f"Schema describes {rule.kind}, {described(value)} found instead"
    if rule.choices and value not in rule.choices:
        return f"Value must be one of: {', '.join(rule.choices)}."
    return broken_text(rule, value) if isinstance(value, str) else ""


def broken_text(rule: Rule, value: str) -> str:
    if rule.required and not value.strip():
        return "This value should not be blank."
    if rule.longest and len(value) > rule.longest:
        return f"This value is too long. It should have {rule.longest} characters or less."
    if rule.least and len(value) < rule.least:
        return f"This value is too short. It should have {rule.least} characters or more."
    return ""


def described(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "integer", float: "number", list: "array"}.get(type(value), "object")


def text(body: Mapping[str, object], name: str, default: str = "") -> str:
    value = body.get(name, default)
    return value if isinstance(value, str) else default


def flag(body: Mapping[str, object], name: str, *, default: bool = False) -> bool:
    value = body.get(name, default)
    return value if isinstance(value, bool) else default


def nested(body: Mapping[str, object], name: str) -> Document:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def rows(body: Mapping[str, object], name: str) -> Sequence[object]:
    value = body.get(name)
    return value if isinstance(value, list) else ()


def moment(value: str) -> int:
    """Seconds since the epoch of an ISO 8601 text; without a zone it is UTC. Raises ValueError."""
    if not _ISO.fullmatch(value.strip()):
        raise ValueError(f"not an ISO 8601 time: {value!r}")
    at = datetime.fromisoformat(value.strip().replace(" ", "T"))
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
