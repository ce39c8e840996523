"""What a sync reads and cannot: its own records, or those that its facts are made of, and what a person does about it.

Where facts cannot be read, the records that need them are not read either (they would be written twice): a sync that stands still for
this must say so, and not only a log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.codes import CODES
from common.contracts.ids import Entity, VendorName
from common.contracts.open_deals import read_besides
from common.state.polls import Polled
from console.state.syncs import SyncRow
from console.state.unread_sources import FailedReading
from vendors.feeding import feeders, is_listed, listed
from vendors.registry import vendor_named

# A reading that fails so often in a row is no blip, whatever its code says.
NO_BLIP = 3
# Waiting for these is all that anybody can do.
_WAITS = frozenset({"QUOTA_EXHAUSTED", "QUOTA_UNAVAILABLE", "BEHIND_GATE"})


@dataclass(frozen=True, slots=True)
class UnreadSource:
    """A kind of records that is not read, and what waits for it."""

    entity: Entity
    place: str
    code: str
    words: str
    remedy: str
    attempts: int
    next_at: datetime
    holds_back: tuple[Entity, ...] = ()
    """Kinds of records that are not read until this one was."""

    @property
    def needs_a_person(self) -> bool:
        known = CODES.get(self.code)
        return self.attempts >= NO_BLIP or (known is not None and known.who in ("operator", "owner", "developer"))


def sources_read(row: SyncRow) -> Sequence[Polled]:
    """What brings the records of its legs, and nothing that their facts are made of."""
    return sorted(
        Polled(*listed(vendor_named(row.source_vendor if leg.source == row.source else row.target_vendor), leg))
        for leg in row.legs
    )


def sources_of(row: SyncRow) -> Sequence[Polled]:
    """Whatever is read for a sync."""
    return sorted({polled for polled, _ in _needs(row)}) if row.state == "active" else []


def unread_sources(row: SyncRow, failed: Mapping[Polled, FailedReading]) -> tuple[UnreadSource, ...]:
    """Of these sources, those of the sync that cannot be read."""
    needs = _needs(row)
    found = [_unread(polled, failed[polled], needs) for polled in sources_of(row) if polled in failed]
    return tuple(one for one in found if one.code not in _WAITS)


def _unread(polled: Polled, reading: FailedReading, needs: Sequence[tuple[Polled, Entity]]) -> UnreadSource:
    code, _, words = reading.words.partition(": ")
    known = CODES.get(code)
    held = (
        {entity for needed, entity in needs if needed == polled and entity != polled.entity}
        if reading.never_read
        else ()
    )
    return UnreadSource(
        polled.entity, polled.place, code, words, known.action if known else "", reading.attempts, reading.next_at,
        tuple(sorted(held)),
    )  # fmt: skip


def _needs(row: SyncRow) -> list[tuple[Polled, Entity]]:
    """Each source with the kind of records that needs it."""
    found: list[tuple[Polled, Entity]] = []
    for leg in row.legs:
        vendor = row.source_vendor if leg.source == row.source else row.target_vendor
        known = vendor_named(VendorName(vendor))
        source = known.source
        if source is None or leg.mapping is None:
            continue
        if is_listed(source, leg.source_entity):
            found.append((Polled(*listed(known, leg)), leg.source_entity))
        found += [(Polled(*one), leg.source_entity) for one in (*feeders(source, leg), *read_besides(leg))]
    return found
