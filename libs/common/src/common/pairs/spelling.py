"""In what form a side's value is held in a pair: an address without the parts that it does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def spelt(values: Mapping[str, Any]) -> dict[str, Any]:
    """Vendors name different parts of an address, and some name those that are empty: neither is a difference between two sides."""
    return {name: _without_empty_parts(value) for name, value in values.items()}


def _without_empty_parts(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {part: one for part, one in value.items() if one not in (None, "")} or None
