"""What a sync, or a file that was not applied yet, would do to the records that were already read (ADR 5): no write anywhere."""

from __future__ import annotations

from typing import Any

from common.api.refusal import Refusal
from common.contracts.ids import ConnectionId, Entity, SyncId
from common.state import pool as state
from console import sync_codes
from console.masking import masked_value
from console.state import syncs as rows
from console.use_cases.drafting import Drafting, SyncWish
from console.use_cases.syncs import Syncs
from mapper.preview import Preview, preview


class Previews:
    """Counts and samples by the mapper's own engine."""

    def __init__(self, pool: state.Pool, syncs: Syncs, drafting: Drafting) -> None:
        self._pool = pool
        self._syncs = syncs
        self._drafting = drafting

    async def of_sync(self, name: str, limit: int, *, unmask: bool) -> dict[str, Any]:
        """The sync's active version."""
        row = await self._syncs.row(name)
        if row.definition is None:
            raise Refusal(409, sync_codes.SYNC_STATE, f"{row.name} has no mapping yet.")
        found = await preview(
            self._pool, row.definition, ConnectionId(row.source), Entity(row.entity), SyncId(row.id), limit
        )
        return _shown(found, unmask=unmask)

    async def of_wish(self, wish: SyncWish, limit: int, *, unmask: bool) -> dict[str, Any]:
        """A file, held against both accounts first; an existing sync of this name is what its numbers are compared with."""
        draft, catalogue = await self._drafting.draft(wish)
        async with state.connection(self._pool) as link:
            there = await rows.named(link, wish.name)
        sync = SyncId(there.id) if there is not None else None
        source = draft.source.connection.id
        found = await preview(self._pool, draft.with_fields(catalogue), source, Entity(draft.entity), sync, limit)
        new = [row.target for row in draft.new_fields]
        return _shown(found, unmask=unmask) | {"fields_to_create": new, "warnings": list(draft.notes)}


def _shown(found: Preview, *, unmask: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"fields_to_create": [], "warnings": [], **found.json()}
    if not unmask:
        for sample in told["samples"]:
            for change in sample["changes"]:
                for side in ("before", "after"):
                    change[side] = masked_value(change["field"], change[side])
    return told
