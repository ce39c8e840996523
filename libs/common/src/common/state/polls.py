"""Sources that are read whole: how far each was read, when it is read next, and who reads it now.

One reader at a time: a lease, renewed while its reader lives. Every page is stored under the lease's token, so that somebody who lost it
stores nothing any more; what it has published is a repeat to the mapper. Business time says what is due, the database's own what is leased.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state.pool import DbConnection


class Polled(NamedTuple):
    """A source that somebody wants: one kind of records of one connection, in one of its places or in the only one."""

    connection: ConnectionId
    entity: Entity
    place: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """How a source stands when its reader takes it."""

    polled: Polled
    cursor: str
    job: str
    began_at: datetime | None
    asked: str
    asked_by: str
    attempts: int
    quick_until: datetime | None
    whole_at: datetime | None
    calls_today: int
    token: UUID
    sent: Mapping[int, int]
    """The offset behind the last change that the reading has sent, by partition."""


@dataclass(frozen=True, slots=True)
class PageRead:
    """What one page came to, besides its events: how far we are, whom it told of, whom it named."""

    cursor: str
    told: Sequence[RecordId] = ()
    named: Sequence[RecordId] = ()
    quick_until: datetime | None = None
    sent: Mapping[int, int] = field(default_factory=dict)
    about: int | None = None
    """How many records the listing has, where the page tells something of it."""


class NextLook(NamedTuple):
    """When a source is read next, and by which words of those who need it."""

    at: datetime
    cadence: str


async def want(tx: DbConnection, polled: Iterable[Polled], now: datetime) -> None:
    """Sources that are new here are read at once."""
    ordered = sorted(polled)
    await tx.execute(
        """
        insert into flow.poll (connection, entity, place, next_at)
        select n.*, $4 from unnest($1::text[], $2::text[], $3::text[]) as n(connection, entity, place)
        on conflict do nothing
        """,
        *columns(ordered),
        now,
    )


async def want_changes(tx: DbConnection, polled: Polled, cursor: str, first_at: datetime) -> None:
    """One of which only changes are wanted, from a cursor on; one that is here goes on where it stands."""
    await tx.execute(
        "insert into flow.poll (connection, entity, place, cursor, next_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
        *polled,
        cursor,
        first_at,
    )


async def ask(tx: DbConnection, polled: Iterable[Polled], job: str, by: str, now: datetime) -> bool:
    """Somebody wants these to be read now, all of them as one job. False: an earlier such wish has not begun; nothing is changed."""
    ordered = sorted(polled)
    rows = await tx.fetch(_ASKED, *columns(ordered))
    if any(row["asked"] for row in rows):
        return False
    await tx.execute(_ASK, *columns(ordered), job, by, now)
    return True


async def soon(tx: DbConnection, connection: ConnectionId, heard: Iterable[str], now: datetime) -> None:
    """What was not told of these, by their kind or by their place, is read now."""
    await tx.execute(
        "update flow.poll set next_at = least(next_at, $3) where connection = $1 and (entity = any($2::text[]) or place = any($2::text[]))",
        connection,
        list(heard),
        now,
    )


async def never_read(tx: DbConnection, polled: Iterable[Polled], now: datetime) -> bool:
    """Whether one of them has not been read yet, not even a page; each has a row from now on."""
    ordered = sorted(polled)
    await want(tx, ordered, now)
    rows = await tx.fetch(_ASKED, *columns(ordered))
    return any(not row["cursor"] and row["whole_at"] is None for row in rows)


async def lease(
    tx: DbConnection, wanted: Sequence[Polled], now: datetime, *, most: int, within: timedelta
) -> list[Poll]:
    """Takes sources that are due and have no gate; each is one reader's until its lease runs out."""
    rows = await tx.fetch(_LEASE, *columns(wanted), now, most, uuid4(), within)
    return [_poll(row) for row in rows]


async def renew(tx: DbConnection, tokens: Sequence[UUID], within: timedelta) -> None:
    """Their readers live."""
    await tx.execute(
        "update flow.poll set lease_until = clock_timestamp() + $2 where lease = any($1::uuid[]) and lease_until > clock_timestamp()",
        list(tokens),
        within,
    )


async def begin(tx: DbConnection, poll: Poll, job: str, cursor: str, now: datetime) -> bool:
    """A reading begins. False: somebody else reads by now."""
    mine = await tx.fetchval(
        """
        update flow.poll set job = $5, cursor = $6, began_at = $7, asked = '', asked_by = '', sent = '{}', pages = 0
         where (connection, entity, place) = ($1, $2, $3) and lease = $4 returning true
        """,
        *poll.polled,
        poll.token,
        job,
        cursor,
        now,
    )
    return bool(mine)


async def advance(tx: DbConnection, poll: Poll, page: PageRead, today: datetime) -> bool:
    """A page's events are on the topic: so far we are. False: somebody else reads by now."""
    mine = await tx.fetchval(
        """
        update flow.poll set cursor = $5, attempts = 0, words = '', calls_day = $6::date, sent = $8, pages = pages + 1,
               calls = case when calls_day = $6::date then calls else 0 end + 1, quick_until = greatest(quick_until, $7),
               about = coalesce($9, about)
         where (connection, entity, place) = ($1, $2, $3) and lease = $4 returning true
        """,
        *poll.polled,
        poll.token,
        page.cursor,
        today.date(),
        page.quick_until,
        {str(partition): offset for partition, offset in page.sent.items()},
        page.about,
    )
    if mine and (page.told or page.named):
        await tx.execute(
            """
            insert into flow.poll_seen (connection, entity, place, record, told)
            select $1, $2, $3, n.record, n.told from unnest($4::text[], $5::boolean[]) as n(record, told)
            on conflict (connection, entity, place, record) do update set told = flow.poll_seen.told or excluded.told
            """,
            *poll.polled,
            [*page.told, *page.named],
            [True] * len(page.told) + [False] * len(page.named),
        )
    return bool(mine)


async def records_read(tx: DbConnection, polled: Polled) -> int:
    """How many records the reading has been told of."""
    told: int = await tx.fetchval(
        "select count(*) from flow.poll_seen where (connection, entity, place) = ($1, $2, $3) and told", *polled
    )
    return told


async def forget_met(tx: DbConnection, polled: Polled) -> None:
    """The reading is over: whom it has met is nobody's business any more."""
    await tx.execute("delete from flow.poll_seen where (connection, entity, place) = ($1, $2, $3)", *polled)


async def end(
    tx: DbConnection, poll: Poll, now: datetime, look: NextLook, *, everything: int | None, missing: int | None
) -> bool:
    """The reading is over, and so is its lease. A wish that came meanwhile stands. `everything`: so many records; it was no list of changes."""
    mine = await tx.fetchval(
        """
        update flow.poll set job = '', attempts = 0, words = '', ended_at = $5, lease = null, lease_until = null,
               whole_at = case when $7::bigint is null then whole_at else $5 end, about = coalesce($7, about),
               missing = coalesce($8::integer, missing),
               next_at = case when asked = '' then $6 else $5 end, cadence = $9
         where (connection, entity, place) = ($1, $2, $3) and lease = $4 returning true
        """,
        *poll.polled,
        poll.token,
        now,
        look.at,
        everything,
        missing,
        look.cadence,
    )
    return bool(mine)


async def give_up(tx: DbConnection, judged: Iterable[Polled]) -> None:
    """Nobody judges these any more: a reading that was cut short begins anew when somebody does, and not under its name."""
    await tx.execute(_GIVE_UP, *columns(judged))


async def postpone(tx: DbConnection, poll: Poll, until: datetime, words: str, *, free: bool) -> None:
    """It goes on later, from the last page that was stored."""
    await tx.execute(
        """
        update flow.poll set lease = null, lease_until = null, next_at = $5, words = $6,
               attempts = attempts + case when $7 then 0 else 1 end
         where (connection, entity, place) = ($1, $2, $3) and lease = $4
        """,
        *poll.polled,
        poll.token,
        until,
        words,
        free,
    )


def columns(polled: Iterable[Polled]) -> list[list[Any]]:
    """As a statement takes them."""
    listed = list(polled)
    return [[one[at] for one in listed] for at in range(3)]


def _poll(row: Any) -> Poll:
    polled = Polled(ConnectionId(row["connection"]), Entity(row["entity"]), row["place"])
    return Poll(
        polled, row["cursor"], row["job"], row["began_at"], row["asked"], row["asked_by"], row["attempts"],
        row["quick_until"], row["whole_at"], row["calls_today"], row["lease"],
        {int(partition): offset for partition, offset in row["sent"].items()},
    )  # fmt: skip


_ASKED = """
select p.asked, p.cursor, p.whole_at from flow.poll p
  join unnest($1::text[], $2::text[], $3::text[]) as w(connection, entity, place)
    on (p.connection, p.entity, p.place) = (w.connection, w.entity, w.place)
 order by p.connection, p.entity, p.place for update of p
"""

_ASK = """
update flow.poll p set asked = $4, asked_by = $5, next_at = least(p.next_at, $6)
  from unnest($1::text[], $2::text[], $3::text[]) as w(connection, entity, place)
 where (p.connection, p.entity, p.place) = (w.connection, w.entity, w.place)
"""

_GIVE_UP = """
with unheard as (
    update flow.poll p set job = '', cursor = case when p.job like 'poll.%' then p.cursor else '' end
     where p.job <> '' and (p.lease_until is null or p.lease_until < clock_timestamp())
       and (p.connection, p.entity, p.place) not in (select * from unnest($1::text[], $2::text[], $3::text[]))
    returning p.connection, p.entity, p.place
)
delete from flow.poll_seen s using unheard u where (s.connection, s.entity, s.place) = (u.connection, u.entity, u.place)
"""

_LEASE = """
with due as (
    select p.connection, p.entity, p.place from flow.poll p
      join unnest($1::text[], $2::text[], $3::text[]) as w(connection, entity, place)
        on (p.connection, p.entity, p.place) = (w.connection, w.entity, w.place)
     where p.next_at <= $4 and (p.lease_until is null or p.lease_until < clock_timestamp())
       and not exists (select from core.gate g where g.connection = p.connection and g.place in ('', p.place) and (g.until is null or g.until > $4))
     order by p.next_at for update of p skip locked limit $5
)
update flow.poll p set lease = $6, lease_until = clock_timestamp() + $7
  from due where (p.connection, p.entity, p.place) = (due.connection, due.entity, due.place)
returning p.*, case when p.calls_day = $4::date then p.calls else 0 end as calls_today
"""
