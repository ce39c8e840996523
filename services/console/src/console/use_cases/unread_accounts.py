"""An account that nobody has read yet, for a preview: the beginning of its list, read into memory; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.clock import monotonic
from common.contracts.ids import EventId
from common.contracts.messages import ChangeEvent
from common.contracts.syncs import Leg
from common.failures import Failure
from common.state import pool as state
from console.use_cases.drafting import Drafting
from console.use_cases.leg_drafting import End
from mapper.preview import Preview, preview_of
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


async def glance(pool: state.Pool, drafting: Drafting, leg: Leg, limit: int, now: datetime) -> AccountGlance:
    """A vendor that does not answer costs the preview its numbers, and it is said why."""
    try:
        end, writes = await drafting.open(leg.source), await drafting.open(leg.target)
        if not is_listed(end.vendor.source, leg.source_entity):
            return AccountGlance(Preview())
        states, calls, complete = await _listed(end, leg)
    except Failure as failure:
        return AccountGlance(Preview(), notes=(f"The source could not be listed: {failure.message} [{failure.code}]",))
    target, changes = writes.vendor.targets[leg.target_entity], [_change(leg, end, state) for state in states]
    facts = await _facts(target, leg, writes)
    there = await _at_target(target, leg, writes, now)
    found = await preview_of(pool, changes, leg, target, limit, facts_of_place=facts, listed=there)
    found.complete = complete
    return AccountGlance(found, len(states), calls)


async def _listed(end: End, leg: Leg) -> tuple[Sequence[State], int, bool]:
    """The first records, the calls that they have cost, and whether that is all there is."""
    source = end.vendor.source
    assert source is not None
    found, calls, until = list[State](), 0, monotonic() + LISTS_FOR_S
    async for page in source.pages(end.connection, leg.source_entity, None, end.api, leg.source_place):
        found += page.states
        calls += 1
        if page.complete:
            return found, calls, True
        if len(found) >= MOST_LISTED or monotonic() > until:
            break
    return found, calls, False


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
