"""What a contact's fields take: by display name, as text, within type and length (sheet, section 3, contactinfo)."""

from __future__ import annotations

import re

from sandbox.zoho_campaigns.account import EMAIL
from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.parameters import object_of
from sandbox.zoho_campaigns.records import Field
from sandbox.zoho_campaigns.refusals import Refusal

NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,9})?\Z")
FORMS = {
    "Integer": re.compile(r"[+-]?\d{1,9}\Z"), "LongInteger": re.compile(r"[+-]?\d{1,18}\Z"), "Decimal": NUMBER, "Percent": NUMBER,
    "Date": re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\Z"), "Email": re.compile(r"[^@\s]+@[^@\s]+\Z"),
    "DateTime": re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ].+\Z"), "URL": re.compile(r"(https?://)?[^\s/]+\.\S+\Z"),
    "Checkbox": re.compile(r"(true|false)\Z"),
}  # fmt: skip


def contact_in(call: Call) -> tuple[str, dict[str, str]]:
    """The address as it was sent and the values of known fields; names that no field has are passed over without a word."""
    found = object_of(call.given("contactinfo"))
    if EMAIL not in found:
        raise Refusal("903")
    email = found.pop(EMAIL)
    fields = call.account.fields
    return email, {name: _value(call, fields[name], value) for name, value in found.items() if name in fields}


def _value(call: Call, field: Field, value: str) -> str:
    if not value:
        if call.switches.empty_value == "refused":
            raise Refusal("1001")
        return ""
    if not FORMS.get(field.kind, re.compile("")).match(value):
        raise Refusal("1005")
    if len(value) > field.length:
        if call.switches.long_value == "refused":
            raise Refusal("1001")
        return value[: field.length]
    return value


def merged(call: Call, known: dict[str, str], told: dict[str, str]) -> dict[str, str]:
    """What is stored afterwards: a key that is left out stays as it was, an empty value clears or does nothing."""
    kept = {name: value for name, value in (known | told).items() if value}
    if call.switches.empty_value == "ignored":
        kept |= {name: known[name] for name, value in told.items() if not value and name in known}
    return kept
