"""Records that no list has, because they are kept inside others (decision 68)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.contracts.ids import Entity, RecordId


@dataclass(frozen=True, slots=True)
class InnerRecords:
    """How they are told: the contact persons of a customer, by the customer.

    Whatever tells the other record with them tells each of them, as of the same version. The id of each is that of the other, a `-`, and its own;
    the other's has none: so whoever has to forget the other finds all that was ever inside it.
    """

    of: Entity
    """In which records they are."""
    field: str
    """The field of such a record that tells of them, each with the id of its record as `id`; no list tells it."""
    where: str
    """A record without a value of this field, which lists tell, is not read for their sake."""
    told: Callable[[RecordId, Mapping[str, Any]], Mapping[str, Mapping[str, Any]]]
    """What a record's id and fields say of its parts, by their ids; pure."""

    @staticmethod
    def whole_of(record: RecordId) -> RecordId:
        """In which record this one is."""
        return RecordId(record.partition("-")[0])
