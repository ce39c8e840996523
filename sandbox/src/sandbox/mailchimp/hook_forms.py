"""Bodies of audience webhooks: form-encoded, with PHP's bracketed keys (sheet, section 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from sandbox.mailchimp.member import MergeValue
from sandbox.mailchimp.merge_field import MergeField

Form = Mapping[str, "str | Form"]


def encoded(event: str, at: int, content: Form) -> bytes:
    fired_at = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    pairs = [("type", event), ("fired_at", fired_at), *flattened("data", content)]
    return urlencode(pairs).encode()


def flattened(prefix: str, content: Form) -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, str):
            yield f"{prefix}[{name}]", value
        else:
            yield from flattened(f"{prefix}[{name}]", value)


def merges(email: str, fields: list[MergeField], values: Mapping[str, MergeValue]) -> dict[str, str | Form]:
    """All fields of the audience under their tags; an address nests, one that is empty does not."""
    form: dict[str, str | Form] = {"EMAIL": email}
    for field in fields:
        value = values.get(field.tag, "")
        form[field.tag] = value if isinstance(value, dict) else str(value)
    form["INTERESTS"] = ""
    return form
