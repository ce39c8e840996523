"""What writes have taught of a place as a whole, where the vendor's documents do not say it: one row for each lesson (`flow.place_lesson`).

Stored with the result that has taught it. A crash before the commit forgets it, and the next write teaches it again; whatever contradicts a
lesson replaces it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from common.clock import monotonic
from common.state.pool import DbConnection, Pool, connection
from writing.items import PlaceKey, columns

FRESH_S = 60.0


class Lessons:
    """One process's memory of them; another process's lessons come within a minute."""

    def __init__(self, pool: Pool, *, clock: Callable[[], float] = monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._kept: dict[PlaceKey, tuple[float, dict[str, bool]]] = {}

    async def of(self, place: PlaceKey) -> dict[str, bool]:
        """The same mapping for every row of the place: who learns more adds to it."""
        until, found = self._kept.get(place, (0.0, {}))
        if self._clock() >= until:
            async with connection(self._pool) as link:
                found |= await read(link, place)
            self._kept[place] = (self._clock() + FRESH_S, found)
        return found


async def read(link: DbConnection, place: PlaceKey) -> dict[str, bool]:
    rows = await link.fetch(
        "select name, holds from flow.place_lesson where (account, place, target_entity) = ($1, $2, $3)", *place
    )
    return {row["name"]: row["holds"] for row in rows}


class Taught:
    """What one result teaches, of whichever places."""

    def __init__(self) -> None:
        self._by_place: defaultdict[PlaceKey, dict[str, bool]] = defaultdict(dict)

    def hear(self, place: PlaceKey, lessons: Mapping[str, bool]) -> None:
        if lessons:
            self._by_place[place] |= lessons

    def of(self, place: PlaceKey) -> Mapping[str, bool]:
        return self._by_place.get(place, {})

    async def store(self, tx: DbConnection, now: datetime) -> None:
        """In the order of their keys, so that two transactions never wait for each other."""
        listed = sorted((*place, name, holds) for place, some in self._by_place.items() for name, holds in some.items())
        if listed:
            await tx.execute(_STORE, *columns([one[:4] for one in listed], 4), [one[4] for one in listed], now)


_STORE = """
insert into flow.place_lesson as l (account, place, target_entity, name, holds, learnt_at)
select *, $6::timestamptz from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[])
on conflict (account, place, target_entity, name) do update set holds = excluded.holds, learnt_at = excluded.learnt_at
 where l.holds <> excluded.holds
"""
