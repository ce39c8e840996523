"""Looks after rows on hold: after the vendor's horizon, one look each for whatever is in flight of theirs (R2).

In: rows whose horizon has passed, taken under a token that is kept alive meanwhile. Out: what the looks have shown, to `settlement.py`,
row by row as soon as its looks are there: a slow vendor makes nobody else look too. Nothing is durable here; a crash makes the looks due
again when the token runs out.

A look that fails is made again by the schedule of retries, as often as an attempt; one that is refused ends the row at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from common import failpoints
from common.clock import Clock, monotonic
from common.contracts.connections import Connection
from common.contracts.ids import Entity
from common.contracts.messages import Lane
from common.http.call import Api
from common.http.outage import Outage
from common.state.gates import Spot
from common.state.pool import Pool, connection
from common.state.trouble import DatabaseTrouble, trouble_of
from vendors.target import Target
from writing import intents, verdicts
from writing.held import Held
from writing.intent import Intent
from writing.items import Item, TargetKey, most_urgent
from writing.lease_renewer import LeaseRenewer
from writing.looks import Finding, looked, together
from writing.settlement import Settlement
from writing.vendor_code import broken

MOST = 50
Looks = Mapping[TargetKey, asyncio.Task[Finding]]

_log = structlog.get_logger(__name__)


class Settler:
    """Takes what is due, and looks."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        held: Held,
        targets: Mapping[Entity, Target],
        settlement: Settlement,
        lease_renewer: LeaseRenewer,
        outage: Outage,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._held = held
        self._targets = targets
        self._settlement = settlement
        self._lease_renewer = lease_renewer
        self._outage = outage

    async def settle(self, account: Connection, api: Api, line: asyncio.Semaphore) -> int:
        """Settles what is due; returns how many rows that were."""
        since = monotonic()
        rows = await self._held.claim_held(account.id, MOST)
        if not rows:
            return 0
        # They were taken, so nobody found a gate there: another process may have opened the one that this one remembers.
        self._outage.is_open(account.id)
        with self._lease_renewer.keeping(rows[0].token, since):
            async with connection(self._pool) as link:
                in_flight = await intents.open_of(link, [item.key for item in rows])
            lanes = {item.key: item.lane for item in rows}
            looks = self._looks([(i, lanes[i.key]) for i in in_flight], account, api, line)
            ended = await asyncio.gather(
                *(self._one(item, [i for i in in_flight if i.key == item.key], looks) for item in rows),
                *looks.values(),
                return_exceptions=True,
            )
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        return len(rows)

    def _looks(
        self, wanted: Iterable[tuple[Intent, Lane]], account: Connection, api: Api, line: asyncio.Semaphore
    ) -> dict[TargetKey, asyncio.Task[Finding]]:
        """As many records a look as their target takes; whoever waits for one of them has it with its look's end."""
        lanes: defaultdict[TargetKey, list[Lane]] = defaultdict(list)
        since: dict[TargetKey, datetime] = {}
        for intent, lane in wanted:
            lanes[intent.target].append(lane)
            since[intent.target] = min(intent.sent_at, since.get(intent.target, intent.sent_at))
        found: dict[TargetKey, asyncio.Task[Finding]] = {}
        for some in together(lanes, self._targets):
            lane = most_urgent(lane for key in some for lane in lanes[key])
            task = asyncio.create_task(self._look({key: since[key] for key in some}, lane, account, api, line))
            found |= dict.fromkeys(some, task)
        return found

    async def _look(
        self, since: Mapping[TargetKey, datetime], lane: Lane, account: Connection, api: Api, line: asyncio.Semaphore
    ) -> Finding:
        keys = list(since)
        place, target = keys[0].place, self._targets[keys[0].entity]
        async with line:
            asked_at = self._clock.now()
            if self._outage.holds_back(account.id, Spot(place)):
                return Finding(dict.fromkeys(keys, verdicts.behind_a_gate()), asked_at)
            sent = {key.key: at for key, at in since.items()}
            shown = await looked(target, place, list(sent), api, lane, sent)
            # Within the line: the first that meets a vendor that is away spares it the others.
            outage = await self._outage.is_on(account, [(Spot(place), one) for one in shown.values()], api)
        return Finding({key: shown[key.key] for key in keys}, asked_at, outage)

    async def _one(self, item: Item, its: Sequence[Intent], looks: Looks) -> None:
        """One row; an error that is about it alone counts as a failed look, and touches no other row."""
        try:
            keys = {intent.target for intent in its}
            findings = await asyncio.gather(*(looks[key] for key in keys))
            found = {key: finding.found[key] for key, finding in zip(keys, findings, strict=True)}
            asked_at = min((finding.asked_at for finding in findings), default=self._clock.now())
            await failpoints.hit("settle.after_look")
            outage = any(finding.outage for finding in findings)
            await self._settlement.store(item, its, Finding(found, asked_at, outage))
        except Exception as error:
            if trouble_of(error) in (DatabaseTrouble.AWAY, DatabaseTrouble.UNFIT):
                raise
            _log.error("writer.look_failed", sync=item.key.sync, record=item.key.record, exc_info=error)
            await self._settlement.give_up(item, its, broken(error))
