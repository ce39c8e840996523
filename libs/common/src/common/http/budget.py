"""The budgets: every call of every process takes a place in each limit of its vendor before it goes out.

Several limits are taken in one step or not at all. A place comes free a window after the *answer*, because nobody knows when between
request and answer the vendor counted. Live calls go before replays, replays before backfills. When Redis is away calls go on slowly by
turns in PostgreSQL; when Redis has lost its memory, what it may have known counts as full once. Slower, never faster.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from opentelemetry import trace
from redis.exceptions import RedisError

from common import telemetry
from common.clock import Clock, machine_time, monotonic
from common.contracts.connections import Connection
from common.failures import Failure, RateLimited, Transient
from common.http.call import Priority
from common.http.door_codes import QUOTA_EXHAUSTED, QUOTA_MONTH_USED_UP, QUOTA_UNAVAILABLE
from common.http.floor import Floor, Floors, metered, opens
from common.http.held_places import BEAT_S, EndedCall, HeldPlaces
from common.http.lane import CallLane, Waiter
from common.http.meter import Asker, Meter, Metered, Reply
from common.http.pauses import Pauses, PauseStore
from common.http.profile import Limit
from common.http.slot import Slot
from common.http.turns import Turns, TurnStore
from common.metric_register import QUOTA_WAIT, VENDOR_QUOTA_REMAINING, VENDOR_QUOTA_SATURATED
from common.metrics import Metrics
from common.state.budget_floors import DayUsedUp
from common.state.trouble import DATABASE_ERRORS, is_away

RANKS: dict[Priority, int] = {"live": 0, "replay": 1, "backfill": 2}

# Between two looks when no time is known: a place comes free when some process's call is answered.
_LOOK_S = 0.025
_AWAY_S = 1.0
_SHOWN_WAIT_S = 0.05
_KEPT_ENDINGS = 10_000

_log = structlog.get_logger(__name__)


class Store(Floors, TurnStore, PauseStore, Protocol):
    """The durable side of the budgets."""


class MeteredBudget:
    """The budget of one process, shared with all others through Redis and PostgreSQL."""

    def __init__(
        self,
        meter: Meter,
        store: Store,
        clock: Clock,
        *,
        metrics: Metrics | None = None,
        jitter: Callable[[], float] = random.random,
        beat_s: float = BEAT_S,
    ) -> None:
        self._meter = meter
        self._store = store
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._floor = Floor(meter, store, clock)
        self._turns = Turns(store, clock)
        self._pauses = Pauses(meter, store, clock, jitter)
        self._process = uuid.uuid4().hex[:12]
        self._places = HeldPlaces(meter, self._turns, self._process, beat_s)
        self._numbers = itertools.count()
        self._lanes: dict[tuple[Limit, ...], CallLane[Slot]] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._unheard: list[EndedCall] = []
        self._queued: set[str] = set()
        self._away_until = 0.0

    async def admit(
        self,
        connection: Connection,
        limits: tuple[Limit, ...],
        priority: Priority,
        *,
        hold_s: float,
        deadline: float,
        cost: int = 1,
    ) -> Slot:
        """A place in every limit, and so many points; raises `RateLimited` when there are none before the deadline."""
        if not limits:
            return Slot(lambda _how, _told: None)
        began, began_ns = monotonic(), time.time_ns()
        waiter: Waiter[Slot] = Waiter(
            RANKS[priority],
            next(self._numbers),
            int(machine_time().timestamp() * 1000),
            hold_s,
            deadline,
            cost,
            limits,
            asyncio.get_running_loop().create_future(),
        )
        try:
            slot = await self._lane(limits).join(waiter)
        except TimeoutError:
            raise self._refused(waiter) from None
        slot.waited_s = monotonic() - began
        self._tell(connection, slot, waiter.saturated_use, began_ns)
        return slot

    async def throttled(self, limits: tuple[Limit, ...], failure: RateLimited) -> RateLimited:
        """Keeps every process from calling until the vendor wants it, and tells the failure when that is."""
        return await self._pauses.keep(limits, failure)

    async def aclose(self) -> None:
        """Waits a moment for the endings on their way; what is not told expires by itself."""
        await asyncio.gather(*(lane.aclose() for lane in self._lanes.values()))
        await self.settled()
        await self._places.aclose()

    async def settled(self) -> None:
        """Until the endings on their way were told, at most a second."""
        if self._endings:
            await asyncio.wait(self._endings, timeout=1.0)

    # --- asking -------------------------------------------------------------------------------------------------------------

    def _lane(self, limits: tuple[Limit, ...]) -> CallLane[Slot]:
        """Calls that take more of a limit wait in one line with those that take less of it."""
        shared = tuple(limit if limit.weight == 1 else replace(limit, weight=1) for limit in limits)
        lane = self._lanes.get(shared)
        if lane is None:
            self._lanes = {known: kept for known, kept in self._lanes.items() if not kept.idle}
            lane = self._lanes[shared] = CallLane(self._step, lambda: self._withdraw(limits[0].key))
        return lane

    async def _step(self, waiter: Waiter[Slot]) -> Slot | Failure | float:
        now_metered = metered(waiter.limits, self._clock.now())
        try:
            if monotonic() < self._away_until:
                return await self._by_turns(now_metered, waiter)
            try:
                return await self._by_meter(now_metered, waiter)
            except RedisError as error:
                self._away_until = monotonic() + _AWAY_S
                _log.warning("budget.redis_away", error=type(error).__name__)
                return await self._by_turns(now_metered, waiter)
        except DATABASE_ERRORS as error:
            if not is_away(error):
                raise
            return Transient(QUOTA_UNAVAILABLE.name, QUOTA_UNAVAILABLE.meaning, detail=type(error).__name__)

    async def _by_meter(self, limits: tuple[Metered, ...], waiter: Waiter[Slot]) -> Slot | Failure | float:
        await self._tell_unheard()
        slot = self._new_slot(waiter.cost)
        asker = Asker(self._process, waiter.rank, waiter.since_ms, int(waiter.hold_s * 1000))
        reply = await self._meter.acquire(slot, limits, asker)
        if reply.verdict == "wait":
            self._queued.add(limits[0].limit.key)
            waiter.saturated_use = reply.used if reply.used is not None else waiter.saturated_use
        if reply.verdict == "granted":
            self._queued.discard(limits[0].limit.key)
            self._places.hold(slot, limits, waiter.hold_s)
            ended = partial(EndedCall, slot, limits)
            return Slot(lambda how, told: self._spawn(self._ended(ended(how, told))), left=reply.ms / 1000)
        return await self._not_yet(limits[reply.at], reply, waiter)

    def _new_slot(self, cost: int) -> str:
        """What a call costs is part of its name: whoever tells the meters of it tells that, too."""
        return f"{self._process}:{uuid.uuid4().hex[:16]}:{cost}"

    async def _withdraw(self, key: str) -> None:
        """Nobody of this process waits any more: the others need not wait for it."""
        if key in self._queued:
            self._queued.discard(key)
            try:
                await self._meter.withdraw(key, self._process)
            except RedisError as error:
                _log.debug("budget.not_withdrawn", error=type(error).__name__)

    async def _not_yet(self, one: Metered, reply: Reply, waiter: Waiter[Slot]) -> Failure | float:
        match reply.verdict:
            case "lost":
                return 0.0 if await self._floor.restore(one, timedelta(seconds=waiter.hold_s)) else _LOOK_S
            case "idle":
                await self._floor.announce(one)
                return 0.0
            case "other":
                return 0.0 if await self._floor.count_anew(one) else _LOOK_S
            case "empty":
                return await self._next_block(one, waiter)
            case _ if one.day is not None and (reply.ms < 0 or reply.verdict == "paused"):
                return self._until(one, opens(one, self._clock.now()), waiter)
            case _:
                wait = timedelta(milliseconds=reply.ms)
                return self._until(one, self._clock.now() + wait, waiter) if reply.ms else self._unknown(one, waiter)

    async def _next_block(self, one: Metered, waiter: Waiter[Slot]) -> Failure | float:
        taken = await self._floor.refill(one)
        if taken is None:
            until = opens(one, self._clock.now())
            if one.limit.weight == 1:  # else there may be something for those that take less
                await self._meter.pause(one, self._ms_until(until), 0, 0)
            return self._until(one, until, waiter)
        return 0.0 if taken else _LOOK_S

    async def _by_turns(self, limits: tuple[Metered, ...], waiter: Waiter[Slot]) -> Slot | Failure | float:
        hold = timedelta(seconds=waiter.hold_s)
        try:
            later = await self._turns.take(limits, hold, waiter.rank, waiter.cost)
        except DayUsedUp as used_up:
            one = next(m for m in limits if m.day == used_up.ticket.day)
            return self._until(one, opens(one, self._clock.now()), waiter)
        if later is not None:
            return self._until(limits[0], later, waiter)
        # The meters are told of it as soon as they answer: until it ends it has a place of ours like any other call.
        slot = self._new_slot(waiter.cost)
        self._places.hold(slot, limits, waiter.hold_s)
        ended = partial(EndedCall, slot, limits)
        return Slot(lambda how, told: self._spawn(self._turn_ended(ended(how, told), waiter.cost)))

    # --- waiting ------------------------------------------------------------------------------------------------------------

    def _until(self, one: Metered, at: datetime, waiter: Waiter[Slot]) -> Failure | float:
        """The seconds to wait, or the refusal when they are more than the waiter has."""
        waiter.blocked_by, waiter.retry_at = one.limit.name, at
        seconds = max(0.001, (at - self._clock.now()).total_seconds())
        return self._refused(waiter) if monotonic() + seconds > waiter.deadline else seconds

    def _unknown(self, one: Metered, waiter: Waiter[Slot]) -> float:
        waiter.blocked_by, waiter.retry_at = one.limit.name, None
        return _LOOK_S

    def _refused(self, waiter: Waiter[Slot]) -> RateLimited:
        retry_at = waiter.retry_at or self._clock.now() + timedelta(seconds=1)
        monthly = any(one.shape == "monthly" and one.name == waiter.blocked_by for one in waiter.limits)
        code = QUOTA_MONTH_USED_UP if monthly else QUOTA_EXHAUSTED
        return RateLimited(code.name, code.meaning, retry_at=retry_at, scope=waiter.blocked_by)

    def _ms_until(self, at: datetime) -> int:
        return max(0, int((at - self._clock.now()).total_seconds() * 1000))

    # --- endings ------------------------------------------------------------------------------------------------------------

    async def _turn_ended(self, ended: EndedCall, cost: int) -> None:
        try:
            await self._turns.end(ended.limits, ended.how, ended.told.spent if ended.told else cost)
        finally:
            await self._ended(ended)

    async def _ended(self, ended: EndedCall) -> None:
        self._places.end(ended)
        try:
            await self._meter.release(*ended)
        except RedisError:
            # It expires by itself, later than it must; told as soon as Redis is back.
            self._unheard = [*self._unheard[-_KEPT_ENDINGS:], ended.without_days()]
        for lane in self._lanes.values():
            lane.wake()

    async def _tell_unheard(self) -> None:
        if self._away_until:
            # What goes on before what has ended: the meters must not give away a place that a call by turns has.
            await self._places.tell()
            self._away_until = 0.0
        while self._unheard:
            await self._meter.release(*(ended := self._unheard[-1]))
            if self._unheard[-1:] == [ended]:  # else calls under other limits have told of it meanwhile
                self._unheard.pop()

    def _spawn(self, ending: Coroutine[object, object, None]) -> None:
        # Not awaited by the caller: an answer must not wait for the meters, and a cancelled call must still tell them.
        task = asyncio.create_task(ending, name="budget-ending")
        self._endings.add(task)
        task.add_done_callback(self._ending_done)

    def _ending_done(self, task: asyncio.Task[None]) -> None:
        self._endings.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("budget.ending_not_told", error=type(error).__name__)

    def _tell(self, connection: Connection, slot: Slot, saturated_use: float | None, began_ns: int) -> None:
        labels = {"system": connection.vendor, "connection": connection.id}
        self._metrics.observe(QUOTA_WAIT, slot.waited_s, **labels)
        if slot.left is not None:
            self._metrics.set(VENDOR_QUOTA_REMAINING, slot.left, **labels)
        if saturated_use is not None:
            self._metrics.set(VENDOR_QUOTA_SATURATED, saturated_use, **labels)
        if slot.waited_s >= _SHOWN_WAIT_S and telemetry.tracing_on():
            name = f"wait quota {connection.vendor}"
            telemetry.tracer().start_span(name, kind=trace.SpanKind.INTERNAL, start_time=began_ns).end()
