"""One reconciliation at work: the listing page by page, what it came to, and what is handed over to be repaired.

In: a row that is due, under a lease. Out: differences, and records that are planned once more. Each page is one transaction with its
cursor: a crash reads one page again and finds the same. Nothing is written at the vendor here: a repair doubts what is known and opens the
work item, so that whoever works on it looks first and decides by every rule there is.

What changes while both sides are compared is no drift: a record that anybody works on, or has worked on within what the vendor's reads lag, and
one that the vendor says was changed since the listing began, are left out and counted as moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common import failpoints
from common.clock import Clock
from common.contracts.syncs import Leg
from common.failures import Failure
from common.http.call import Api
from common.state import reconciliations
from common.state.pool import DbConnection, Pool, transaction
from common.state.reconciliations import PageCompared, Reconciliation, ReconciliationState
from vendors.absorbing import Doubted
from vendors.target import Target
from vendors.target_listing import TargetListing, TargetPage
from vendors.target_record import TargetRecord
from writing import differences, target_records
from writing.compared import fields_that_differ, is_missed, is_superfluous, part_that_differs
from writing.differences import Difference, Living
from writing.items import TargetKey

# So much is repaired without asking: the lesser of both.
CAP, CAP_SHARE = 200, 100
# A vendor's stamps have no finer resolution.
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Compared:
    """What a leg is compared with."""

    leg: Leg
    target: Target
    listing: TargetListing
    account: str
    lag: timedelta
    api: Api

    @property
    def where(self) -> TargetKey:
        """Its place, without a key."""
        return TargetKey(self.account, self.leg.target_place, self.leg.target_entity, "")


class Reconciling:
    """Works at one."""

    def __init__(self, pool: Pool, clock: Clock, stopping: asyncio.Event) -> None:
        self._pool = pool
        self._clock = clock
        self._stopping = stopping

    async def list_all(self, one: Reconciliation, sides: Compared) -> bool:
        """Compares page by page, from where it stands. False: the service stops, or somebody else works at it by now."""
        assert one.began_at is not None, "it has begun"
        asked_at, cursor = self._clock.now(), one.cursor
        async for page in sides.listing.pages(sides.leg.target_place, cursor, sides.api):
            cursor = page.next or cursor
            if not await self._page(one, sides, page, cursor, asked_at) or self._stopping.is_set():
                return False
            await failpoints.hit("reconciler.after_page")
            asked_at = self._clock.now()
        return True

    async def _page(
        self, one: Reconciliation, sides: Compared, page: TargetPage, cursor: str, asked_at: datetime
    ) -> bool:
        async with transaction(self._pool) as tx:
            if not await reconciliations.holds(tx, one):
                return False
            ours = await differences.keys_of(tx, sides.where, [part.id for part in page.parts]) if page.parts else {}
            parts = {ours[part.id]: part for part in page.parts if part.id in ours}
            keys = {*page.shown, *page.unreadable, *parts}
            living = await differences.living_at(tx, one.leg, sides.where, keys, asked_at - sides.lag)
            new = await differences.met(tx, one.leg, [row.key for row in living if row.lives])
            found, moved = list[Difference](), 0
            for row in living:
                seen = page.shown.get(row.key) or parts.get(row.key)
                difference = self._difference(one, sides, row, seen, in_part=row.key in parts)
                if isinstance(difference, Difference):
                    found.append(difference)
                elif difference is None and row.key in new:
                    moved += 1
            await differences.store(tx, one.leg, found)
            await reconciliations.advance(tx, one, PageCompared(cursor, len(new) - moved, moved))
        return True

    def _difference(
        self, one: Reconciliation, sides: Compared, row: Living, seen: TargetRecord | None, *, in_part: bool
    ) -> Difference | bool | None:
        """False: both sides say the same. None: nobody can tell now."""
        assert one.began_at is not None, "it has begun"
        # The stamp is cut to its second: a record that was changed in the very second of the beginning was changed before.
        if row.busy or seen is None or (seen.stamp is not None and seen.stamp > one.began_at):
            return None
        if not row.lives:
            there = is_superfluous(sides.target, row.key, row.document, seen)
            return Difference(row.record, row.key, "superfluous") if there is True else False
        if in_part:
            fields: tuple[str, ...] | Failure = part_that_differs(row.known, seen)
        else:
            fields = fields_that_differ(sides.target, row.key, row.document, row.known, seen, self._clock.now())
        if isinstance(fields, Failure):
            return None
        return Difference(row.record, row.key, "drifted", fields) if fields else False

    async def conclude(self, one: Reconciliation, sides: Compared) -> ReconciliationState | None:
        """The listing was read to its end: who was in none of its pages is missing; then this is repaired, asked about, or nothing.

        None: somebody else works at it by now.
        """
        assert one.began_at is not None, "it has begun"
        async with transaction(self._pool) as tx:
            if not await reconciliations.holds(tx, one):
                return None
            await self._miss(tx, one, sides, one.began_at - sides.lag)
            compared, moved, calls, over_cap = await reconciliations.totals(tx, one.leg)
            kinds, fields = await differences.counted(tx, one.leg)
            records = compared + kinds.get("missing", 0)
            cap = min(CAP, -(-records // CAP_SHARE))
            found = kinds.get("drifted", 0) + kinds.get("missing", 0)
            result: Mapping[str, Any] = {
                "records": records, "moved": moved, "calls": calls, "fields": fields, "cap": cap,
                **{kind: kinds.get(kind, 0) for kind in ("drifted", "missing", "superfluous")},
            }  # fmt: skip
            state: ReconciliationState = "resting"
            if found:
                state = "repairing" if found <= cap or over_cap else "asked"
            await reconciliations.listed(tx, one, state, result)
        return state

    async def _miss(self, tx: DbConnection, one: Reconciliation, sides: Compared, unmoved_since: datetime) -> None:
        after = ""
        while keys := await differences.owned_keys(tx, one.leg, sides.where, after):
            after = keys[-1]
            rows = await differences.lacking(tx, one.leg, sides.where, keys, unmoved_since)
            missed = [row for row in rows if is_missed(sides.target, row.key, row.document, row.known) is True]
            await differences.store(tx, one.leg, [Difference(row.record, row.key, "missing") for row in missed])

    async def repair(self, one: Reconciliation, sides: Compared) -> bool:
        """Some of what differs is looked at and planned once more; False when nothing is left."""
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            if not await reconciliations.holds(tx, one):
                return False
            rows = await differences.to_repair(tx, one.leg)
            keys = [sides.where._replace(key=key) for _, key in rows]
            known = await target_records.lock(tx, keys, now)
            doubted = {key: sides.target.absorb(record, Doubted()).record for key, record in known.items()}
            await target_records.save(tx, doubted, now)
            await differences.handed_over(tx, one.leg, [record for record, _ in rows], now)
        await failpoints.hit("reconciler.after_repair")
        return bool(rows)
