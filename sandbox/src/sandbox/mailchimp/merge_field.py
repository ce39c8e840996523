"""The definition of a merge field: its type, its tag, and the limits an audience sets on fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TYPES = ("text", "number", "address", "phone", "date", "url", "imageurl", "radio", "dropdown", "birthday", "zip")
LONGEST_TAG = 10
MOST_FIELDS = 30
MOST_FIELDS_PREMIUM = 80
RESERVED = frozenset({"EMAIL", "INTERESTS", "UNSUB", "FORGOT", "REWARDS", "ARCHIVE", "UPDATE", "PROFILE", "LIST"})
_TAG = re.compile(r"[A-Z0-9_]+")


@dataclass(slots=True)
class MergeField:
    """One field; `options` holds what its type needs (choices, date format, phone format)."""

    id: int
    tag: str
    name: str
    type: str
    required: bool = False
    default: str = ""
    public: bool = False
    order: int = 0
    help: str = ""
    options: dict[str, object] = field(default_factory=dict)

    def choices(self) -> list[str]:
        known = self.options.get("choices")
        return [str(choice) for choice in known] if isinstance(known, list) else []


def tag_for(wanted: str, merge_id: int) -> str:
    """The tag as the vendor keeps it: upper case, quietly cut to ten characters, made up when none was asked."""
    return wanted.upper()[:LONGEST_TAG] if wanted else f"MMERGE{merge_id}"


def well_formed(tag: str) -> bool:
    return _TAG.fullmatch(tag) is not None and tag not in RESERVED


def defaults() -> list[MergeField]:
    """The fields each new audience has."""
    address: dict[str, object] = {"default_country": 164}
    return [
        MergeField(1, "FNAME", "First Name", "text", public=True, order=2, options={"size": 25}),
        MergeField(2, "LNAME", "Last Name", "text", public=True, order=3, options={"size": 25}),
        MergeField(3, "ADDRESS", "Address", "address", order=4, options=address),
        MergeField(4, "PHONE", "Phone Number", "phone", order=5, options={"phone_format": "none"}),
    ]
