"""Why a record is not written to Zoho CRM, where it is we who say so: each is for a person, with what to do."""

from __future__ import annotations

from common.codes import Code, register
from common.failures import Rejected


def _code(name: str, meaning: str, action: str) -> Code:
    return Code(name, meaning, action, "owner", True)


ZC_FIELD_MISSING = _code(
    "ZC_FIELD_MISSING",
    "Zoho CRM has no such field any more, or this account may not write it.",
    "Apply the sync again with `create_fields: true`, or correct the mapping; what waits goes on then.",
)
ZC_FIELD_REFUSED = _code(
    "ZC_FIELD_REFUSED",
    "Zoho CRM cannot have this field as it is asked for.",
    "Its edition may have no custom fields left, or a field of this name may be of another kind: make it by hand (a single line, "
    "external, without duplicates), or leave the row out; records are found by their e-mail address then.",
)
ZC_CHOICE_UNKNOWN = _code(
    "ZC_CHOICE_UNKNOWN",
    "The value is none of those that the field of Zoho CRM can have.",
    "Add it to the field's list in Zoho CRM, or map it to one of them; then retry.",
)
ZC_VALUE_TOO_LONG = _code(
    "ZC_VALUE_TOO_LONG",
    "The value is longer than the field of Zoho CRM takes.",
    "Shorten it at the source, or map it to another field; then retry.",
)
ZC_VALUE_WRONG = _code(
    "ZC_VALUE_WRONG",
    "The value is not of the kind that the field of Zoho CRM takes.",
    "Correct the record or the mapping, then retry.",
)
ZC_SEVERAL = _code(
    "ZC_SEVERAL",
    "Several records of Zoho CRM have this address, or this value of our field: which one is meant nobody can say.",
    "Merge them in Zoho CRM, or link the right one by hand (`millrace link add`); then retry.",
)
ZC_MET_ANOTHER = _code(
    "ZC_MET_ANOTHER",
    "Zoho CRM has found a record by another unique field than ours, and changed that one.",
    "Compare the record with its history in Zoho CRM; then link the two, or change one of the values, and retry.",
)
register(
    ZC_FIELD_MISSING, ZC_FIELD_REFUSED, ZC_CHOICE_UNKNOWN, ZC_VALUE_TOO_LONG, ZC_VALUE_WRONG, ZC_SEVERAL, ZC_MET_ANOTHER,
)  # fmt: skip


def refused(code: Code, words: str = "") -> Rejected:
    """For a person, with the field or the record that is meant. A field that is gone is so for all that the leg would write."""
    return Rejected(code.name, f"{code.meaning} {words}".strip(), about="leg" if code == ZC_FIELD_MISSING else "call")
