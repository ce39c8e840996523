"""What a person, or an account, may ask for by way of its vendor: to be told what is kept, or that nothing is kept any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from common.contracts.ids import Entity, RecordId

PrivacyKind = Literal["export", "redact", "redact_account"]


@dataclass(frozen=True, slots=True)
class PrivacyAsk:
    """Only ids: whoever answers looks them up, and no name is stored once more."""

    kind: PrivacyKind
    records: Sequence[tuple[Entity, RecordId]] = ()
    """Whose values they are; of an account it is all of its own."""
    reference: str = ""
    """The vendor's own number of it."""
