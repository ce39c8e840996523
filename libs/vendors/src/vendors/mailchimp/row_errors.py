"""The refusal of one row of a batch, by the same table as a whole answer: its words name the title that a single call would have had."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from common.failures import Failure
from common.http.failure_table import Said
from vendors.mailchimp.errors import TABLE

# The row carries no title; these words are those of the sheet's samples.
_TITLES = (
    ("already a list member", "Member Exists"),
    ("compliance state", "Member In Compliance State"),
    ("permanently deleted", "Forgotten Email Not Subscribed"),
)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def failure(row: Mapping[str, Any]) -> Failure:
    """The row's verdict; its words are kept, the address in them is masked by the door's own rules."""
    words = str(row.get("error", ""))
    title = next((title for part, title in _TITLES if part in words.lower()), "Invalid Resource")
    if row.get("error_code") == "ERROR_CONTACT_EXISTS":
        title = "Member Exists"
    field, message = row.get("field"), row.get("field_message")
    explained = f"{words} | {field}: {message}" if field else words
    return TABLE.failure(400, Said(title, explained), {}, _LONG_AGO)
