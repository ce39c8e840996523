"""Notifications as people read them, and those that tell of a state for as long as it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.state import pool as state

ASKED = "review.asked"
HANDS_OFF = "text.hands_off"
AT_MOST_EVERY = timedelta(hours=1)
"""New questions of a sync are told of together."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that people are told."""

    id: int
    at: datetime
    kind: str
    code: str
    message: str
    connection: str
    resolved_at: datetime | None


async def newest(tx: state.DbConnection, limit: int, *, only_open: bool) -> Sequence[Notification]:
    """The newest first."""
    rows = await tx.fetch(_NEWEST, limit, only_open)
    return [Notification(*row.values()) for row in rows]


async def tell_of_states(tx: state.DbConnection, now: datetime) -> None:
    """Of each state one notification, from when it begins until it is over, however much comes meanwhile."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('millrace:notices', 0))")
    for kind, words, question in _STATES:
        await tx.execute(_TELL, now, kind, words, await tx.fetchval(question))
    await tx.execute(_QUESTIONS_OVER, ASKED, now)
    await tx.execute(_QUESTIONS, ASKED, now, AT_MOST_EVERY)
    await tx.execute(_HANDS_OFF_OVER, HANDS_OFF, now)
    await tx.execute(_HANDS_OFF, HANDS_OFF, now)


_NEWEST = """
select n.id, n.at, n.kind, n.code, n.message, coalesce(c.name, ''), n.resolved_at
  from core.notification n left join core.connection c on c.id = n.connection
 where n.resolved_at is null or not $2 order by n.id desc limit $1
"""

_TELL = """
with over as (
    update core.notification set resolved_at = $1 where kind = $2 and resolved_at is null and not $4::boolean
)
insert into core.notification (at, kind, message)
select $1, $2, $3 where $4 and not exists (select from core.notification where kind = $2 and resolved_at is null)
"""

# A notification's code is the name of the sync.
_OPEN_QUESTIONS = """
select coalesce(y.name, '') as sync, count(*) as many, max(q.asked_at) as newest
  from flow.pair_question q join flow.pair p on p.id = q.pair
  left join lateral (
    select y.name from core.leg l join core.sync y on y.id = l.sync
      join core.connection s on s.id = l.source_connection join core.connection t on t.id = l.target_connection
     where l.direction = 'forward' and (l.source_entity, l.target_entity) = (p.left_entity, p.right_entity)
       and (coalesce(nullif(s.account, ''), s.id), coalesce(nullif(t.account, ''), t.id)) = (p.left_account, p.right_account)
     order by y.state = 'active' desc, y.name limit 1) as y on true
 where q.winner = '' group by 1
"""

_QUESTIONS_OVER = f"""
update core.notification n set resolved_at = $2
 where n.kind = $1 and n.resolved_at is null and n.code not in (select sync from ({_OPEN_QUESTIONS}) as o)
"""  # noqa: S608 - a constant of this module

_QUESTIONS = f"""
insert into core.notification (at, kind, code, message)
select $2, $1, o.sync, format('%s questions of %s wait for a person: `millrace review list`.', o.many, coalesce(nullif(o.sync, ''), 'links'))
  from ({_OPEN_QUESTIONS}) as o
 where not exists (select from core.notification n
                    where (n.kind, n.code) = ($1, o.sync) and (n.at >= o.newest or n.at > $2::timestamptz - $3::interval))
"""  # noqa: S608 - a constant of this module

# One for a sync, from the first text that is left alone until none is.
_LEFT_ALONE = """
select distinct y.name as sync from flow.work_item w join core.sync y on y.id = w.sync where w.reason = 'hands_off' and w.state = 'done'
"""

_HANDS_OFF_OVER = f"""
update core.notification n set resolved_at = $2
 where n.kind = $1 and n.resolved_at is null and n.code not in (select sync from ({_LEFT_ALONE}) as o)
"""  # noqa: S608 - a constant of this module

_HANDS_OFF = f"""
insert into core.notification (at, kind, code, message)
select $2, $1, o.sync, format('%s leaves some texts alone: they have no room, or a mark of ours is broken. `millrace run show` names them.', o.sync)
  from ({_LEFT_ALONE}) as o
 where not exists (select from core.notification n where (n.kind, n.code) = ($1, o.sync) and n.resolved_at is null)
"""  # noqa: S608 - a constant of this module

_STATES = (
    (
        "letters.open",
        "Records could not be brought to where they belong, and wait for a person.",
        "select exists (select from flow.dead_letter where state = 'open') or exists (select from flow.work_item where state in ('dead', 'parked'))",
    ),
    (
        "destination.failed",
        "A destination has not taken what it was sent, for a day.",
        """select exists (select from core.destination d where 'failed' = (
               select v.state from core.delivery v where v.destination = d.id and v.state <> 'waiting' order by v.notification desc limit 1))""",
    ),
)
