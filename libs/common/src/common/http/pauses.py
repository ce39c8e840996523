"""What follows when a vendor says "too many": nobody calls for a while, for longer each time, and of a used-up day no more at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from redis.exceptions import RedisError

from common.clock import Clock
from common.failures import RateLimited
from common.http.floor import metered, opens, ticket
from common.http.meter import Meter, Metered
from common.http.profile import Limit
from common.state.budget_floors import Ticket
from common.state.trouble import DATABASE_ERRORS, is_away

_UNNAMED = timedelta(seconds=60)
_LONGEST = timedelta(minutes=15)

_log = structlog.get_logger(__name__)


class PauseStore(Protocol):
    """The durable side."""

    async def exhausted(self, ticket: Ticket) -> None: ...


class Pauses:
    """Tells every process of a vendor's refusal."""

    def __init__(self, meter: Meter, store: PauseStore, clock: Clock, jitter: Callable[[], float]) -> None:
        self._meter = meter
        self._store = store
        self._clock = clock
        self._jitter = jitter

    async def keep(self, limits: tuple[Limit, ...], failure: RateLimited) -> RateLimited:
        """The failure with the time at which calls go on."""
        named = [limit for limit in limits if limit.name == failure.scope] or list(limits[:1])
        for one in metered(tuple(named), self._clock.now()):
            until = await self._paused(one, failure.retry_at)
            failure.retry_at = until if failure.retry_at is None else max(until, failure.retry_at)
        return failure

    async def _paused(self, one: Metered, retry_at: datetime | None) -> datetime:
        now = self._clock.now()
        until = opens(one, now) if one.day else retry_at or now + _UNNAMED
        try:
            return max(until, now + await self._told(one, until - now))
        except (RedisError, *DATABASE_ERRORS) as error:
            if not isinstance(error, RedisError) and not is_away(error):
                raise
            _log.warning("budget.pause_not_kept", limit=one.limit.name, error=type(error).__name__)
            return until

    async def _told(self, one: Metered, wait: timedelta) -> timedelta:
        milliseconds = max(0, int(wait.total_seconds() * 1000))
        if one.day is not None:
            # In PostgreSQL first: the vendor's word about a day must outlive Redis.
            await self._store.exhausted(ticket(one, self._clock.now()))
            await self._meter.pause(one, milliseconds, 0, 0)
            return wait
        # Of points the vendor knows to the second when there are enough; another refusal is about another call.
        longest = milliseconds if one.limit.shape == "points" else int(_LONGEST.total_seconds() * 1000)
        return timedelta(milliseconds=await self._meter.pause(one, milliseconds, longest, self._jitter()))
