"""One thing that happened to one record: what a webhook tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

OPERATIONS = ("Create", "Update", "Delete", "Merge", "Void", "Emailed")


@dataclass(frozen=True, slots=True)
class Event:
    """Which record of which company, and what: never a field of it."""

    realm: str
    entity: str
    id: str
    operation: str
    at: datetime
    other: str = ""  # of a merge: who is gone
