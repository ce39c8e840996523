"""Records that no list has, because they are kept inside others (decision 68)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.contracts.ids import Entity, RecordId


@dataclass(frozen=True, slots=True)
class InnerRecords:
    """How they are told: the contact persons of a customer, by the customer.

    Whatever tells the other record with them tells each of them, as of the same version.
    """

    of: Entity
    """In which records they are."""
    field: str
    """The field of such a record that tells of them, each with the id of its record as `id`; no list tells it."""
    where: str
    """A record without a value of this field, which lists tell, is not read for their sake."""
    told: Callable[[RecordId, Mapping[str, Any]], Mapping[str, Mapping[str, Any]]]
    """What a record's id and fields say of its parts, by their ids; pure."""
