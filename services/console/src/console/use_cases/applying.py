"""`sync apply`: a sync as it was written becomes a sync as it runs.

Everything is checked by reading before anything is written. Then, in this order, and each can be repeated:

1. Webhooks, at the source and then at the target. A crash leaves webhooks whose events no sync wants yet: harmless.
2. New fields at the target. A crash leaves fields that the next apply finds.
3. One transaction: both connections locked and active, the sync, a new mapping version if the definition changed. The same file
   again changes nothing. From the commit on, the mapper judges every stored record by the new version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import orjson

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.syncs import MappingDefinition
from common.failures import Failure
from common.state import pool as state
from common.state.definitions import to_jsonb
from console import sync_codes
from console.state import syncs as rows
from console.state.syncs import SyncRow
from console.state.turns import alone
from console.use_cases.drafting import Draft, Drafting, SyncWish
from console.use_cases.hooks import NO_ADDRESS, Hooks, Wanted
from console.use_cases.problems import of_vendor, refuse_if_any
from mapper.mapping.problems import Problem
from vendors.catalogue import FieldCatalogue

Outcome = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it; with `dry_run`, what would come of it."""

    outcome: Outcome
    sync: SyncRow | None
    version: int
    place: str
    fields: Sequence[str]
    webhooks: Sequence[str]
    notes: Sequence[str]
    definition: MappingDefinition


class Applying:
    """Makes and changes syncs."""

    def __init__(self, pool: state.Pool, drafting: Drafting, hooks: Hooks, clock: Clock) -> None:
        self._pool = pool
        self._drafting = drafting
        self._hooks = hooks
        self._clock = clock

    async def plan(self, wish: SyncWish) -> Applied:
        """What `apply` would do; nothing is written, here or at a vendor."""
        draft, catalogue = await self._drafting.draft(wish)
        there = await self._there(wish, draft)
        problems: list[Problem] = []
        webhooks = await self._hooks.missing(_wanted(draft), problems)
        refuse_if_any(problems)
        definition = draft.with_fields(catalogue)
        outcome = _outcome(there, definition)
        version = (there.version if there else 0) + (outcome != "unchanged")
        fields = [row.target for row in draft.new_fields]
        return Applied(outcome, there, version, draft.place.id, fields, webhooks, self._notes(draft), definition)

    async def apply(self, wish: SyncWish, by: str, *, activate: bool = True) -> Applied:
        """The sync, active unless it was paused or disabled before or a draft is wanted."""
        ends = await self._drafting.ends(wish)
        async with alone(self._pool, ends):
            return await self._applied(wish, by, activate=activate)

    async def _applied(self, wish: SyncWish, by: str, *, activate: bool) -> Applied:
        draft, catalogue = await self._drafting.draft(wish)
        await self._there(wish, draft)
        problems: list[Problem] = []
        # The first write of all: a connection without the scope is found here, and nothing was made yet.
        webhooks = await self._hooks.ensure(_wanted(draft), problems) if activate else []
        refuse_if_any(problems)
        made, catalogue = await self._fields(draft, catalogue)
        definition = draft.with_fields(catalogue)
        async with state.transaction(self._pool) as tx:
            outcome, version = await self._store(tx, wish, draft, definition, by, activate=activate)
            sync = await rows.named(tx, wish.name)
        return Applied(outcome, sync, version, draft.place.id, made, webhooks, self._notes(draft), definition)

    async def _there(self, wish: SyncWish, draft: Draft) -> SyncRow | None:
        async with state.connection(self._pool) as link:
            there = await rows.named(link, wish.name)
        _refuse_if_moved(there, draft)
        return there

    def _notes(self, draft: Draft) -> Sequence[str]:
        return draft.notes if self._hooks.reachable else (*draft.notes, NO_ADDRESS)

    async def _fields(self, draft: Draft, catalogue: FieldCatalogue) -> tuple[list[str], FieldCatalogue]:
        target = draft.target.vendor.targets[draft.target_entity]
        connection, place, made = draft.target.connection, draft.place.id, list[str]()
        for row in draft.new_fields:
            label = row.source.rpartition(".")[2].removeprefix("cf_").replace("_", " ").capitalize()
            try:
                await target.create_field(connection, place, row.target, row.new_field, draft.target.api, label)
                made.append(row.target)
            except Failure as failure:
                refuse_if_any([of_vendor(failure, row.target, connection.name)])
        # Read as the next apply will read it: the same file again has to find the same catalogue.
        return made, await target.catalogue(connection, place, draft.target.api) if made else catalogue

    async def _store(
        self,
        tx: state.DbConnection,
        wish: SyncWish,
        draft: Draft,
        definition: MappingDefinition,
        by: str,
        *,
        activate: bool,
    ) -> tuple[Outcome, int]:
        now = self._clock.now()
        await rows.exclude_others(tx, wish.name)
        if not await rows.usable(tx, [draft.source.connection.id, draft.target.connection.id]):
            raise Refusal(409, sync_codes.SYNC_CONNECTION_NOT_READY)
        there = await rows.named(tx, wish.name, lock=True)
        _refuse_if_moved(there, draft)
        outcome = _outcome(there, definition)
        if there is None:
            there = _fresh(wish, draft, by, now)
            await rows.insert(tx, there)
        version = there.version + (outcome != "unchanged")
        await rows.retemplate(tx, there.id, wish.template, now)
        if outcome != "unchanged":
            await rows.add_version(tx, there.id, replace(definition, version=version), "", by, now)
        if there.state == "draft" and activate:
            await rows.mark(tx, there.id, "active", now)
        return outcome, version


def _wanted(draft: Draft) -> list[Wanted]:
    return [Wanted(draft.source, draft.entity), Wanted(draft.target, draft.place.id)]


def _outcome(there: SyncRow | None, definition: MappingDefinition) -> Outcome:
    if there is None or there.definition is None:
        return "created" if there is None else "changed"
    return "unchanged" if _same(there.definition, definition) else "changed"


def _same(one: MappingDefinition, other: MappingDefinition) -> bool:
    """As they are stored: a tuple and a list are the same there."""
    stored = [orjson.dumps(to_jsonb(definition), option=orjson.OPT_SORT_KEYS) for definition in (one, other)]
    return stored[0] == stored[1]


def _refuse_if_moved(there: SyncRow | None, draft: Draft) -> None:
    if there is None:
        return
    asked = (draft.source.connection.id, draft.target.connection.id, draft.place.id, draft.entity)
    if asked != (there.source, there.target, there.place, there.entity):
        words = f"{there.name} joins {there.source_name} to {there.target_name}, place {there.place}."
        raise Refusal(409, sync_codes.SYNC_MOVED, words)


def _fresh(wish: SyncWish, draft: Draft, by: str, now: datetime) -> SyncRow:
    source, target = draft.source.connection, draft.target.connection
    return SyncRow(
        id=re.sub(r"[^a-z0-9-]", "-", wish.name), name=wish.name, template=wish.template, entity=draft.entity,
        source=source.id, source_name=source.name, source_vendor=source.vendor, target=target.id, target_name=target.name,
        target_vendor=target.vendor, place=draft.place.id, state="draft", version=0, created_at=now, created_by=by,
        updated_at=now, definition=None,
    )  # fmt: skip
