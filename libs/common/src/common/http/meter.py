"""The meters in Redis or Valkey: how many calls are counted against each limit right now, decided in one step for all processes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from common.clock import Clock, machine_time
from common.http.profile import Limit, PointsTold
from common.secret import SecretUrl

Ending = Literal["answered", "unanswered", "unused"]
Verdict = Literal["granted", "wait", "paused", "lost", "idle", "empty", "other"]

_TIMEOUT_S = 0.5
_SAME_CLOCK_MS = 20
_ANSWERED_MS = 1000
# What is left of a month's block is worth keeping while hardly anybody calls.
_KEPT_MS = 40 * 86_400_000
_ALIVE = "budget:alive"
# What is not live uses up a window a little faster than places come free: what is left over at its end is for whoever comes then.
FASTER = 1.2
# The last places of a window, one of so many, are spread until the next one comes free.
LAST_PLACES = 15
_TAKE_POINTS = frozenset({"acquire", "release"})
_OF_POINTS = ("level", "at", "most", "restore", "full", "mean")
_LUA = Path(__file__).with_name("lua")


@dataclass(frozen=True, slots=True)
class Metered:
    """One limit as it is counted; a limit per day is another one each day, one per month is known by its first day."""

    limit: Limit
    day: date | None = None

    @property
    def id(self) -> str:
        name = f"{self.limit.key}:{self.limit.name}"
        return name if self.day is None else f"{name}:{self.day.isoformat()}"

    @property
    def log(self) -> str:
        return f"budget:{self.id}:log"

    @property
    def state(self) -> str:
        return f"budget:{self.id}:state"

    @property
    def window_ms(self) -> int:
        return int(self.limit.window.total_seconds() * 1000)

    @property
    def span(self) -> int:
        """What the scripts are told of a call: of a window how long it counts, of a day how much it takes."""
        return self.window_ms if self.day is None else self.limit.weight


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a place: the first of one process's waiters."""

    waiter: str
    rank: int
    since_ms: int
    hold_ms: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the meters say; `ms` is a wait (0: unknown, -1: until the day is over), of a grant the share left in thousandths."""

    verdict: Verdict
    at: int
    ms: int
    used: float | None = None
    """Of a wait for a window: the share of ours that was answered in the last one."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit of points as it stands."""

    left: int
    """Of ours."""
    most: int
    window_s: float
    """In which an empty one fills up."""
    usual: float
    """What a call took lately."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A limit as it stands."""

    used: int
    in_flight: int
    answered: int
    waiting: int
    left: int
    paused_until: datetime | None
    bucket: Bucket | None = None


class HeldPlace(NamedTuple):
    """Of a call in progress, in one limit: when it is free at the latest."""

    log: str
    slot: str
    latest_ms: int


def open_redis(url: SecretUrl) -> Redis:
    """A client that never repeats a command by itself: a repeated count would be a second count."""
    client: Redis = Redis.from_url(
        url.reveal(),
        decode_responses=True,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        max_connections=32,
    )
    return client


class Meter:
    """Speaks to the meters; every method may raise a `RedisError`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._acquire = redis.register_script(_script("acquire"))
        self._release = redis.register_script(_script("release"))
        self._restore = redis.register_script(_script("restore"))
        self._pause = redis.register_script(_script("pause"))
        self._beat = redis.register_script(_script("beat"))

    async def acquire(self, slot: str, metered: Sequence[Metered], asker: Asker) -> Reply:
        """A place in every limit, or none in any."""
        keys = [f"budget:{metered[0].limit.key}:queue", f"budget:{metered[0].limit.key}:asking", _ALIVE]
        args: list[str | int | float] = [
            slot,
            self._offset_ms(),
            asker.waiter,
            asker.rank,
            asker.since_ms,
            asker.hold_ms,
        ]
        for one in metered:
            keys += [one.log, one.state]
            args += _terms(one, asker.rank)
        verdict, at, ms, *used = await self._acquire(keys=keys, args=args)
        return Reply(verdict, int(at) - 1, int(ms), used[0] / 1000 if used and used[0] >= 0 else None)

    async def withdraw(self, key: str, waiter: str) -> None:
        """The waiter has gone: its place in the queue is free at once, not after some seconds of silence."""
        await self._redis.zrem(f"budget:{key}:queue", waiter)

    async def release(self, slot: str, metered: Sequence[Metered], how: Ending, told: PointsTold | None = None) -> None:
        """Repeatable by the slot."""
        keys: list[str] = []
        args: list[str | int | float] = [slot, self._offset_ms(), how]
        args += [told.spent, told.available, told.most, told.restore] if told else [-1, -1, -1, -1]
        for one in metered:
            limit = one.limit
            keys += [one.log, one.state]
            args += [_kind(limit), one.span, int(limit.lingers.total_seconds() * 1000), limit.count, limit.reserve]
        await self._release(keys=keys, args=args)

    def places(self, slot: str, metered: Sequence[Metered], hold_s: float) -> tuple[HeldPlace, ...]:
        """What a call that begins now holds; a day's calls are numbered and never given back."""
        latest = self._now_ms() + int(hold_s * 1000)
        return tuple(HeldPlace(one.log, slot, latest + one.window_ms) for one in metered if one.day is None)

    async def beat(self, process: str, places: Sequence[HeldPlace]) -> None:
        """The process lives, and these are its calls in progress."""
        args = [word for place in places for word in (place.slot, place.latest_ms)]
        await self._beat(keys=[_ALIVE, *(place.log for place in places)], args=[process, *args])

    async def restore(self, one: Metered, active_until: datetime, full_until: datetime | None) -> None:
        """The limit is known to this run of the server; up to `full_until` it counts as full."""
        await self._restore(keys=[one.state, one.log], args=[_ms(active_until), _ms(full_until) if full_until else 0])

    async def active(self, one: Metered, until: datetime) -> None:
        """The limit may be used until then."""
        await self._redis.hset(one.state, "until", _ms(until))

    async def give(self, one: Metered, taken: int, rest: int) -> None:
        """A block of the day to hand out, perhaps an empty one; where anything is left, nobody pauses any more."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(one.state, "left", taken)
            pipe.hset(one.state, mapping={"rest": rest, "cap": one.limit.ours})
            if taken or rest:
                pipe.hdel(one.state, "pause")
            pipe.pexpire(one.state, _KEPT_MS)
            await pipe.execute()

    async def pause(self, one: Metered, ms: int, longest_ms: int, jitter: float) -> int:
        """Nobody calls for so long, longer if this is not the first refusal; returns the ms it became."""
        return int(await self._pause(keys=[one.state], args=[self._offset_ms(), ms, longest_ms, jitter]))

    async def lock(self, one: Metered, ms: int) -> bool:
        """Whether we are the one who asks PostgreSQL for all: a best-effort lock against doubled reloads."""
        return bool(await self._redis.set(f"budget:{one.id}:lock", "1", nx=True, px=ms))

    async def unlock(self, one: Metered) -> None:
        await self._redis.delete(f"budget:{one.id}:lock")

    async def read(self, one: Metered) -> Reading:
        """The limit as it stands, for people."""
        # Answered calls lie a window ahead at most, those in progress a longest call further.
        now = self._now_ms()
        horizon = now + one.window_ms + _ANSWERED_MS
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zcount(one.log, now, "+inf")
            pipe.zcount(one.log, f"({horizon}", "+inf")
            pipe.zcard(f"budget:{one.limit.key}:queue")
            pipe.hmget(one.state, "left", "pause", *_OF_POINTS)
            used, in_flight, waiting, (left, pause, *points) = await pipe.execute()
        paused = float(pause or 0)
        return Reading(
            used=used,
            in_flight=in_flight,
            answered=used - in_flight,
            waiting=waiting,
            left=max(0, int(left or 0)),
            paused_until=datetime.fromtimestamp(paused / 1000, UTC) if paused > now else None,
            bucket=_bucket(one, now, points) if one.limit.shape == "points" else None,
        )

    async def free_in_s(self, one: Metered) -> list[float]:
        """In how many seconds each of the places that are taken comes free; of calls in progress, a window from now."""
        now = self._now_ms()
        found: list[Any] = await self._redis.zrangebyscore(one.log, now, "+inf", withscores=True)
        return [min(free - now, one.window_ms) / 1000 for _, free in found]

    def _now_ms(self) -> int:
        return _ms(self._clock.now())

    def _offset_ms(self) -> int:
        # The server's clock is one for all processes; ours only tells how far a test has moved the business.
        offset = int((self._clock.now() - machine_time()).total_seconds() * 1000)
        return offset if abs(offset) > _SAME_CLOCK_MS else 0


def _terms(one: Metered, rank: int) -> list[str | int | float]:
    limit = one.limit
    if limit.by_calendar:
        return [_kind(limit), limit.kept if rank else 0, one.span, 0, limit.ours]
    if limit.shape == "points":
        return [limit.shape, limit.count, one.window_ms, limit.reserve, limit.kept_for_live]
    allowed = limit.ours - (limit.kept if rank else 0)
    pace = one.window_ms / limit.ours / FASTER if limit.shape == "rolling" else 0
    return [limit.shape, allowed, one.window_ms, pace, 0]


def _kind(limit: Limit) -> str:
    return "daily" if limit.by_calendar else limit.shape


def _bucket(one: Metered, now: int, points: Sequence[str | None]) -> Bucket:
    """The same reckoning as `lua/bucket.lua`, for people."""
    level, at, most, restore, full, usual = points
    size = int(most or one.limit.count)
    restored = float(restore or one.limit.count / one.limit.window.total_seconds())
    ours = max(1, size - math.ceil(round(size * one.limit.reserve, 6)))
    empty_at = int(full or 0)
    was, since = (0.0, empty_at) if empty_at else (float(ours), now)
    if level:
        was, since = float(level), int(at or now)
    left = min(float(ours), was + max(0, now - since) / 1000 * restored)
    return Bucket(max(0, int(left)), size, size / restored, float(usual or one.limit.usual))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@cache
def _script(name: str) -> str:
    parts = ("bucket", name) if name in _TAKE_POINTS else (name,)
    return "".join((_LUA / f"{part}.lua").read_text(encoding="utf-8") for part in parts)
