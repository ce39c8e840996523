"""Personal data as it is shown to whoever did not ask for it: the shape of a value, never the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.bus.shown import masked

# Names that we gave and words of a vendor: they say nothing about who somebody is.
_HARMLESS = frozenset({"tags", "status", "language", "how", "tag", "wish", "currency", "standing"})


def masked_value(field: str, value: Any) -> Any:
    """The value under this path, hidden unless it is harmless."""
    # A path of the catalogue, or a JSON pointer into a document of such paths.
    name = (field.split("/")[1] if field.startswith("/") else field).rpartition(".")[2]
    if name in _HARMLESS:
        return value
    shown = masked({"document": {name: value}})
    assert isinstance(shown, Mapping)
    return shown["document"][name]


def masked_tree(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A document, as `before` and `after` of the journal hold it; `document` inside it is one more level."""
    if values is None:
        return None
    return {
        name: masked_tree(value) if name == "document" and isinstance(value, Mapping) else masked_value(name, value)
        for name, value in values.items()
    }


def masked_patch(patch: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    """RFC 6902 operations without their values."""
    if patch is None:
        return None
    return [
        {**one, "value": masked_value(str(one.get("path", "")), one["value"])} if "value" in one else dict(one)
        for one in patch
    ]


def masked_address(text: str) -> str:
    """An e-mail address in which one recognises what one knows: `a***@example.org`."""
    name, at, domain = text.partition("@")
    return f"{name[:1]}***@{domain}" if at else text
