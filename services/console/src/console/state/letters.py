"""Dead letters and stuck work counted together, and what the journal says when somebody acts on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.journal import Entry, Step
from common.state import pool as state
from common.state.dead_letters import LetterFilter, StoredLetter, conditions


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """All that waits for the same reason."""

    code: str
    records: int
    messages: int
    work: int
    syncs: tuple[str, ...]
    first_at: datetime
    last_at: datetime


async def groups(tx: state.DbConnection) -> Sequence[LetterGroup]:
    """By code, the largest first."""
    rows = await tx.fetch(
        """
        select code, count(*) as records, count(*) filter (where kind = 'message') as messages,
               count(*) filter (where kind = 'work') as work, array_agg(distinct sync) filter (where sync <> '') as syncs,
               min(first_at) as first_at, max(last_at) as last_at
          from (select 'message' as kind, err_code as code, '' as sync, err_first_at as first_at, err_last_at as last_at
                  from flow.dead_letter where state = 'open'
                 union all
                select 'work', code, sync, coalesce(failed_first_at, changed_at), coalesce(failed_last_at, changed_at)
                  from flow.work_item where state in ('dead', 'parked')) as waiting
         group by code order by records desc, code
        """
    )
    return [
        LetterGroup(
            row["code"],
            row["records"],
            row["messages"],
            row["work"],
            tuple(row["syncs"] or ()),
            row["first_at"],
            row["last_at"],
        )
        for row in rows
    ]


async def superseded(tx: state.DbConnection, ids: Sequence[int]) -> int:
    """How many of these messages are about something of which a newer state is known: they will change nothing."""
    found: int = await tx.fetchval(_SUPERSEDED.format("id = any($1)"), list(ids))
    return found


async def superseded_of(tx: state.DbConnection, wanted: LetterFilter) -> int:
    """The same of all that fit."""
    where, values = conditions(wanted, 0)
    found: int = await tx.fetchval(_SUPERSEDED.format(f"true {where}"), *values)
    return found


def entry(stored: StoredLetter, step: Step, reason: str, who: str, now: datetime) -> Entry:
    """What somebody did with a message; its key tells which record it is about."""
    letter = stored.letter
    first, _, rest = (letter.key or b"").decode("utf-8", "replace").partition(":")
    entity, _, record = rest.partition(":")
    of_sync = letter.topic.startswith("commands.")
    return Entry(
        at=now, step=step, reason=reason, sync=first if of_sync else "", connection="" if of_sync else first, entity=entity,
        record=record, trace_id=letter.trace_id, who=who, details={"letter": stored.id, "topic": letter.topic, "code": letter.code},
    )  # fmt: skip


# A key or a number that is none says nothing here: `encode` never fails, whatever bytes came.
_SUPERSEDED = """
with keys as (
    select err_topic, encode(record_key, 'escape') as key,
           encode(header_values[array_position(header_names, 'ce_sequence'::bytea)], 'escape') as sequence
      from flow.dead_letter where {} and record_key is not null
), letters as (
    select err_topic, sequence, split_part(key, ':', 1) as first, split_part(key, ':', 2) as entity,
           substr(key, length(split_part(key, ':', 1)) + length(split_part(key, ':', 2)) + 3) as record from keys
)
select count(*) from letters l
  left join flow.record_state s on l.err_topic like 'changes.%' and (s.connection, s.entity, s.record) = (l.first, l.entity, l.record)
  left join flow.work_item w on l.err_topic like 'commands.%' and (w.sync, w.entity, w.record) = (l.first, l.entity, l.record)
 where s.sequence > l.sequence or case when l.sequence ~ '^[0-9]{{1,18}}$' then w.revision > l.sequence::bigint end
"""
