"""What a note says of a payment, for people, and the mark by which we know it again: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BACK = "taken back"
# A list shows the first 500 characters of a text, and the mark has to be among them.
LONGEST = 200
_MARK = re.compile(r"\[Books payment (?P<share>[0-9A-Za-z_-]+) #(?P<times>\d+): (?P<said>[^\]]*)\]\s*\Z")


def title(document: Mapping[str, Any], amount: str, before: str) -> str:
    if amount == BACK:
        return "Payment taken back"
    what = f"{amount} {document.get('currency') or ''}".strip()
    return f"Payment corrected: {what}" if before else f"Payment: {what}"


def content(document: Mapping[str, Any], share: str, times: int, amount: str, before: str) -> str:
    """In words, and the mark."""
    if amount == BACK:
        words = [f"The payment of {before} was deleted, or does not pay this any more."]
    else:
        said = (("On", "paid_on"), ("By", "method"), ("Reference", "reference"))
        words = [f"Until now it was {before}."] if before else []
        words += [f"{name}: {str(document[path])[:LONGEST]}" for name, path in said if document.get(path)]
    return "\n".join([*words, f"[Books payment {share} #{times}: {amount}]"])


def said_by(text: str) -> tuple[str, int, str] | None:
    """Of a note of ours: of which share, for the how manieth time, and what; a person may have written around the mark's line."""
    found = _MARK.search(text)
    return (found["share"], int(found["times"]), found["said"]) if found else None
