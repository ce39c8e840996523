"""What a sync, or a file that was not applied yet, would do to the records that were read (ADR 5): no write anywhere.

Where none was read yet, to the beginning of the account's list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.syncs import Leg
from common.state import pool as state
from console import sync_codes
from console.masking import masked_value
from console.state import syncs as rows
from console.use_cases.detail_costs import DetailCost, detail_cost
from console.use_cases.drafting import Drafting
from console.use_cases.run_plans import RunPlan, run_plan
from console.use_cases.syncs import Syncs
from console.use_cases.unread_accounts import AccountGlance, Listings, glance
from console.use_cases.wishes import SyncWish
from mapper.preview import Matched, Preview, preview
from mapper.preview_both import both_sides, words_of

UNREAD_FACTS = "Rows that read facts are left out: what these are made of has not been read yet."


class Previews:
    """Counts and samples by the mapper's own engine."""

    def __init__(self, pool: state.Pool, syncs: Syncs, drafting: Drafting, clock: Clock) -> None:
        self._pool = pool
        self._syncs = syncs
        self._drafting = drafting
        self._clock = clock

    async def of_sync(self, name: str, limit: int, *, unmask: bool) -> dict[str, Any]:
        """The sync's active version."""
        row = await self._syncs.row(name)
        if not row.mapped:
            raise Refusal(409, sync_codes.SYNC_STATE, f"{row.name} has no mapping yet.")
        return await self._of(row.legs, limit, unmask=unmask)

    async def of_wish(self, wish: SyncWish, limit: int, *, unmask: bool) -> dict[str, Any]:
        """A file, held against both accounts first; an existing sync of this name is what its numbers are compared with."""
        draft = await self._drafting.draft(wish)
        async with state.connection(self._pool) as link:
            there = await rows.named(link, wish.name)
        legs = draft.running(there.id if there is not None else "")
        shown = await self._of(list(legs.values()), limit, unmask=unmask)
        new = [row.target for leg in draft.legs for row in leg.new_fields]
        return shown | {"fields_to_create": new, "warnings": [*draft.notes, *shown["warnings"]]}

    async def _of(self, legs: Sequence[Leg], limit: int, *, unmask: bool) -> dict[str, Any]:
        """Each leg for itself, and all of them together. What audiences tell is said as they tell it: there is nothing to look at before."""
        legs = [leg for leg in legs if not leg.is_aside]
        listings = Listings(self._drafting)
        matches = await both_sides(self._pool, legs, listings.changes)
        found = {leg.name: await self._leg(leg, limit, listings, words_of(matches, leg)) for leg in legs}
        costs = {leg.name: await self._cost(leg, found[leg.name].preview.details) for leg in legs}
        plans = {leg.name: await self._plan(leg, found[leg.name]) for leg in legs}
        whole, warnings, cost, plan = Preview(), list[str](), DetailCost(), RunPlan()
        for name, one in found.items():
            whole.add(one.preview, limit)
            warnings += one.notes
            cost, plan = cost + costs[name], plan + plans[name]
        each = [
            {
                "leg": leg,
                "listed": one.listed,
                "details": asdict(costs[leg]),
                "plan": asdict(plans[leg]),
                "matching": matches[leg].counts() if leg in matches else None,
            }
            | _shown(one.preview, unmask=unmask)
            for leg, one in found.items()
        ]
        together = {"fields_to_create": [], "warnings": warnings, "legs": each, "plan": asdict(plan)}
        listed = sum(one.listed for one in found.values())
        return _shown(whole, unmask=unmask) | together | {"listed": listed, "details": asdict(cost)}

    async def _plan(self, leg: Leg, found: AccountGlance) -> RunPlan:
        """What the first run of a source costs that nobody has read."""
        if not found.listed:
            return RunPlan()
        reads, writes = await self._drafting.open(leg.source), await self._drafting.open(leg.target)
        calls = found.list_calls + found.preview.details
        return run_plan(leg, reads, writes, calls, found.preview.acts, self._clock.now())

    async def _cost(self, leg: Leg, calls: int) -> DetailCost:
        """Of reading the rest of these records; nobody is asked where nothing is to be read."""
        if not calls:
            return DetailCost()
        end = await self._drafting.open(leg.source)
        return detail_cost(end.vendor, end.connection, calls, self._clock.now())

    async def _leg(self, leg: Leg, limit: int, listings: Listings, matched: Matched) -> AccountGlance:
        now = self._clock.now()
        stored = await preview(self._pool, leg, limit, now=now, matched=matched)
        found = (
            AccountGlance(stored)
            if stored.read
            else await glance(self._pool, self._drafting, leg, limit, now, listings, matched)
        )
        return replace(found, notes=(*found.notes, UNREAD_FACTS)) if found.preview.unread_facts else found


def _shown(found: Preview, *, unmask: bool) -> dict[str, Any]:
    body = found.json()
    if not unmask:
        for sample in body["samples"]:
            for change in sample["changes"]:
                for side in ("before", "after"):
                    change[side] = masked_value(change["field"], change[side])
    return body
