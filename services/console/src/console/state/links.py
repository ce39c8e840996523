"""Links as people see, make and take them apart: rows of `flow.pair`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from common.state import pool as state

STATES = ("reserved", "linked", "ended_left", "ended_right")
LIVING = ("reserved", "linked")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A link that somebody wants, as a line of a file has it."""

    line: int
    left_account: str
    left_place: str
    left_entity: str
    left_id: str
    left_key: str
    right_account: str
    right_place: str
    right_entity: str
    right_id: str
    right_key: str
    state: str
    rule: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a line: the accounts it means, the same link if there is one, and what stands against it."""

    line: int
    left_account: str | None
    right_account: str | None
    same: int | None
    same_state: str | None
    other: int | None
    taken: int | None


Link = Mapping[str, Any]


async def page(
    tx: state.DbConnection, text: str, wanted: Sequence[str], account: str, after: int, limit: int
) -> Sequence[Link]:
    """Links in the order in which they were made; `text` is a key or an id of either side, `account` may be a connection's name."""
    values: list[Any] = [after, limit, list(wanted)]
    where = "p.id > $1 and p.state = any($3::text[])"
    if "linked" not in wanted:
        # The few that are not: they have an index of their own.
        where += " and p.state <> 'linked'"
    if text:
        values.append(text)
        where += f" and {_WITH_END.format(text=f'${len(values)}::text')}"
    if account:
        values.append(await _accounts(tx, account))
        where += f" and {_OF_ACCOUNTS.format(accounts=f'${len(values)}::text[]', where=where)}"
    return list(await tx.fetch(_PAGE.format(where=where), *values))


async def _accounts(tx: state.DbConnection, named: str) -> list[str]:
    rows = await tx.fetch("select account from core.connection where name = $1", named)
    return sorted({named, *(row["account"] for row in rows)})


async def one(tx: state.DbConnection, id: int, *, lock: bool = False) -> Link | None:
    """One link, locked against everybody who would judge it."""
    found: Link | None = await tx.fetchrow(f"{_ONE} where p.id = $1" + (" for update of p" if lock else ""), id)
    return found


async def check(tx: state.DbConnection, rows: Sequence[LinkRow]) -> Sequence[Checked]:
    """Looks every line up, in one question."""
    found = await tx.fetch(_CHECK, *_columns(rows))
    return [Checked(**{name: row[name] for name in Checked.__slots__}) for row in found]


async def add(tx: state.DbConnection, rows: Sequence[LinkRow], what: str, who: str, why: str, now: datetime) -> None:
    """Makes them; those that ended or were taken apart are linked again."""
    await tx.execute(_ADD, *_columns(rows), what, who, why, now)


async def revive(tx: state.DbConnection, ids: Mapping[int, str], what: str, who: str, why: str, now: datetime) -> None:
    """These links are there, in another state."""
    await tx.execute(_REVIVE, list(ids), list(ids.values()), what, who, why, now)


async def unlink(tx: state.DbConnection, id: int, who: str, why: str, now: datetime) -> None:
    """They are two things. What both had agreed on is forgotten; the history stays."""
    await tx.execute(_UNLINK, id, who, why, now)


async def connection_of(tx: state.DbConnection, account: str) -> str:
    """The connection that opens an account, for the journal."""
    found: str | None = await tx.fetchval(
        "select id from core.connection where account = $1 order by state = 'active' desc, id limit 1", account
    )
    return found or account


_NAMES = [field.name for field in fields(LinkRow)]
_TYPES = {"line": "int", "since": "timestamptz"}


def _columns(rows: Sequence[LinkRow]) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in _NAMES]


_UNNEST = (
    "unnest("
    + ", ".join(f"${at}::{_TYPES.get(name, 'text')}[]" for at, name in enumerate(_NAMES, start=1))
    + f") as n({', '.join(_NAMES)})"
)

_NAMED = """lateral (select c.name from core.connection c where c.account = p.{side}_account
                       order by c.state = 'active' desc, c.id limit 1) as {to} on true"""
_SHOWN = f"""
select p.*, coalesce(l.name, '') as left_name, coalesce(r.name, '') as right_name
  from {{of}} as p
  left join {_NAMED.format(side="left", to="l")}
  left join {_NAMED.format(side="right", to="r")}
"""  # noqa: S608 - constants of this module
_ONE = _SHOWN.format(of="flow.pair")
# Names are looked up for what is shown, and for nothing else.
_PAGE = _SHOWN.format(of="(select p.* from flow.pair p where {where} order by p.id limit $2)") + " order by p.id"  # noqa: S608 - constants of this module

_WITH_END = """p.id = any(array(
    select id from flow.pair where left_id = {text}
    union select id from flow.pair where left_key = {text} and left_key <> ''
    union select id from flow.pair where right_id = {text} and right_id <> ''
    union select id from flow.pair where right_key = {text}))"""

# Each account's links are found in their order, so that a page of half a million takes no longer than one of fifty.
_OF_ACCOUNTS = """p.id = any(array(
    select found.id from unnest({accounts}) as a(account) cross join lateral (
        (select p.id from flow.pair p where p.left_account = a.account and {where} order by p.id limit $2)
        union all (select p.id from flow.pair p where p.right_account = a.account and {where} order by p.id limit $2)) as found))"""

_SYSTEMS = "(p.left_account, p.left_place, p.left_entity, p.right_account, p.right_place, p.right_entity)"
_WANTED = "(a.account, n.left_place, n.left_entity, b.account, n.right_place, n.right_entity)"
_RIGHT = "((n.right_id <> '' and p.right_id = n.right_id) or (n.right_key <> '' and p.right_key = n.right_key))"
# An end is one record, by its id or by its key; each is looked up in an index of its own.
_OF_LEFT = """(
       select p.* from flow.pair p where (p.left_account, p.left_entity, p.left_id) = (a.account, n.left_entity, n.left_id) and n.left_id <> ''
       union all
       select p.* from flow.pair p where (p.left_account, p.left_place, p.left_entity, p.left_key)
                                       = (a.account, n.left_place, n.left_entity, n.left_key) and p.left_key <> '') as p"""
_OF_RIGHT = """(
       select p.* from flow.pair p where (p.right_account, p.right_entity, p.right_id) = (b.account, n.right_entity, n.right_id) and p.right_id <> ''
       union all
       select p.* from flow.pair p where (p.right_account, p.right_place, p.right_entity, p.right_key)
                                       = (b.account, n.right_place, n.right_entity, n.right_key) and n.right_key <> '') as p"""

# A connection's id or name will do for its account.
_CHECK = f"""
with n as materialized (select * from {_UNNEST}), known as materialized (
    select g.given, (select c.account from core.connection c where g.given in (c.account, c.id, c.name) and c.state <> 'deleted'
                      order by c.account = g.given desc limit 1) as account
      from (select left_account as given from n union select right_account from n) as g
)
select n.line, a.account as left_account, b.account as right_account, same.id as same, same.state as same_state, other.id as other, taken.id as taken
  from n left join known a on a.given = n.left_account left join known b on b.given = n.right_account
  left join lateral (select p.id, p.state from {_OF_LEFT} where {_SYSTEMS} = {_WANTED} and {_RIGHT} limit 1) as same on true
  left join lateral (select p.id from {_OF_LEFT} where {_SYSTEMS} = {_WANTED} and p.state in ('reserved', 'linked')
                        and p.id is distinct from same.id limit 1) as other on true
  left join lateral (select p.id from {_OF_RIGHT} where {_SYSTEMS} = {_WANTED} and p.exclusive and p.state in ('reserved', 'linked')
                        and p.id is distinct from same.id limit 1) as taken on true
 order by n.line
"""  # noqa: S608 - constants of this module

_TOLD = "jsonb_build_array(jsonb_build_object('at', {at}::timestamptz, 'what', {what}::text, 'who', {who}::text, 'why', {why}::text))"

_ADD = f"""
insert into flow.pair (left_account, left_place, left_entity, left_id, left_key, right_account, right_place, right_entity, right_id, right_key,
                       state, rule, since, history, changed_at, owed)
select n.left_account, n.left_place, n.left_entity, n.left_id, n.left_key, n.right_account, n.right_place, n.right_entity, n.right_id,
       n.right_key, n.state, n.rule, coalesce(n.since, $18), {_TOLD.format(what="$15", who="$16", why="$17", at="$18")}, $18, true
  from {_UNNEST}
"""  # noqa: S608 - constants of this module

_REVIVE = f"""
update flow.pair p set state = n.state, owed = true, changed_at = $6, history = p.history || {_TOLD.format(what="$3", who="$4", why="$5", at="$6")}
  from unnest($1::bigint[], $2::text[]) as n(id, state) where p.id = n.id
"""  # noqa: S608 - constants of this module

_UNLINK = f"""
update flow.pair p set state = 'unlinked', seen = '{{}}', agreed = '{{}}', judgement = '{{}}', changed_at = $4,
       history = p.history || {_TOLD.format(what="'unlinked'", who="$2", why="$3", at="$4")}
 where p.id = $1
"""  # noqa: S608 - constants of this module
