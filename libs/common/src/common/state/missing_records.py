"""Records that we know and a whole listing of their source lacked: read by id at once, or set aside until a person has answered (R12)."""

from __future__ import annotations

from collections.abc import Iterable

from common.contracts.ids import RecordId
from common.state.polls import Poll, Polled, columns
from common.state.pool import DbConnection


async def lacking(tx: DbConnection, poll: Poll) -> list[RecordId]:
    """Records that we know and a whole listing had not."""
    return [RecordId(row["record"]) for row in await tx.fetch(_LACKING, *poll.polled, poll.began_at)]


async def set_aside(tx: DbConnection, poll: Poll, records: Iterable[RecordId]) -> None:
    """A whole listing has ended: these are missing, and a person is asked. Those of the listing before are its business no more."""
    await tx.execute(
        """
        with former as (
            delete from flow.poll_missing where (connection, entity, place) = ($1, $2, $3) and record <> all($4::text[])
        )
        insert into flow.poll_missing (connection, entity, place, record) select $1, $2, $3, * from unnest($4::text[])
        on conflict do nothing
        """,
        *poll.polled,
        list(records),
    )


async def take(tx: DbConnection, polled: Iterable[Polled]) -> list[tuple[Polled, RecordId]]:
    """Those that a person was asked about: the question is over."""
    of = columns(sorted(polled))
    await tx.execute(_ANSWERED, *of)
    rows = await tx.fetch(_TAKE_MISSING, *of)
    return [(Polled(row["connection"], row["entity"], row["place"]), RecordId(row["record"])) for row in rows]


_ANSWERED = """
update flow.poll p set missing = 0
  from unnest($1::text[], $2::text[], $3::text[]) as w(connection, entity, place)
 where (p.connection, p.entity, p.place) = (w.connection, w.entity, w.place) and p.missing > 0
"""

_TAKE_MISSING = """
delete from flow.poll_missing m using unnest($1::text[], $2::text[], $3::text[]) as w(connection, entity, place)
 where (m.connection, m.entity, m.place) = (w.connection, w.entity, w.place)
returning m.connection, m.entity, m.place, m.record
"""

# What is younger than the listing may have come after its page.
_LACKING = """
select s.record from flow.record_state s
 where (s.connection, s.entity) = ($1, $2) and not s.deleted and s.place in ('', $3) and s.sequence <> '' and s.first_at < $4
   and not exists (select from flow.poll_seen n where (n.connection, n.entity, n.place, n.record) = ($1, $2, $3, s.record))
 order by s.record
"""
