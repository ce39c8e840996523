"""What a merge field accepts, field type by field type (sheet, section 4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sandbox.mailchimp.member import MergeValue
from sandbox.mailchimp.merge_field import MergeField
from sandbox.mailchimp.problems import FieldError

LONGEST_TEXT_BYTES = 255
ADDRESS_NEEDS = ("addr1", "city", "state", "zip")
ADDRESS_KEYS = ("addr1", "addr2", "city", "state", "zip", "country")
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d-%m-%Y", "%m/%d/%Y")
_URL = re.compile(r"https?://[^\s/$.?#][^\s]*", re.IGNORECASE)
_ZIP = re.compile(r"[0-9]{5}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

Accepted = dict[str, MergeValue]


class Unfit(ValueError):
    """A value its field does not take; the text is the vendor's message for the field."""


def read(fields: Sequence[MergeField], given: Mapping[str, object]) -> tuple[Accepted, list[FieldError]]:
    """The values to store; an undefined tag is ignored without a word, an empty string clears."""
    accepted: Accepted = {}
    errors: list[FieldError] = []
    for field in fields:
        if field.tag not in given:
            continue
        try:
            accepted[field.tag] = value_of(field, given[field.tag])
        except Unfit as unfit:
            errors.append(FieldError(field.tag, str(unfit)))
    return accepted, errors


def missing(fields: Sequence[MergeField], stored: Mapping[str, MergeValue]) -> list[FieldError]:
    """The required fields left blank."""
    return [
        FieldError(field.tag, "Please enter a value")
        for field in fields
        if field.required and stored.get(field.tag, "") == ""
    ]


def value_of(field: MergeField, given: object) -> MergeValue:
    if given == "" or (field.type == "address" and _blank_address(given)):
        return ""
    return _READERS[field.type](field, given)


def _text(_field: MergeField, given: object) -> str:
    return cut(_scalar(given))


def _scalar(given: object) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise Unfit("This value should be a string")
    return given if isinstance(given, str) else str(given)


def cut(text: str) -> str:
    """At most 255 bytes of UTF-8, never half a character."""
    if len(text) <= LONGEST_TEXT_BYTES // 4:
        return text
    return text.encode()[:LONGEST_TEXT_BYTES].decode(errors="ignore")


def _number(_field: MergeField, given: object) -> int | float:
    if isinstance(given, bool):
        raise Unfit("Please enter a number")
    if isinstance(given, int | float):
        return given
    if isinstance(given, str) and len(given) <= 32 and _NUMBER.fullmatch(given.strip()):
        return float(given) if "." in given else int(given)
    raise Unfit("Please enter a number")


def _choice(field: MergeField, given: object) -> str:
    text = _scalar(given)
    if text not in field.choices():
        raise Unfit(f"This value must be one of: {', '.join(field.choices())}")
    return text


def _date(_field: MergeField, given: object) -> str:
    text = _scalar(given)
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    raise Unfit("Please enter a valid date")


def _birthday(_field: MergeField, given: object) -> str:
    text = _scalar(given)
    try:
        # A leap year, so that the 29th of February is a birthday too.
        return datetime.strptime(f"2024/{text}", "%Y/%m/%d").strftime("%m/%d")
    except ValueError:
        raise Unfit("Please enter a month (01-12) and a day (01-31)") from None


def _zip(_field: MergeField, given: object) -> str:
    text = _scalar(given)
    if not _ZIP.fullmatch(text):
        raise Unfit("Please enter a five digit zip code")
    return text


def _url(_field: MergeField, given: object) -> str:
    text = _scalar(given)
    if not _URL.fullmatch(text):
        raise Unfit("Please enter a valid URL")
    return cut(text)


def _address(_field: MergeField, given: object) -> dict[str, str]:
    if not isinstance(given, dict) or any(not isinstance(given.get(key, ""), str) for key in ADDRESS_KEYS):
        raise Unfit("Please enter a complete address")
    if any(not given.get(key, "").strip() for key in ADDRESS_NEEDS):
        raise Unfit("Please enter a complete address")
    return {key: cut(given.get(key, "")) for key in ADDRESS_KEYS}


def _blank_address(given: object) -> bool:
    return isinstance(given, dict) and all(given.get(key, "") == "" for key in ADDRESS_KEYS)


_READERS: dict[str, Callable[[MergeField, object], MergeValue]] = {
    "text": _text,
    "phone": _text,
    "number": _number,
    "radio": _choice,
    "dropdown": _choice,
    "date": _date,
    "birthday": _birthday,
    "zip": _zip,
    "url": _url,
    "imageurl": _url,
    "address": _address,
}
