"""What a person asks of reconciliations: to compare both sides now, and to repair what a question is open about."""

from __future__ import annotations

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.ids import SyncId
from common.contracts.syncs import Leg
from common.state import pool as state
from common.state import reconciliations
from common.state.reconciliations import LegKey
from console import sync_codes
from console.state import syncs as rows
from console.state.syncs import SyncRow
from console.use_cases.syncs import ShownSync, Syncs, not_now, unknown_sync
from vendors.registry import vendor_named


class AskedReconciliations:
    """Asks the writer of the target, which takes it up within seconds."""

    def __init__(self, pool: state.Pool, syncs: Syncs, clock: Clock) -> None:
        self._pool = pool
        self._syncs = syncs
        self._clock = clock

    async def ask(self, name: str, by: str, *, repair: bool) -> ShownSync:
        """The sync as it stands then."""
        async with state.transaction(self._pool) as tx:
            sync = await rows.named(tx, name, lock=True)
            if sync is None:
                raise unknown_sync(name)
            if sync.state != "active":
                raise not_now(sync, "nothing is compared")
            legs = [leg for leg in sync.legs if _is_compared(sync, leg)]
            if not legs:
                raise Refusal(409, sync_codes.SYNC_NOT_COMPARED)
            keys = [LegKey(SyncId(sync.id), leg.name) for leg in legs]
            await reconciliations.ask(tx, keys, by, self._clock.now(), repair=repair)
        return await self._syncs.show(name)


def _is_compared(sync: SyncRow, leg: Leg) -> bool:
    """A pair that is edited on both sides has what was agreed instead."""
    vendor = vendor_named(sync.target_vendor if leg.direction == "forward" else sync.source_vendor)
    return leg.target_entity in vendor.listings and not any(other.leads_back(leg) for other in sync.legs)
