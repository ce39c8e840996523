"""Which of a vendor's acts move money, and where the amount of each stands: what a day's summary adds up, exactly and in the database.

What is sent need not be what it came to, so the amount of a document is read from what the vendor answered; that of a payment from the act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MoneyFigure:
    """One kind of sum: `word` is what people read, `action` the act that is counted under it."""

    word: str
    action: str
    found_in: Literal["seen", "sent"]
    path: str
    """In what the vendor has shown of the record; or with what the act's own path begins."""
    part: str = ""
    """The part of the act's value that is the amount."""


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """All of one kind of record; `currency` names the document's fields, the first that is filled counts."""

    currency: Sequence[str]
    figures: Sequence[MoneyFigure]
