"""Records as people ask for them: find one by whatever they have at hand, and tell its whole way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.api.refusal import Refusal
from common.state import pool as state
from common.state.activity import Activity
from console import record_codes
from console.state import activities
from console.state import records as rows
from console.state.records import Found, RecordKey

MOST_FOUND = 50


class Records:
    """Finds records and tells timelines."""

    def __init__(self, pool: state.Pool) -> None:
        self._pool = pool

    async def find(self, text: str) -> Sequence[Found]:
        """By e-mail address, source's id, target's key or id or hash, trace id; the last changed first."""
        async with state.connection(self._pool) as link:
            keys = await rows.find(link, text.strip(), MOST_FOUND)
            return await rows.read(link, keys) if keys else ()

    async def timeline(
        self, key: RecordKey, before: int | None, limit: int
    ) -> tuple[Found, Sequence[Mapping[str, Any]], int | None, Sequence[Activity]]:
        """The record, its journal oldest first, where the rows before these begin, and what its targets have told of those days."""
        async with state.connection(self._pool) as link:
            found = await rows.read(link, [key])
            if not found:
                raise unknown_record(key.record)
            timeline = list(await rows.timeline(link, key, before, limit + 1))
            since = timeline[limit - 1]["at"] if len(timeline) > limit else None
            until = timeline[0]["at"] if before is not None and timeline else None
            told = await activities.between(link, key, since, until, limit)
        more = timeline[limit - 1]["id"] if len(timeline) > limit else None
        return found[0], timeline[:limit][::-1], more, told


def unknown_record(given: str) -> Refusal:
    return Refusal(404, record_codes.RECORD_UNKNOWN, f"There is no record {given[:64]}.")
