"""Work that waits for a person: dead and parked work items, listed beside dead letters, tried again or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from common.journal import Entry, Step, write
from common.state.pool import Connection

STAGE = "write"


@dataclass(frozen=True, slots=True)
class StuckItem:
    """One record that its writer could not bring to its target, with the vendor's own words."""

    sync: str
    entity: str
    record: str
    source: str
    connection: str
    place: str
    state: Literal["dead", "parked"]
    code: str
    kind: str
    message: str
    vendor_status: int | None
    vendor_code: str
    vendor_words: str
    vendor_request_id: str
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    revision: int
    mapping_version: int
    run: str
    event_id: str
    trace_id: str
    wish: str
    document: Mapping[str, Any]
    """What was to be written: personal data, for people who may see it."""

    @property
    def id(self) -> str:
        """How people name it."""
        return f"{self.sync}/{self.entity}/{self.record}"


@dataclass(frozen=True, slots=True)
class StuckFilter:
    """Which items a person asks for; an empty field asks nothing."""

    state: Literal["dead", "parked"] | None = None
    sync: str | None = None
    connection: str | None = None
    code: str | None = None
    record: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class StuckItems:
    """Stuck items over one connection, inside whatever transaction it is in."""

    def __init__(self, link: Connection) -> None:
        self._link = link

    async def list(self, wanted: StuckFilter, *, limit: int = 100) -> Sequence[StuckItem]:
        """The newest first."""
        rows = await self._link.fetch(
            f"{_SELECT} where {_WANTED} order by failed_last_at desc nulls last limit $8",
            *_values(wanted),
            limit,
        )
        return [_item(row) for row in rows]

    async def count(self, wanted: StuckFilter) -> int:
        """How many there are."""
        found: int = await self._link.fetchval(f"select count(*) from flow.work_item where {_WANTED}", *_values(wanted))  # noqa: S608
        return found

    async def show(self, id: str) -> StuckItem | None:
        """One item, None when it is not stuck (any more)."""
        row = await self._link.fetchrow(f"{_SELECT} where {_ONE}", *parts(id))
        return _item(row) if row else None

    async def retry(self, ids: Sequence[str], *, who: str, now: datetime) -> Sequence[StuckItem]:
        """Makes them ready again with their newest wish; attempts start anew."""
        return await self._end(ids, _RETRY, Step.REPLAYED, "retry", who, now)

    async def discard(self, ids: Sequence[str], *, who: str, why: str, now: datetime) -> Sequence[StuckItem]:
        """Gives them up until something newer comes for the record."""
        return await self._end(ids, _DISCARD, Step.DISCARDED, why, who, now)

    async def _end(
        self, ids: Sequence[str], statement: str, step: Step, reason: str, who: str, now: datetime
    ) -> Sequence[StuckItem]:
        ended = []
        # In their order: a writer locks in the same one.
        for key in sorted({parts(id) for id in ids}):
            row = await self._link.fetchrow(f"{_SELECT} where {_ONE} for update", *key)
            if row is not None:
                await self._link.execute(statement, *key, now)
                ended.append(_item(row))
        await write(self._link, [_entry(item, step, reason, who, now) for item in ended])
        if step is Step.REPLAYED and ended:
            await self._link.execute("select pg_notify('work', '')")
        return ended


def parts(id: str) -> tuple[str, str, str]:
    """The key in an id; a record's own id may hold slashes."""
    sync, _, rest = id.partition("/")
    entity, _, record = rest.partition("/")
    return sync, entity, record


_SELECT = """
select sync, entity, record, source, connection, place, state, code, kind, message, vendor_status, vendor_code, vendor_words,
       vendor_request, attempts, failed_first_at, failed_last_at, revision, mapping_version, run, event_id, traceparent, wish, document
  from flow.work_item
"""
_WANTED = """
    state in ('dead', 'parked') and ($1::text is null or state = $1) and ($2::text is null or sync = $2)
    and ($3::text is null or connection = $3) and ($4::text is null or code = $4) and ($5::text is null or record = $5)
    and ($6::timestamptz is null or failed_last_at >= $6) and ($7::timestamptz is null or failed_last_at < $7)
"""
_ONE = "sync = $1 and entity = $2 and record = $3 and state in ('dead', 'parked')"
_RETRY = """
update flow.work_item set state = 'ready', due_at = $4, attempts = 0, outcome = '', reason = '', changed_at = $4
 where sync = $1 and entity = $2 and record = $3
"""
_DISCARD = """
update flow.work_item set state = 'done', due_at = $4, outcome = 'failed', reason = 'discarded', changed_at = $4
 where sync = $1 and entity = $2 and record = $3
"""


def _values(wanted: StuckFilter) -> tuple[Any, ...]:
    return (wanted.state, wanted.sync, wanted.connection, wanted.code, wanted.record, wanted.since, wanted.until)


def _item(row: Any) -> StuckItem:
    same = ("sync", "entity", "record", "source", "connection", "place", "state", "code", "kind", "message", "vendor_status",
            "vendor_code", "vendor_words", "attempts", "revision", "mapping_version", "run", "event_id", "wish", "document")  # fmt: skip
    return StuckItem(
        **{name: row[name] for name in same},
        vendor_request_id=row["vendor_request"],
        first_at=row["failed_first_at"],
        last_at=row["failed_last_at"],
        trace_id=row["traceparent"][3:35],
    )


def _entry(item: StuckItem, step: Step, reason: str, who: str, now: datetime) -> Entry:
    return Entry(
        at=now, step=step, reason=reason, sync=item.sync, connection=item.source, entity=item.entity, record=item.record,
        event_id=item.event_id, run=item.run, revision=item.revision, mapping_version=item.mapping_version,
        trace_id=item.trace_id, who=who,
    )  # fmt: skip
