"""`sync apply`: a sync as it was written becomes a sync as it runs.

Everything is checked by reading before anything is written. Then, in this order, and each can be repeated:

1. Webhooks, at the source and then at the target. A crash leaves webhooks whose events no sync wants yet: harmless.
2. New fields at the target, those of one place together. A crash leaves fields that the next apply finds.
3. One transaction: both connections locked and active, the sync, its legs, a new version if any mapping changed. The same file
   again changes nothing. From the commit on, the mapper judges every stored record of the legs that changed by the new version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import orjson

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.ids import SyncId
from common.contracts.syncs import Leg, MappingDefinition
from common.state import pool as state
from common.state import runs
from common.state.definitions import to_jsonb
from common.state.runs import Run, version_run
from common.state.turns import alone
from console import sync_codes
from console.state import details, gates
from console.state import syncs as rows
from console.state.syncs import SyncRow
from console.use_cases import asked_fields, own_syncs, two_ways
from console.use_cases.detail_costs import detail_cost
from console.use_cases.drafting import Draft, Drafting
from console.use_cases.hooks import NO_ADDRESS, Hooks, WantedHook, wanted_hooks
from console.use_cases.leg_drafting import DraftLeg
from console.use_cases.problems import refuse_if_any
from console.use_cases.wishes import SyncWish
from mapper.mapping.detail_use import beyond_lists
from mapper.mapping.engine import compile_mapping
from mapper.mapping.problems import Problem

Outcome = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class AppliedLeg:
    """What came of one leg."""

    leg: Leg
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it; with `dry_run`, what would come of it."""

    outcome: Outcome
    sync: SyncRow | None
    version: int
    legs: Sequence[AppliedLeg]
    fields: Sequence[str]
    webhooks: Sequence[str]
    notes: Sequence[str]


class Applying:
    """Makes and changes syncs."""

    def __init__(self, pool: state.Pool, drafting: Drafting, hooks: Hooks, clock: Clock) -> None:
        self._pool = pool
        self._drafting = drafting
        self._hooks = hooks
        self._clock = clock

    async def plan(self, wish: SyncWish) -> Applied:
        """What `apply` would do; nothing is written, here or at a vendor."""
        draft = await self._drafting.draft(wish)
        there = await self._there(wish, draft)
        problems = await self._kept_by_others(draft)
        webhooks = await self._hooks.missing(_wanted(draft), problems)
        refuse_if_any(problems)
        legs = _outcomes(there, draft)
        outcome = _outcome(there, legs)
        version = (there.version if there else 0) + (outcome != "unchanged")
        fields = asked_fields.asked_paths(draft)
        notes = [*self._notes(draft), *await self._costs(draft)]
        return Applied(outcome, there, version, _at(legs, version), fields, webhooks, notes)

    async def apply(self, wish: SyncWish, by: str, *, activate: bool = True) -> Applied:
        """The sync, active unless it was paused or disabled before or a draft is wanted."""
        ends = await self._drafting.ends(wish)
        async with alone(self._pool, ends):
            return await self._applied(wish, by, activate=activate)

    async def _applied(self, wish: SyncWish, by: str, *, activate: bool) -> Applied:
        draft = await self._drafting.draft(wish)
        await self._there(wish, draft)
        problems = await self._kept_by_others(draft)
        refuse_if_any(problems)
        # The first write of all: a connection without the scope is found here, and nothing was made yet.
        notes = list[str]()
        webhooks = await self._hooks.ensure(_wanted(draft), problems, notes) if activate else []
        refuse_if_any(problems)
        made, draft = await asked_fields.made(draft)
        async with state.transaction(self._pool) as tx:
            outcome, legs, version = await self._store(tx, wish, draft, by, activate=activate)
            sync = await rows.named(tx, wish.name)
        notes += await self._costs(draft)
        return Applied(outcome, sync, version, legs, made, webhooks, [*self._notes(draft), *notes])

    async def _there(self, wish: SyncWish, draft: Draft) -> SyncRow | None:
        async with state.connection(self._pool) as link:
            there = await rows.named(link, wish.name)
            _refuse_if_moved(there, draft)
            await _refuse_if_shared(link, wish, draft)
        return there

    async def _kept_by_others(self, draft: Draft) -> list[Problem]:
        return await own_syncs.problems(self._pool, (draft.source, draft.target), draft.running("").values())

    def _notes(self, draft: Draft) -> Sequence[str]:
        return draft.notes if self._hooks.reachable else (*draft.notes, NO_ADDRESS)

    async def _costs(self, draft: Draft) -> list[str]:
        """What reading records one by one will cost, leg by leg."""
        return [note for leg in draft.legs if (note := await self._cost(leg)) is not None]

    async def _cost(self, leg: DraftLeg) -> str | None:
        end, running = leg.source, leg.leg("")
        assert running.mapping is not None and end.vendor.source is not None
        compiled = compile_mapping(running.mapping, leg.fields, collected=leg.writes.choices.collected)
        names = beyond_lists(end.vendor.source, running.source_entity, compiled)
        parts = end.vendor.inner.get(running.source_entity)
        if not names and parts is None:
            return None
        async with state.connection(self._pool) as link:
            if parts is not None:
                names, calls = frozenset({parts.field}), await details.untold_parts(link, running.source, parts)
            else:
                calls = await details.lacking(link, running.source, running.source_entity, names)
        return detail_cost(end.vendor, end.connection, calls, self._clock.now()).sentence(names)

    async def _store(
        self, tx: state.DbConnection, wish: SyncWish, draft: Draft, by: str, *, activate: bool
    ) -> tuple[Outcome, Sequence[AppliedLeg], int]:
        now = self._clock.now()
        await rows.exclude_others(tx, wish.name)
        if not await rows.usable(tx, [draft.source.connection.id, draft.target.connection.id]):
            raise Refusal(409, sync_codes.SYNC_CONNECTION_NOT_READY)
        there = await rows.named(tx, wish.name, lock=True)
        _refuse_if_moved(there, draft)
        await _refuse_if_shared(tx, wish, draft)
        legs = _outcomes(there, draft)
        outcome = _outcome(there, legs)
        if there is None:
            there = _fresh(wish, draft, by, now)
            await rows.insert(tx, there)
        await rows.insert_legs(tx, _new(there, legs))
        version = there.version + (outcome != "unchanged")
        await rows.retemplate(tx, there.id, wish.template, now)
        if outcome != "unchanged":
            await rows.add_version(tx, there.id, version, _changed(legs), "", by, now)
            run = Run(
                version_run(there.name, version), SyncId(there.id), "first" if version == 1 else "remap", by, version
            )
            await runs.begin(tx, [run], now)
        lacking = [leg for leg in there.legs if leg.name not in draft.running("") and draft.absent.get(leg.name)]
        await gates.legs_again(tx, there.id, lacking, now)
        if there.state == "draft" and activate:
            await rows.mark(tx, there.id, "active", now)
        return outcome, _at(legs, version), version


def _wanted(draft: Draft) -> list[WantedHook]:
    """What shall be heard of either side."""
    ends = {end.connection.id: end for end in (draft.source, draft.target)}
    return wanted_hooks(ends, [leg.leg("") for leg in draft.legs])


def _outcomes(there: SyncRow | None, draft: Draft) -> list[AppliedLeg]:
    known = {leg.name: leg for leg in there.legs} if there is not None else {}
    drafted = draft.running(there.id if there is not None else "").values()
    return [_came_of(known.get(leg.name), leg) for leg in drafted]


def _came_of(before: Leg | None, leg: Leg) -> AppliedLeg:
    if before is None:
        return AppliedLeg(leg, "created")
    assert leg.mapping is not None
    same = before.mapping is not None and _same(before.mapping, leg.mapping)
    return AppliedLeg(before, "unchanged") if same else AppliedLeg(leg, "changed")


def _outcome(there: SyncRow | None, legs: Sequence[AppliedLeg]) -> Outcome:
    if there is None:
        return "created"
    return "changed" if _changed(legs) else "unchanged"


def _changed(legs: Sequence[AppliedLeg]) -> dict[str, MappingDefinition]:
    """The mappings that make a new version: an edit of one leg leaves the versions of the others, so only its records are judged again."""
    return {one.leg.name: one.leg.mapping for one in legs if one.outcome != "unchanged" and one.leg.mapping is not None}


def _new(sync: SyncRow, legs: Sequence[AppliedLeg]) -> dict[int, Leg]:
    """By their position in the file."""
    return {
        position: replace(one.leg, sync=SyncId(sync.id))
        for position, one in enumerate(legs, 1)
        if one.outcome == "created"
    }


def _at(legs: Sequence[AppliedLeg], version: int) -> list[AppliedLeg]:
    """With the number that each leg's mapping has from now on."""
    return [one if one.outcome == "unchanged" else replace(one, leg=_numbered(one.leg, version)) for one in legs]


def _numbered(leg: Leg, version: int) -> Leg:
    assert leg.mapping is not None
    return replace(leg, mapping=replace(leg.mapping, version=version))


def _same(one: MappingDefinition, other: MappingDefinition) -> bool:
    """As they are stored: a tuple and a list are the same there."""
    stored = [orjson.dumps(to_jsonb(definition), option=orjson.OPT_SORT_KEYS) for definition in (one, other)]
    return stored[0] == stored[1]


def _refuse_if_moved(there: SyncRow | None, draft: Draft) -> None:
    if there is None:
        return
    asked = draft.running(there.id)
    sides = (draft.source.connection.id, draft.target.connection.id)
    moved = [leg for leg in there.legs if not _stays(leg, asked, draft)]
    if sides != (there.source, there.target) or moved:
        words = "; ".join(_words(there, leg) for leg in moved or there.legs)
        raise Refusal(
            409, sync_codes.SYNC_MOVED, f"{there.name} joins {there.source_name} to {there.target_name}: {words}."
        )


async def _refuse_if_shared(link: state.DbConnection, wish: SyncWish, draft: Draft) -> None:
    await two_ways.refuse_if_shared(link, wish.name, list(draft.running("").values()))


def _stays(leg: Leg, asked: Mapping[str, Leg], draft: Draft) -> bool:
    """Where it leads; or it rests, because the account has not what it needs any more, or has more than it is for."""
    return _way(asked[leg.name]) == _way(leg) if leg.name in asked else leg.name in draft.absent


def _way(leg: Leg) -> tuple[str, ...]:
    """What a leg keeps for ever: its links and its history belong to it."""
    return (leg.source, leg.source_entity, leg.source_place, leg.target, leg.target_entity, leg.target_place, leg.mode)


def _words(there: SyncRow, leg: Leg) -> str:
    place = f" in {leg.source_place}" if leg.source_place else ""
    return f"leg {leg.name} leads {leg.source_entity}{place} {leg.direction} to {leg.target_entity}, place {leg.target_place}"


def _fresh(wish: SyncWish, draft: Draft, by: str, now: datetime) -> SyncRow:
    source, target = draft.source.connection, draft.target.connection
    return SyncRow(
        id=re.sub(r"[^a-z0-9-]", "-", wish.name), name=wish.name, template=wish.template,
        source=source.id, source_name=source.name, source_vendor=source.vendor, target=target.id, target_name=target.name,
        target_vendor=target.vendor, state="draft", version=0, created_at=now, created_by=by, updated_at=now,
    )  # fmt: skip
