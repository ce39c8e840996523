"""Work items in the database: locked, stored as wished, settled, opened again. R1: what is leased or on hold is whoever's who works on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from common.state.pool import DbConnection
from common.state.runs import Did
from common.version import build
from writing.items import Item, ItemKey, Locked, NextState, columns, key_of


async def lock(tx: DbConnection, keys: Iterable[ItemKey]) -> dict[ItemKey, Locked]:
    """Locks the rows until the transaction ends."""
    rows = await tx.fetch(
        """
        select w.sync, w.entity, w.record, w.revision, w.state, w.token, w.attempts from flow.work_item w
          join unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record) using (sync, entity, record)
         order by w.sync, w.entity, w.record for update of w
        """,
        *columns(sorted(set(keys))),
    )
    return {key_of(row): Locked(row["revision"], row["state"], row["token"], row["attempts"]) for row in rows}


async def upsert(tx: DbConnection, rows: Sequence[tuple[Any, ...]], now: datetime) -> None:
    """Stores wishes, the latest of each record; one row per record."""
    if rows:
        await tx.execute(_UPSERT, *(list(column) for column in zip(*rows, strict=True)), now)


# R1: state, lease and attempts of a row that is leased or on hold belong to whoever works on it; only the wish is replaced.
# R8: an equal revision opens a dead, parked or done row again, and changes nothing else.
_UPSERT = """
insert into flow.work_item as w (sync, entity, record, source, connection, place, revision, wish, skip, document, mapping_version,
                                 target_entity, target_key, lane, priority, run, event_id, replay, happened_at, traceparent,
                                 needs, side, rank, state, due_at, received_at, changed_at)
select n.*, 'ready', $24, $24, $24
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
              $10::jsonb[], $11::int[], $12::text[], $13::text[], $14::text[], $15::smallint[], $16::text[], $17::text[],
              $18::text[], $19::timestamptz[], $20::text[], $21::jsonb[], $22::text[], $23::smallint[]) as n
on conflict (sync, entity, record) do update
   set source = excluded.source, connection = excluded.connection, place = excluded.place, revision = excluded.revision,
       wish = excluded.wish, skip = excluded.skip, document = excluded.document, mapping_version = excluded.mapping_version,
       target_entity = excluded.target_entity, needs = excluded.needs, side = excluded.side, rank = excluded.rank,
       -- A record that is kept as it is stays under the key that it has.
       target_key = case when excluded.wish = 'keep' then w.target_key else excluded.target_key end,
       run = excluded.run, event_id = excluded.event_id, replay = excluded.replay,
       happened_at = excluded.happened_at, traceparent = excluded.traceparent, changed_at = excluded.changed_at,
       lane = case when w.state in ('done', 'dead', 'parked') or excluded.priority < w.priority then excluded.lane else w.lane end,
       priority = case when w.state in ('done', 'dead', 'parked') then excluded.priority else least(excluded.priority, w.priority) end,
       state = case when w.state in ('leased', 'hold') then w.state else 'ready' end,
       due_at = case when w.state in ('leased', 'hold') then w.due_at else excluded.due_at end,
       attempts = case when w.state in ('leased', 'hold') then w.attempts else 0 end,
       call_group = case when w.state in ('leased', 'hold') then w.call_group else '' end,
       did = case when w.state in ('leased', 'hold') then w.did else '' end,
       outcome = case when w.state in ('leased', 'hold') then w.outcome else '' end,
       reason = case when w.state in ('leased', 'hold') then w.reason else '' end
 where excluded.revision > w.revision
    or (excluded.revision = w.revision and w.state in ('dead', 'parked', 'done'))
"""


async def settle(tx: DbConnection, fates: Mapping[ItemKey, NextState], now: datetime) -> None:
    """Stores what becomes of locked rows and takes their leases off."""
    if not fates:
        return
    listed = list(fates.values())
    failures = [next_state.failure for next_state in listed]
    await tx.execute(
        """
        update flow.work_item w
           set state = n.state, due_at = n.due_at, hold_until = n.hold_until, token = null, lease_until = null,
               attempts = n.attempts, did = n.did, outcome = n.outcome, reason = n.reason, code = n.code, kind = n.kind,
               message = n.message, vendor_status = n.vendor_status, vendor_code = n.vendor_code,
               vendor_words = n.vendor_words, vendor_request = n.vendor_request, looks = n.looks, call_group = n.call_group,
               priority = greatest(w.priority, n.priority),
               first_body = case when n.state = 'done' then null else w.first_body end,
               failed_first_at = case when n.code = '' then null else coalesce(w.failed_first_at, $18) end,
               failed_last_at = case when n.code = '' then null else $18 end,
               ended_by = case when n.state = 'done' then $22 else '' end, changed_at = $18
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[],
                      $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int[], $15::text[],
                      $16::text[], $17::text[], $19::int[], $20::text[], $21::smallint[])
               as n(sync, entity, record, state, due_at, hold_until, attempts, did, outcome, reason, code, kind, message,
                    vendor_status, vendor_code, vendor_words, vendor_request, looks, call_group, priority)
         where (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record)
        """,
        *columns(fates),
        [next_state.state for next_state in listed],
        [next_state.due_at for next_state in listed],
        [next_state.hold_until for next_state in listed],
        [next_state.attempts for next_state in listed],
        [next_state.result_so_far for next_state in listed],
        [next_state.outcome for next_state in listed],
        [next_state.reason for next_state in listed],
        [failure.code if failure else "" for failure in failures],
        [failure.kind.value if failure else "" for failure in failures],
        [failure.message if failure else "" for failure in failures],
        [failure.vendor_status if failure else None for failure in failures],
        [failure.vendor_code if failure else "" for failure in failures],
        [failure.vendor_words if failure else "" for failure in failures],
        [failure.vendor_request_id if failure else "" for failure in failures],
        now,
        [next_state.looks for next_state in listed],
        [next_state.call_group for next_state in listed],
        [next_state.priority for next_state in listed],
        build(),
    )


async def keep_first_bodies(tx: DbConnection, bodies: Mapping[ItemKey, Mapping[str, Any]]) -> None:
    """What the first create of a record carries, from before it is sent until it is known to be there, or refused (R24)."""
    if bodies:
        await tx.execute(
            """
            update flow.work_item w set first_body = n.body
              from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[]) as n(sync, entity, record, body)
             where (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record)
            """,
            *columns(bodies),
            [dict(body) for body in bodies.values()],
        )


async def forget_first_bodies(tx: DbConnection, keys: Sequence[ItemKey]) -> None:
    """The vendor takes none of these: what is wished next is sent as it is."""
    if keys:
        await tx.execute(
            """
            update flow.work_item w set first_body = null from unnest($1::text[], $2::text[], $3::text[]) as n(sync, entity, record)
             where (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record)
            """,
            *columns(keys),
        )


async def reopen(tx: DbConnection, keys: Sequence[ItemKey], now: datetime) -> None:
    """Makes closed rows ready: somebody else's change concerns them too. Leased and held rows are left alone (R1).

    So are those that are kept as they are: they do nothing whatever others do, and two of them would wake each other for ever.
    """
    if not keys:
        return
    await tx.execute(
        """
        update flow.work_item w
           set state = 'ready', due_at = $4, attempts = 0, did = '', outcome = '', reason = '', call_group = '', changed_at = $4
          from unnest($1::text[], $2::text[], $3::text[]) as k(sync, entity, record)
         where (w.sync, w.entity, w.record) = (k.sync, k.entity, k.record) and w.state in ('done', 'waiting', 'ready')
           and w.wish <> 'keep'
        """,
        *columns(sorted(set(keys))),
        now,
    )


async def note_progress(tx: DbConnection, results_so_far: Mapping[ItemKey, Did]) -> None:
    """What was done so far, of rows that have more to do."""
    await tx.execute(
        """
        update flow.work_item w set did = n.did, attempts = 0, call_group = ''
          from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(sync, entity, record, did)
         where (w.sync, w.entity, w.record) = (n.sync, n.entity, n.record)
        """,
        *columns(results_so_far),
        list(results_so_far.values()),
    )


async def still_mine(tx: DbConnection, items: Sequence[Item], lease: timedelta) -> dict[ItemKey, datetime]:
    """R3: locks the rows, checks their tokens and makes the leases as long as a call may take; with the database's own time.

    A row whose account was learnt since it was planned is not mine any more: its keys have another name now.
    """
    rows = await tx.fetch(
        """
        update flow.work_item w set lease_until = now() + $5
          from (select v.sync, v.entity, v.record from flow.work_item v
                  join unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $6::text[]) as k(sync, entity, record, token, account)
                    on (v.sync, v.entity, v.record) = (k.sync, k.entity, k.record) and v.token = k.token
                  join core.connection c on c.id = v.connection and c.account = k.account
                 order by v.sync, v.entity, v.record for update of v) as mine
         where (w.sync, w.entity, w.record) = (mine.sync, mine.entity, mine.record)
        returning w.sync, w.entity, w.record, now() as at
        """,
        *columns([item.key for item in items]),
        [item.token for item in items],
        lease,
        [item.account for item in items],
    )
    return {key_of(row): row["at"] for row in rows}
