"""Compares both sides of every leg whose target can be listed: every night where the account is, and when a person asks.

One at a time in a process; several processes share the rows by their leases. What fails goes on later from where it is stored.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from common import retries
from common.clock import Clock
from common.contracts.syncs import Leg
from common.failures import Failure
from common.http.door import Door
from common.loops import Loop
from common.redaction import redact_text
from common.state import reconciliations
from common.state.configuration import Configuration, ConfigurationReader
from common.state.pool import Pool, transaction
from common.state.reconciliations import LegKey, Reconciliation, ReconciliationState
from vendors.vendor import Vendor
from writing.reconciling import SECOND, Compared, Reconciling

EVERY_S, CALM_S = 1.0, 5.0
NIGHT = time(3)
LONGEST_PAUSE = timedelta(minutes=30)
DATABASE_FAILED = "The database did not take what was compared; it goes on from the last page that it has."

_log = structlog.get_logger(__name__)


class Reconciler:
    """One vendor's."""

    def __init__(self, vendor: Vendor, pool: Pool, door: Door, clock: Clock, stopping: asyncio.Event) -> None:
        self._vendor = vendor
        self._pool = pool
        self._door = door
        self._clock = clock
        self._stopping = stopping
        self._configuration = ConfigurationReader()
        self._at_work = Reconciling(pool, clock, stopping)
        self._known = -1
        self._cut_short: Reconciliation | None = None
        self._loop = Loop(f"reconciler of {vendor.name}", EVERY_S, self.step, calm_s=CALM_S)
        self.look = self._loop.look

    async def run(self) -> None:
        """Until the service stops."""
        await self._loop.run(self._stopping)

    async def step(self) -> bool:
        """Works at one that is due; False when none is."""
        if self._cut_short is not None:
            await self._later(self._cut_short, None, DATABASE_FAILED)
            self._cut_short = None
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
            legs = _compared_legs(configuration, self._vendor)
            if configuration.revision != self._known:
                now = self._clock.now()
                nights = {key: next_night(now, zone_of(configuration, leg)) for key, leg in legs.items()}
                await reconciliations.want(tx, nights)
                self._known = configuration.revision
            one = await reconciliations.take(tx, legs, self._clock.now()) if legs else None
        if one is None:
            return False
        # Where the database goes away it is put off as soon as it is back: a lease that nobody gives back would hold it up for minutes.
        self._cut_short = one
        try:
            await self._work(one, legs[one.leg], configuration)
        except Failure as failure:
            await self._later(one, failure.retry_at, redact_text(str(failure))[:300])
        self._cut_short = None
        return True

    async def _work(self, one: Reconciliation, leg: Leg, configuration: Configuration) -> None:
        connection = configuration.connections[leg.target]
        sides = Compared(
            leg, self._vendor.targets[leg.target_entity], self._vendor.listings[leg.target_entity],
            self._vendor.account(connection), self._vendor.profile.read_lag + SECOND,
            self._door.open(self._vendor.profile, connection),
        )  # fmt: skip
        one = await self._begun(one)
        state: ReconciliationState | None = one.state
        if state == "listing":
            state = await self._at_work.conclude(one, sides) if await self._at_work.list_all(one, sides) else None
        if state is None:
            return
        while state == "repairing" and await self._at_work.repair(one, sides):
            pass
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            rests: ReconciliationState = "asked" if state == "asked" else "resting"
            await reconciliations.rest(tx, one, rests, now, next_night(now, zone_of(configuration, leg)))
        _log.info("reconciliation.ended", sync=one.leg.sync, leg=one.leg.entity, state=rests)

    async def _begun(self, one: Reconciliation) -> Reconciliation:
        """One that was cut short goes on."""
        if one.state in ("listing", "repairing"):
            return one
        now = self._clock.now()
        async with transaction(self._pool) as tx:
            await reconciliations.begin(tx, one, now)
        return replace(one, state="listing", began_at=now, cursor="")

    async def _later(self, one: Reconciliation, at: datetime | None, words: str) -> None:
        wait = retries.delay(one.attempts + 2, random.Random(), LONGEST_PAUSE)  # noqa: S311 - jitter, no secret
        _log.warning("reconciliation.waits", sync=one.leg.sync, leg=one.leg.entity, reason=words)
        async with transaction(self._pool) as tx:
            await reconciliations.postpone(tx, one, at or self._clock.now() + wait, words)


def _compared_legs(configuration: Configuration, vendor: Vendor) -> Mapping[LegKey, Leg]:
    """Legs of active syncs to this vendor. Pairs that are edited on both sides have what was agreed instead, and their own questions."""
    found = {}
    for leg in configuration.legs():
        connection = configuration.connections.get(leg.target)
        if (
            connection is not None
            and (connection.vendor, connection.state) == (vendor.name, "active")
            and configuration.syncs[leg.sync].state == "active"
            and leg.target_entity in vendor.listings
            and configuration.way_back(leg) is None
        ):
            found[LegKey(leg.sync, leg.name)] = leg
    return found


def zone_of(configuration: Configuration, leg: Leg) -> tzinfo:
    """Where the account is: the target's, else the source's, of those that tell it."""
    ends = (configuration.connections.get(leg.target), configuration.connections.get(leg.source))
    name = next((told for one in ends if one is not None and (told := one.details.get("time_zone"))), "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def next_night(now: datetime, zone: tzinfo) -> datetime:
    """The next three o'clock there."""
    here = now.astimezone(zone)
    tonight = datetime.combine(here.date(), NIGHT, zone)
    return (tonight if tonight > here else datetime.combine(here.date() + timedelta(days=1), NIGHT, zone)).astimezone(
        UTC
    )
