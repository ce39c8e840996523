"""Channels as people read them: the rows that ingest keeps, with the names of their connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.state import pool as state


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """What is heard: a kind of records, or a place."""

    subject: str
    wanted: bool
    since: datetime
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One connection that shall call us."""

    connection: str
    name: str
    vendor: str
    state: str
    base: str
    next_at: datetime
    audited_at: datetime | None
    found: tuple[str, ...]
    found_at: datetime | None
    code: str
    words: str
    subjects: tuple[SubjectRow, ...]

    @property
    def wanted(self) -> list[str]:
        return [one.subject for one in self.subjects if one.wanted]


_ROWS = """
select c.*, k.name, k.vendor, array(
    select row(s.subject, s.wanted, s.since, s.heard_at) from flow.channel_subject s
     where s.connection = c.connection order by s.subject) as subjects
  from flow.channel c join core.connection k on k.id = c.connection
"""


async def page(link: state.DbConnection, after: str, limit: int) -> Sequence[ChannelRow]:
    """In the order of their names."""
    rows = await link.fetch(f"{_ROWS} where k.name > $1 order by k.name limit $2", after, limit)
    return [_row(row) for row in rows]


async def of(link: state.DbConnection, connection: str) -> ChannelRow | None:
    """The channel of one connection."""
    row = await link.fetchrow(f"{_ROWS} where c.connection = $1", connection)
    return None if row is None else _row(row)


async def audit_now(link: state.DbConnection, connection: str, now: datetime) -> None:
    """Ingest looks every second for what is due."""
    await link.execute("update flow.channel set next_at = least(next_at, $2) where connection = $1", connection, now)


def _row(row: Any) -> ChannelRow:
    return ChannelRow(
        row["connection"], row["name"], row["vendor"], row["state"], row["base"], row["next_at"], row["audited_at"],
        tuple(row["found"]), row["found_at"], row["code"], row["words"], tuple(SubjectRow(*one) for one in row["subjects"]),
    )  # fmt: skip
