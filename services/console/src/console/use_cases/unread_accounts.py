"""An account that nobody has read yet, for a preview: the beginning of its list, read into memory; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.clock import monotonic
from common.contracts.ids import EventId
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import Leg
from common.failures import Failure
from common.state import pool as state
from console.use_cases.drafting import Drafting
from console.use_cases.leg_drafting import End
from mapper.preview import Matched, Preview, preview_of
from mapper.preview_target import Known
from vendors.absorbing import Seen
from vendors.feeding import is_listed
from vendors.target import Target
from vendors.target_record import TargetRecord
from vendors.vendor import State

# A person waits for the answer, and an account may have any size: so many records, or what comes within so many seconds.
MOST_LISTED, MOST_AT_TARGET = 1000, 5000
LISTS_FOR_S = 15.0


@dataclass(frozen=True, slots=True)
class AccountGlance:
    """What the beginning of a list comes to, and what a person has to know of it."""

    preview: Preview
    listed: int = 0
    list_calls: int = 0
    """As many as a run would make for these records."""
    notes: tuple[str, ...] = ()


Source = tuple[str, str, str]
"""A connection, a kind of records, a place."""


@dataclass(frozen=True, slots=True)
class ListBeginning:
    """The beginning of a list, the calls that it has cost, and whether that is all there is."""

    changes: Sequence[ChangeEvent] = ()
    calls: int = 0
    complete: bool = False


class Listings:
    """The beginnings of lists, each asked for once, however many legs start from it."""

    def __init__(self, drafting: Drafting) -> None:
        self._drafting = drafting
        self._known: dict[Source, ListBeginning | Failure] = {}
        self._told = set[Source]()

    async def of(self, leg: Leg) -> ListBeginning:
        """For the leg's own preview: the calls are told of with the first that asks. Raises a `Failure` where the vendor does not answer."""
        found, key = await self._of(leg), _source(leg)
        if key in self._told:
            return replace(found, calls=0)
        self._told.add(key)
        return found

    async def changes(self, leg: Leg) -> Sequence[ChangeEvent]:
        """For whoever only looks: who cannot be listed is nobody's counterpart, and the leg's own preview says why."""
        try:
            return (await self._of(leg)).changes
        except Failure:
            return ()

    async def _of(self, leg: Leg) -> ListBeginning:
        key = _source(leg)
        if key not in self._known:
            try:
                self._known[key] = await _listed(await self._drafting.open(leg.source), leg)
            except Failure as failure:
                self._known[key] = failure
        found = self._known[key]
        if isinstance(found, Failure):
            raise found
        return found


def _source(leg: Leg) -> Source:
    return leg.source, leg.source_entity, leg.source_place


async def glance(
    pool: state.Pool, drafting: Drafting, leg: Leg, limit: int, now: datetime, listings: Listings, matched: Matched
) -> AccountGlance:
    """A vendor that does not answer costs the preview its numbers, and it is said why."""
    try:
        end, writes = await drafting.open(leg.source), await drafting.open(leg.target)
        if not is_listed(end.vendor.source, leg.source_entity):
            return AccountGlance(Preview(), notes=_untold(end, leg))
        listed = await listings.of(leg)
    except Failure as failure:
        return AccountGlance(Preview(), notes=(f"The source could not be listed: {failure.message} [{failure.code}]",))
    target = writes.vendor.targets[leg.target_entity]
    facts = await _facts(target, leg, writes)
    there = await _at_target(target, leg, writes, now)
    found = await preview_of(
        pool, listed.changes, leg, target, limit, facts_of_place=facts, listed=there, matched=matched
    )
    found.complete = listed.complete
    return AccountGlance(found, len(listed.changes), listed.calls)


def _untold(end: End, leg: Leg) -> tuple[str, ...]:
    """No list has records that are parts of others."""
    inner = end.vendor.inner.get(leg.source_entity)
    if inner is None:
        return ()
    return (f"{leg.name}: who there is, only a read of each {inner.of} tells, a call each; nobody is counted here.",)


async def _listed(end: End, leg: Leg) -> ListBeginning:
    """The first records."""
    source = end.vendor.source
    assert source is not None
    if not is_listed(source, leg.source_entity):
        return ListBeginning()
    found, calls, until = list[ChangeEvent](), 0, monotonic() + LISTS_FOR_S
    async for page in source.pages(end.connection, leg.source_entity, None, end.api, leg.source_place):
        found += [_change(leg, end, state) for state in page.states]
        calls += 1
        if page.complete:
            return ListBeginning(found, calls, complete=True)
        if len(found) >= MOST_LISTED or monotonic() > until:
            break
    return ListBeginning(found, calls)


async def _facts(target: Target, leg: Leg, end: End) -> object | None:
    """Of the place that is written to; None where it does not answer: then whoever is to be made is only counted."""
    if target.mode != "state":
        return None
    try:
        return await target.facts(leg.target_place, end.api)
    except Failure:
        return None


async def _at_target(target: Target, leg: Leg, end: End, now: datetime) -> Known:
    """Who is there already, as a look would show each of them, where the vendor lists that; one that does not answer shows nobody."""
    listing, found, until = (
        end.vendor.listings.get(leg.target_entity),
        dict[str, TargetRecord](),
        monotonic() + LISTS_FOR_S,
    )
    if listing is None:
        return found
    try:
        async for page in listing.pages(leg.target_place, "", end.api):
            found |= {
                key: target.absorb(TargetRecord(), Seen(shown, now, now)).record for key, shown in page.shown.items()
            }
            if len(found) >= MOST_AT_TARGET or monotonic() > until:
                break
    except Failure:
        return found
    return found


def _change(leg: Leg, end: End, state: State) -> ChangeEvent:
    return ChangeEvent(
        id=EventId("preview"), connection=leg.source, vendor=end.vendor.name, entity=state.entity, record=state.record,
        kind=state.kind, version=state.version, coverage=state.coverage, fields=dict(state.fields),
        observed_at=state.observed_at, via="poll", place=state.place,
    )  # fmt: skip
