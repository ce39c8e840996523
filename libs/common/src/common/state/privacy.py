"""What persons and accounts have asked for by way of their vendors: taken once each, exported by people, redacted by a job.

A redaction goes through its records in batches, each with its place in one transaction, and then once more a minute later, as often as it
takes until it finds nothing in use: what was on its way between two services while the first round was there is met by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.contracts.ids import ConnectionId, Entity, VendorName
from common.state.pool import DbConnection

BATCH = 200
ROUNDS, APART = 2, timedelta(minutes=1)
EXPORT_NOTICE, REFUSED_NOTICE = "privacy.export", "privacy.refused"
Inside = Callable[[VendorName], Mapping[Entity, Entity]]
"""Of a vendor: the kinds of records that are kept inside others, and in which. Their ids are the other's, a `-`, and their own (decision 68)."""


@dataclass(frozen=True, slots=True)
class PrivacyRow:
    """One request as it is first stored."""

    id: str
    connection: ConnectionId
    kind: str
    reference: str
    records: Sequence[tuple[str, str]]


async def ask(tx: DbConnection, asked: Sequence[PrivacyRow], now: datetime) -> None:
    """Stores them; what came before is there already. An account that left a second time says the same as the first time."""
    for one in sorted(asked, key=lambda row: row.id):
        fresh = await tx.fetchval(
            _ASK, one.id, one.connection, one.kind, one.reference, [entity for entity, _ in one.records],
            [record for _, record in one.records], now,
        )  # fmt: skip
        if fresh and one.kind == "export":
            words = f"A person asks what is kept of them: `millrace privacy export {one.id}` writes it, within 30 days."
            await tx.fetchval("select core.tell($1, $2, $3, $4, $5)", one.connection, EXPORT_NOTICE, one.id, words, now)


async def step(tx: DbConnection, now: datetime, inside: Inside) -> bool:
    """One batch of one redaction that is due, or one account that is back; False when there is neither."""
    for account in await tx.fetch(_RETURNED):
        await tx.execute("select flow.account_returned($1, $2)", account["connection"], now)
    row = await tx.fetchrow(_DUE, now)
    if row is None:
        return False
    if row["kind"] == "redact_account" and not await tx.fetchval(_HAS_LEFT, row["connection"]):
        await _refuse(tx, row, now)
        return True
    batch = await tx.fetch(_OF_ACCOUNT if row["kind"] == "redact_account" else _NAMED, row["id"], BATCH)
    if not batch:
        await _end_round(tx, row, now)
        return True
    whole = batch if row["kind"] == "redact_account" else [*batch, *await _kept_inside(tx, row, batch, inside)]
    names, whom = (
        [[one["entity"] for one in whole], [one["record"] for one in whole]],
        row["kind"].removeprefix("redact"),
    )
    in_use = await tx.fetchval(
        "select flow.redact($1, $2, $3, $4, $5)", row["connection"], *names, whom.strip("_") or "person", now
    )
    await tx.execute(_BEYOND, row["connection"], *names)
    await tx.execute(_GO_ON, row["id"], batch[-1]["place"], in_use, len(whole) if row["round"] == 0 else 0)
    return True


async def _kept_inside(tx: DbConnection, row: Any, batch: Sequence[Any], inside: Inside) -> Sequence[Any]:
    """What these have inside, as far as anybody has told of it or linked it; of an account everything is a record by itself already."""
    kinds = inside(await tx.fetchval("select vendor from core.connection where id = $1", row["connection"]))
    entities, records = [one["entity"] for one in batch], [one["record"] for one in batch]
    of = {part: whole for part, whole in kinds.items() if whole in entities}
    if not of:
        return ()
    found = await tx.fetch(_INSIDE, row["connection"], list(of), list(of.values()), entities, records)
    named = set(zip(entities, records, strict=True))
    return [one for one in found if (one["entity"], one["record"]) not in named]


async def _refuse(tx: DbConnection, row: Any, now: datetime) -> None:
    """A message that came late or again must not empty an account that is connected."""
    words = "The account is connected: its data is kept. Remove the connection if it shall go."
    await tx.execute(_CLOSE, row["id"], "refused", now, "", words)
    await tx.fetchval("select core.tell($1, $2, '', $3, $4)", row["connection"], REFUSED_NOTICE, words, now)


async def _end_round(tx: DbConnection, row: Any, now: datetime) -> None:
    if row["kind"] == "redact_account":
        await tx.execute("select flow.redact_account($1, $2)", row["connection"], now)
    if row["round"] + 1 >= ROUNDS and not row["in_use"]:
        await tx.execute(_CLOSE, row["id"], "done", now, "millrace", "")
    else:
        await tx.execute(_NEXT_ROUND, row["id"], now + APART)


_ASK = """
insert into flow.privacy_request as p (id, connection, kind, reference, entities, records, received_at, next_at)
select $1, $2, $3, $4, $5, $6, $7, $7 where exists (select from core.connection where id = $2)
on conflict (id) do update set state = 'open', received_at = $7, next_at = $7, cursor = '', round = 0, in_use = 0,
       closed_at = null, closed_by = '', words = '' where p.kind = 'redact_account' and p.state <> 'open'
returning true
"""
_DUE = """
select * from flow.privacy_request where state = 'open' and kind <> 'export' and next_at <= $1
 order by next_at, id limit 1 for update skip locked
"""
_HAS_LEFT = """
select exists (select from core.connection c where c.id = $1 and (c.state <> 'active' or exists (
    select from core.gate g where g.connection = c.id and g.place = '' and g.reason = 'needs_reauth')))
"""
_NAMED = """
select n.entity, n.record, n.entity || '/' || n.record as place
  from flow.privacy_request p cross join lateral unnest(p.entities, p.records) as n(entity, record)
 where p.id = $1 and n.entity || '/' || n.record > p.cursor order by place limit $2
"""
_INSIDE = """
with kinds as (
    select k.part, n.record from unnest($2::text[], $3::text[]) as k(part, whole)
      join unnest($4::text[], $5::text[]) as n(entity, record) on n.entity = k.whole
), own as (select coalesce(nullif(account, ''), id) as account from core.connection where id = $1), there as (
    select entity, record from flow.record_state where connection = $1 and entity = any($2::text[])
    union
    select p.left_entity, p.left_id from flow.pair p join own on p.left_account = own.account where p.left_entity = any($2::text[])
    union
    select p.right_entity, p.right_id from flow.pair p join own on p.right_account = own.account where p.right_entity = any($2::text[])
)
select t.entity, t.record from there t join kinds k on k.part = t.entity and k.record = split_part(t.record, '-', 1) and t.record <> k.record
"""
_OF_ACCOUNT = """
select s.entity, s.record, s.entity || '/' || s.record as place
  from flow.privacy_request p join flow.record_state s on s.connection = p.connection
 where p.id = $1 and (s.entity, s.record) > (split_part(p.cursor, '/', 1), substr(p.cursor, strpos(p.cursor, '/') + 1))
 order by s.entity, s.record limit $2
"""
# R8: a command that is read again opens an item of its own revision once more; there shall be none of these.
_BEYOND = """
with beyond as (
    update flow.work_item i set revision = i.revision + 1
      from unnest($2::text[], $3::text[]) as n(entity, record)
      join core.leg l on (l.source_connection, l.source_entity) = ($1, n.entity)
      join flow.wanted w on (w.sync, w.entity, w.record) = (l.sync, l.name, n.record)
     where (i.sync, i.entity, i.record) = (w.sync, w.entity, w.record) and i.state = 'done' and i.revision = w.revision
    returning i.sync, i.entity, i.record, i.revision
)
update flow.wanted w set revision = b.revision, published_revision = b.revision
  from beyond b where (w.sync, w.entity, w.record) = (b.sync, b.entity, b.record)
"""
_GO_ON = "update flow.privacy_request set cursor = $2, in_use = in_use + $3, redacted = redacted + $4 where id = $1"
_NEXT_ROUND = "update flow.privacy_request set cursor = '', in_use = 0, round = round + 1, next_at = $2 where id = $1"
_CLOSE = "update flow.privacy_request set state = $2, closed_at = $3, closed_by = $4, words = $5 where id = $1"
_RETURNED = """
update flow.privacy_request p set words = 'connected again'
  from core.connection c
 where p.kind = 'redact_account' and p.state = 'done' and p.words = '' and c.id = p.connection and c.state = 'active'
   and not exists (select from core.gate g where g.connection = c.id and g.place = '' and g.reason = 'needs_reauth')
returning p.connection
"""
