"""Work that waits for a person: dead and parked work items, listed beside dead letters, tried again or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from common.codes import CODES
from common.contracts.decisions import DECIDED, decision_of
from common.contracts.ids import Entity, RecordId, SyncId
from common.journal import Entry, Step, write
from common.state import runs
from common.state.pool import DbConnection
from common.state.runs import LineKey


@dataclass(frozen=True, slots=True)
class StuckItem:
    """One record that its writer could not bring to its target, with the vendor's own words."""

    sync: str
    entity: str
    record: str
    source: str
    connection: str
    place: str
    state: Literal["dead", "parked", "hold"]
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
    stuck_at: datetime
    """When it failed last; when it was changed last, where that is not known."""
    revision: int
    mapping_version: int
    run: str
    event_id: str
    trace_id: str
    wish: str
    document: Mapping[str, Any]
    """What was to be written: personal data, for people who may see it."""
    looks: int = 0
    next_look_at: datetime | None = None
    """Of a row on hold, whose outcome nobody has seen: when it is looked at (again)."""

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

    def __init__(self, link: DbConnection) -> None:
        self._link = link

    async def newest(
        self, wanted: StuckFilter, *, before: tuple[datetime, str, str, str] | None = None, limit: int = 100
    ) -> Sequence[StuckItem]:
        """The ones that failed last first, from the one after `before`."""
        where, values = _conditions(wanted, 4)
        rows = await self._link.fetch(
            f"{_SELECT} where ({_AT}, sync, entity, record) < ($1, $2, $3, $4) and {where} "
            f"order by {_AT} desc, sync desc, entity desc, record desc limit {limit:d}",
            *(before or (_NEVER, "", "", "")),
            *values,
        )
        return [_item(row) for row in rows]

    async def in_order(
        self, wanted: StuckFilter, *, after: tuple[str, str, str] = ("", "", ""), limit: int = 100
    ) -> Sequence[StuckItem]:
        """In the order of their keys, from the one after `after`: who goes through all of them meets each once."""
        where, values = _conditions(wanted, 3)
        rows = await self._link.fetch(
            f"{_SELECT} where (sync, entity, record) > ($1, $2, $3) and {where} order by sync, entity, record limit {limit:d}",
            *after,
            *values,
        )
        return [_item(row) for row in rows]

    async def held(self, wanted: StuckFilter, *, limit: int = 100) -> Sequence[StuckItem]:
        """Rows on hold, those that are looked at next first: nobody has to act on them, and people can see what they wait for."""
        where, values = _conditions(wanted, 0, _HELD)
        rows = await self._link.fetch(f"{_SELECT} where {where} order by hold_until limit {limit:d}", *values)
        return [_item(row) for row in rows]

    async def count_held(self, wanted: StuckFilter) -> int:
        """How many those are."""
        where, values = _conditions(wanted, 0, _HELD)
        found: int = await self._link.fetchval(f"select count(*) from flow.work_item where {where}", *values)  # noqa: S608
        return found

    async def count(self, wanted: StuckFilter, most: int) -> int:
        """How many there are; who has more than `most` is not counted further."""
        where, values = _conditions(wanted, 1)
        found: int = await self._link.fetchval(
            f"select count(*) from (select 1 from flow.work_item where {where} limit $1) as counted",  # noqa: S608
            most,
            *values,
        )
        return found

    async def show(self, id: str) -> StuckItem | None:
        """One item, be it stuck or on hold; None when it is neither (any more)."""
        row = await self._link.fetchrow(f"{_SELECT} where {_SHOWN}", *parts(id))
        return _item(row) if row else None

    async def retry(self, ids: Sequence[str], *, who: str, now: datetime) -> Sequence[StuckItem]:
        """Makes them ready again with their newest wish; attempts start anew."""
        return await self._end(ids, _RETRY, Step.REPLAYED, "retry", who, now)

    async def discard(self, ids: Sequence[str], *, who: str, why: str, now: datetime) -> Sequence[StuckItem]:
        """Gives them up until something newer comes for the record. What was a question is decided: it is not asked in the same words again."""
        ended = await self._end(ids, _DISCARD, Step.DISCARDED, why, who, now)
        questions = [one for one in ended if one.code in CODES and CODES[one.code].is_question]
        if questions:
            columns = ([getattr(item, name) for item in questions] for name in _KEY)
            marks = [decision_of(item.code, item.message) for item in questions]
            await self._link.execute(_DECIDED, *columns, marks, DECIDED)
        return ended

    async def _end(
        self, ids: Sequence[str], statement: str, step: Step, reason: str, who: str, now: datetime
    ) -> Sequence[StuckItem]:
        keys = sorted({parts(id) for id in ids})
        columns = [[key[at] for key in keys] for at in range(3)]
        # In their order: a writer locks in the same one.
        rows = await self._link.fetch(
            f"{_SELECT} join {_THESE} using (sync, entity, record) where {_STUCK} {_IN_ORDER} for update of w", *columns
        )
        ended = [_item(row) for row in rows]
        await self._link.execute(statement, *([getattr(item, name) for item in ended] for name in _KEY), now)
        await write(self._link, [_entry(item, step, reason, who, now) for item in ended])
        if step is Step.REPLAYED and ended:
            await runs.open_again(self._link, [_line(item) for item in ended])
            await self._link.execute("select pg_notify('work', '')")
        return ended


def parts(id: str) -> tuple[str, str, str]:
    """The key in an id; a record's own id may hold slashes."""
    sync, _, rest = id.partition("/")
    entity, _, record = rest.partition("/")
    return sync, entity, record


_KEY = ("sync", "entity", "record")
_NEVER = datetime.max.replace(tzinfo=UTC)
_STUCK = "state in ('dead', 'parked')"
_AT = "coalesce(failed_last_at, changed_at)"
_THESE = "unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)"
_IN_ORDER = "order by sync, entity, record"
_SELECT = """
select sync, entity, record, source, connection, place, state, code, kind, message, vendor_status, vendor_code, vendor_words,
       vendor_request, attempts, failed_first_at, failed_last_at, changed_at, revision, mapping_version, run, event_id, traceparent,
       wish, document, looks, case state when 'hold' then hold_until end as next_look_at
  from flow.work_item w
"""
_HELD = "state = 'hold'"
_SHOWN = "sync = $1 and entity = $2 and record = $3 and state in ('dead', 'parked', 'hold')"
_RETRY = f"""
update flow.work_item w set state = 'ready', due_at = $4, attempts = 0, looks = 0, outcome = '', reason = '', changed_at = $4
  from {_THESE} where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record)
"""  # noqa: S608
_DISCARD = f"""
update flow.work_item w set state = 'done', due_at = $4, outcome = 'failed', reason = 'discarded', changed_at = $4
  from {_THESE} where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record)
"""  # noqa: S608


# The work items are locked, and a writer locks what is known of their targets after them, too.
_DECIDED = """
update flow.target_record t
   set memory = jsonb_set(t.memory, array[$5::text], coalesce(t.memory -> $5, '[]') - n.mark || to_jsonb(n.mark))
  from (select coalesce(nullif(c.account, ''), c.id) as account, w.place, w.target_entity, w.target_key, k.mark
          from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(sync, entity, record, mark)
          join flow.work_item w using (sync, entity, record) join core.connection c on c.id = w.connection) as n
 where (t.account, t.place, t.target_entity, t.key) = (n.account, n.place, n.target_entity, n.target_key)
"""


def _conditions(wanted: StuckFilter, taken: int, state: str = _STUCK) -> tuple[str, list[object]]:
    """Only what was asked stands in the statement, so that the server finds the index for it; `taken` placeholders are in use."""
    asked = {
        "state = {}": wanted.state,
        "sync = {}": wanted.sync,
        "connection = {}": wanted.connection,
        "code = {}": wanted.code,
        "record = {}": wanted.record,
        "failed_last_at >= {}": wanted.since,
        "failed_last_at < {}": wanted.until,
    }
    said = [(words, value) for words, value in asked.items() if value is not None]
    texts = [words.format(f"${number}") for number, (words, _) in enumerate(said, start=taken + 1)]
    return " and ".join([state, *texts]), [value for _, value in said]


def _item(row: Any) -> StuckItem:
    same = ("sync", "entity", "record", "source", "connection", "place", "state", "code", "kind", "message", "vendor_status",
            "vendor_code", "vendor_words", "attempts", "revision", "mapping_version", "run", "event_id", "wish",
            "document", "looks", "next_look_at")  # fmt: skip
    return StuckItem(
        **{name: row[name] for name in same},
        vendor_request_id=row["vendor_request"],
        stuck_at=row["failed_last_at"] or row["changed_at"],
        first_at=row["failed_first_at"],
        last_at=row["failed_last_at"],
        trace_id=row["traceparent"][3:35],
    )


def _line(item: StuckItem) -> LineKey:
    return LineKey(SyncId(item.sync), Entity(item.entity), RecordId(item.record), item.revision)


def _entry(item: StuckItem, step: Step, reason: str, who: str, now: datetime) -> Entry:
    return Entry(
        at=now, step=step, reason=reason, sync=item.sync, connection=item.source, entity=item.entity, record=item.record,
        event_id=item.event_id, run=item.run, revision=item.revision, mapping_version=item.mapping_version,
        trace_id=item.trace_id, who=who,
    )  # fmt: skip
