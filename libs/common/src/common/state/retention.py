"""How long every table is kept: for ever with a reason, as long as what it is about, or until its keeper takes old rows away.

Nothing that a promise needs ever leaves: version rows, so that an old message is known as old (R7); who owns what at a target and what
a person last allowed; what is still open. `docs/operating.md` shows this as a table, and a test compares both with the migrations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from common.retention import Retention

Service = Literal["mapper", "console", "token-broker"]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who takes which rows of a table away; `setting` names the field of `Retention` that says after how many days."""

    table: str
    what: str
    setting: str
    by: Service
    statement: str = ""
    """Removes at most $2 rows older than $1 and says how many; empty where the service has a task of its own for it."""

    def days(self, retention: Retention) -> int:
        days: int = getattr(retention, self.setting)
        return days

    @property
    def variable(self) -> str:
        return f"MILLRACE_RETENTION__{self.setting.upper()}"


def _delete(table: str, old: str, age: str) -> str:
    # In the order of its age, so that an index leads to the old rows and the others are never looked at.
    return _delete_by(table, f"select ctid from {table} where {old} order by {age}")  # noqa: S608


def _delete_by(table: str, oldest: str) -> str:
    # By the place of the row: one that changes meanwhile is not the row that was judged, and stays.
    return f"""
with gone as (
    delete from {table} where ctid = any(array({oldest} limit $2)) returning 1
)
select count(*) from gone
"""  # noqa: S608


_GONE = "not exists (select from core.connection c where c.id = {table}.connection and c.state <> 'deleted')"

KEEPERS: tuple[Keeper, ...] = (
    Keeper(
        "flow.journal",
        "whole months",
        "journal_days",
        "mapper",
        "select case when $2::integer > 0 and flow.drop_journal_month($1) is not null then 1 else 0 end",
    ),
    Keeper(
        "flow.journal_other",
        "rows for which there was no month",
        "journal_days",
        "mapper",
        "select flow.forget_journal_rows($1, $2)",
    ),
    Keeper(
        "flow.write_intent",
        "closed ones; open ones never. Longer than Kafka keeps events, because a replay still has to recognise its echoes",
        "intent_days",
        "mapper",
        _delete("flow.write_intent", "state <> 'sent' and closed_at < $1", "closed_at"),
    ),
    Keeper(
        "flow.activity",
        "what targets told of customers; as long as the journal, and longer than Kafka can tell it again",
        "journal_days",
        "mapper",
        _delete("flow.activity", "kept_at < $1", "kept_at"),
    ),
    Keeper(
        "flow.dead_letter",
        "closed ones; open ones never",
        "dead_letter_days",
        "mapper",
        _delete("flow.dead_letter", "state <> 'open' and closed_at < $1", "closed_at"),
    ),
    Keeper(
        "flow.privacy_request",
        "answered ones; of an account that has left until it is connected again",
        "journal_days",
        "mapper",
        _delete(
            "flow.privacy_request",
            "state <> 'open' and closed_at < $1 and not (kind = 'redact_account' and state = 'done' and words = '')",
            "closed_at",
        ),
    ),
    Keeper(
        "flow.quarantine",
        "what nobody believed, and what is of no connected account (`app:<vendor>:unknown`); at most 200 for each connection",
        "quarantine_days",
        "mapper",
        _delete("flow.quarantine", "received_at < $1", "received_at"),
    ),
    Keeper(
        "flow.audit",
        "late looks that are due at a connection that was deleted; every other one is still owed (R4)",
        "leftover_days",
        "mapper",
        _delete("flow.audit", f"due_at < $1 and {_GONE.format(table='flow.audit')}", "due_at"),
    ),
    Keeper(
        "flow.deferred_call",
        "calls of a deleted connection that nobody asks about any more; every other one goes with the last of its results",
        "leftover_days",
        "mapper",
        _delete("flow.deferred_call", f"ends_at < $1 and {_GONE.format(table='flow.deferred_call')}", "ends_at"),
    ),
    Keeper(
        "flow.read_request",
        "reads that a deleted connection is still owed",
        "leftover_days",
        "mapper",
        _delete("flow.read_request", f"not_before < $1 and {_GONE.format(table='flow.read_request')}", "not_before"),
    ),
    Keeper(
        "flow.budget_day",
        "days of limits that nobody uses any more",
        "leftover_days",
        "mapper",
        # A month stands under its first day, and is in use until its end.
        _delete(
            "flow.budget_day",
            "day < ($1 at time zone 'UTC')::date and (extract(day from day) > 1 or day < date_trunc('month', $1 - interval '2 days'))",
            "day",
        ),
    ),
    Keeper(
        "flow.budget_use",
        "what was used of months, by the day",
        "leftover_days",
        "mapper",
        _delete("flow.budget_use", "day < ($1 at time zone 'UTC')::date", "day"),
    ),
    Keeper(
        "flow.read_day",
        "days of limits that are over",
        "leftover_days",
        "mapper",
        _delete("flow.read_day", "day < ($1 at time zone 'UTC')::date", "day"),
    ),
    Keeper(
        "flow.budget_window",
        "limits that nobody uses any more",
        "leftover_days",
        "mapper",
        _delete("flow.budget_window", "active_until < $1 and pace_next < $1", "active_until"),
    ),
    Keeper(
        "flow.budget_in_progress",
        "calls of processes that have long ended, told while Valkey was away",
        "leftover_days",
        "mapper",
        _delete("flow.budget_in_progress", "until < $1", "until"),
    ),
    Keeper(
        "flow.remap",
        "jobs of versions that a newer one replaced",
        "journal_days",
        "mapper",
        _delete(
            "flow.remap",
            "started_at < $1 and exists (select from core.leg l where (l.sync, l.name) = (flow.remap.sync, flow.remap.leg) "
            "and l.mapping_version > flow.remap.mapping_version)",
            "started_at",
        ),
    ),
    Keeper(
        "flow.run_record",
        "the records of old runs; as long as the journal, which tells what happened to each",
        "journal_days",
        "mapper",
        _delete_by(
            "flow.run_record",
            "select l.ctid from flow.run r join flow.run_record l on l.run = r.id where r.started_at < $1 order by r.started_at, r.id",
        ),
    ),
    Keeper(
        "flow.run",
        "old runs with their counts, once their records are gone",
        "journal_days",
        "mapper",
        # Each of the few old runs is asked for one record; a join would read the records of all runs.
        """
with gone as (
    delete from flow.run where ctid = any(array(
        select r.ctid from flow.run r
         where r.started_at < $1 and (select l.run from flow.run_record l where l.run = r.id limit 1) is null
         order by r.started_at, r.id limit $2)) returning id
), counts as (
    delete from flow.run_count c using gone where c.run = gone.id
), sources as (
    delete from flow.run_source s using gone where s.run = gone.id
)
select count(*) from gone
""",
    ),
    Keeper(
        "core.notification",
        "those whose reason is gone, and read ones that have none",
        "notification_days",
        "console",
        _delete(
            "core.notification",
            "coalesce(resolved_at, read_at) < $1 and (resolved_at is not null or kind not like 'gate.%')",
            "coalesce(resolved_at, read_at)",
        ),
    ),
    Keeper(
        "core.idempotency",
        "answers to requests that nobody will repeat any more",
        "answer_days",
        "console",
        _delete("core.idempotency", "made_at < $1", "made_at"),
    ),
    Keeper("vault.access_log", "who read which credential", "audit_days", "token-broker"),
    Keeper("vault.token_call", "tokens that vendors were asked for", "audit_days", "token-broker"),
)

# Version rows, ownership, what is known of targets and what is open are not the keepers' (R2, R4, R7, R9).
FOR_EVER: Mapping[str, str] = {
    "core.config_rev": "one row",
    "core.connection": "history and links name it; one row for each connection that ever was",
    "core.connecting": "one row for each connection",
    "core.sync": "history names it",
    "core.leg": "history names it; one row for each leg of a sync",
    "core.summary": "one row a day: what finance was told stays as it was told",
    "core.summary_setting": "one row",
    "core.destination": "one row for each address that things are told to",
    "core.mapping_version": "a journal row names the version that decided it",
    "flow.applied_migration": "one row for each migration",
    "flow.group_offset": "one row for each partition of a group",
    "flow.offset_era": "one row",
    "flow.poll": "one row for each source that was ever read",
    "flow.reconciliation": "one row for each leg whose two sides are compared",
    "flow.upkeep": "one row for each table that has a keeper",
    "flow.work_count": "at most 128 rows for each sync",
    "flow.feed_row": "what a record tells of another, until it is gone at its source",
    "flow.record_state": "R7: the version by which an old event is known as old",
    "flow.wanted": "R9: the revision that orders everything downstream",
    "flow.work_item": "R7: the revision by which an old command is known as old",
    "flow.target_owner": "the past of a record and of a key: what was so there once bounds what comes later",
    "flow.target_record": "what its vendor remembers of it outlives every ownership",
    "flow.place_lesson": "at most one row for each lesson of a place",
    "flow.pair": "R22: a link outlives its records, its sync and its connections",
    "flow.match_fill": "one row for each source that a leg's rules go through",
    "flow.match_ready": "one row for each leg whose records are matched",
    "flow.pair_question": "at most one row for each field of a pair",
    "flow.merged_record": "one row for each record that was merged into another",
    "flow.deal_choice": "at most one row for each invoice",
}

WITH_ITS_SUBJECT: Mapping[str, str] = {
    "core.gate": "until its reason is gone",
    "core.delivery": "until its notification or its destination is gone",
    "flow.channel": "until no sync wants to hear of its connection",
    "flow.channel_subject": "until no sync wants to hear of it",
    "flow.app_heard": "until its connection is removed and another one is heard of",
    "flow.run_source": "until its run is gone",
    "flow.run_count": "until its run is gone; at most 128 rows for each outcome and reason",
    "flow.feeding": "while a mapping names facts that are made of these records",
    "flow.feed_met": "until all whom a listing told of have arrived",
    "flow.fact_due": "until nothing changes by the calendar alone",
    "flow.poll_missing": "until a person has answered, or the next complete listing has ended",
    "flow.poll_seen": "until the reading under way has ended",
    "flow.reconcile_difference": "until the next reconciliation of its leg begins",
    "flow.reconcile_met": "until the listing under way has ended",
    "flow.match_value": "until its record is gone, or left out by its leg",
    "flow.match_again": "until its record is judged once more",
    "flow.activity_due": "until its customer is judged once more",
    "flow.deal_due": "until it is decided for which deals its invoices are",
    "flow.target_lease": "until its work item is through",
    "flow.recheck": "until the record is planned once more",
    "flow.work_need": "until the record that is waited for is linked",
    "flow.target_event": "until the write that was in flight when it came is over",
    "flow.vendor_probe": "until the vendor answers again",
}
