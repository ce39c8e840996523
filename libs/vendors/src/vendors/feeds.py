"""What records of one kind tell of others: of whom, of what they name, and of what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.contracts.facts import CUSTOMER_ACTIVITY
from common.contracts.ids import Entity, RecordId
from vendors.catalogue import CatalogueField


@dataclass(frozen=True, slots=True)
class Feed:
    """Records of one kind that tell of those of another: an invoice changes what is known of its customer."""

    to: Entity
    whom: Callable[[Mapping[str, Any]], Sequence[RecordId]]
    """Of whom a record tells, by its fields; pure."""
    gathers: Gathering | None = None
    """Of what it tells besides, that is no record of this vendor's."""
    parts: PartRecords | None = None
    """What it is made of, where each part is a record for itself."""
    is_kept: bool = False
    """Nobody reads such records at this vendor: whoever hears of them elsewhere keeps them as rows of our own."""
    moves: Mapping[Entity, str] = field(default_factory=dict)
    """What else has changed at the vendor when such a record was told by a webhook: other kinds -> the field that has their ids as keys."""


def kept_activity(to: Entity) -> Feed:
    """What audiences tell of such records: facts of each, and an event at a time."""
    fields = (
        CatalogueField("customer_id", "Customer", "text"),
        CatalogueField("event", "Event", "text"),
        CatalogueField("at", "When it happened", "datetime"),
        CatalogueField("text", "What happened, in words", "text"),
    )
    parts = PartRecords(CUSTOMER_ACTIVITY, "Activity of customers", lambda _, __: {}, fields, frozenset())
    return Feed(to, lambda _: (), parts=parts, is_kept=True)


@dataclass(frozen=True, slots=True)
class Named:
    """Which gathered record another one names, and how it came to be."""

    record: RecordId
    rule: str


@dataclass(frozen=True, slots=True)
class Gathering:
    """Records that nobody lists: one is there as soon as another names it, has nothing but its id, and is what all that name it tell together.

    So an amount for each deal of another system is a leg from `deal`, whose rows are facts of the invoices that name it.
    """

    into: Entity
    title: str
    by: Callable[[Mapping[str, Any]], Named | None]
    """Whom a record names, by its fields; pure."""


@dataclass(frozen=True, slots=True)
class PartRecords:
    """Records that another one is made of and that nobody lists: one is there as long as the other has it, and is deleted once it has not.

    So a payment that pays three invoices is three records, each with its own link and its own way to a target.
    """

    into: Entity
    title: str
    of: Callable[[RecordId, Mapping[str, Any]], Mapping[RecordId, Mapping[str, Any]]]
    """By the whole's id and fields; pure."""
    fields: tuple[CatalogueField, ...]
    reads: frozenset[str]
    """Of the whole: those of its fields without which nobody knows its parts."""
