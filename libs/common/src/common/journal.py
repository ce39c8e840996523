"""The journal: what happened to every record, written in the transaction of what it tells of, and never changed.

Its `applied` rows are a bijection with the writes that the vendors applied (R2-R5), so a row is written by whoever stores the
result, in the same transaction, and nowhere else. Personal data may stand in `before`, `after`, `patch`; a secret never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any

from common.state.pool import DbConnection
from common.state.storable import is_storable, storable_text


class Step(StrEnum):
    """What a row tells; closed, and checked by the database too."""

    RECEIVED = "received"
    DUPLICATE = "duplicate"
    STALE = "stale"
    ECHO = "echo"
    ASKED = "asked"
    FILTERED = "filtered"
    MAPPED = "mapped"
    SUPERSEDED = "superseded"
    ATTEMPT = "attempt"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    HELD = "held"
    SETTLED = "settled"
    AUDITED = "audited"
    WAITING = "waiting"
    PARKED = "parked"
    DEAD = "dead"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    LINKED = "linked"
    UNLINKED = "unlinked"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row; the ids that do not apply stay empty."""

    at: datetime
    step: Step
    reason: str = ""
    words: str = ""
    sync: str = ""
    connection: str = ""
    entity: str = ""
    record: str = ""
    event_id: str = ""
    run: str = ""
    revision: int | None = None
    mapping_version: int | None = None
    attempt: str = ""
    trace_id: str = ""
    target_key: str = ""
    vendor_status: int | None = None
    vendor_code: str = ""
    vendor_request_id: str = ""
    duration_ms: float | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    patch: Sequence[Mapping[str, Any]] | None = None
    details: Mapping[str, Any] | None = None
    who: str = ""


COLUMNS = tuple(field.name for field in fields(Entry))


async def write(tx: DbConnection, entries: Sequence[Entry]) -> None:
    """Adds the rows to the caller's transaction, by COPY."""
    if entries:
        rows = [_stored(entry) for entry in entries]
        await tx.copy_records_to_table("journal", schema_name="flow", columns=COLUMNS, records=rows)


async def make_months(tx: DbConnection, now: datetime) -> None:
    """Makes the partitions of this month and the next; called at start and once a day."""
    await tx.execute("select flow.make_journal_month($1), flow.make_journal_month($2)", now, now + timedelta(days=31))


_values = attrgetter(*COLUMNS)


def _stored(entry: Entry) -> tuple[Any, ...]:
    values: tuple[Any, ...] = _values(entry)
    # A vendor's own words may hold what PostgreSQL's text does not take; asked of all of them at once, because hardly any do.
    if is_storable("".join([value for value in values if isinstance(value, str)])):
        return values
    return tuple(storable_text(value) if isinstance(value, str) else value for value in values)
