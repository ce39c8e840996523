"""Reads by id: one alone at once by its address, several in one query of thirty; who is not in that answer, or is behind, by address as well.

A query may be behind a read by id. Whether it is, is seen where a webhook has told when the record was changed: a row that is older than that is
not believed. A project, and whoever is gone, is no customer any more: that is the deletion, as of the answer's own Date (R12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from common.contracts.ids import RecordId
from common.contracts.messages import Version
from common.failures import Bug, Failure, Rejected
from common.http.call import Api, VendorAnswer
from vendors.answers import reading, unreadable
from vendors.one_by_one import one_by_one
from vendors.quickbooks import queries, wire
from vendors.quickbooks.errors import QB_NOT_FOUND
from vendors.quickbooks.listing import CUSTOMER, named, rows_of
from vendors.quickbooks.marks import SETTLES_AFTER as LIST_SETTLES_AFTER
from vendors.vendor import State, Subject

# One second of resolution and one between a write and what a read by id shows.
SETTLES_AFTER = timedelta(seconds=2)
AT_ONCE = 4

Found = Mapping[RecordId, State | Failure]


async def read(subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
    """One answer a subject, in their order."""
    wanted = list(dict.fromkeys(one.record for one in subjects if wire.record_id(one.record)))
    found: dict[RecordId, State | Failure] = {}
    for at in range(0, len(wanted), queries.MOST_IDS) if len(wanted) > 1 else ():
        found |= await _together(wanted[at : at + queries.MOST_IDS], api)
    left = [one for one in dict.fromkeys(subjects) if _is_open(one, found.get(one.record))]
    alone = await one_by_one(left, lambda subject: _alone(subject, api), at_once=AT_ONCE)
    found |= {subject.record: answer for subject, answer in zip(left, alone, strict=True)}
    return [found[subject.record] for subject in subjects]


def _is_open(subject: Subject, found: State | Failure | None) -> bool:
    heard = subject.heard.version.stamp if subject.heard is not None else None
    return found is None or (isinstance(found, State) and heard is not None and found.version.stamp < heard)


async def _together(ids: Sequence[RecordId], api: Api) -> Found:
    """Those that the query shows; where the query itself is refused nobody is to blame, and each is read alone."""
    try:
        answer = await api.call(queries.some(ids))
        with reading(answer):
            rows = rows_of(wire.body_of(answer.body)["QueryResponse"])
            return {record: state for row in rows if (record := named(row)) in ids and (state := _seen(row, answer))}
    except (Rejected, Bug) as refused:
        return {} if refused.about == "call" else dict.fromkeys(ids, refused)
    except Failure as failure:
        return dict.fromkeys(ids, failure)


def _seen(row: Mapping[str, Any], answer: VendorAnswer) -> State | None:
    """None where the row cannot be read: alone it may be, and else it is that record's failure."""
    try:
        return _state(named(row), row, answer, LIST_SETTLES_AFTER)
    except Failure:
        return None


async def _alone(subject: Subject, api: Api) -> State:
    try:
        answer = await api.call(queries.one(subject.record))
    except Rejected as failure:
        if failure.code != QB_NOT_FOUND.name or failure.vendor_date is None:
            raise
        return _gone(subject.record, failure.vendor_date)
    with reading(answer):
        found = wire.body_of(answer.body)["Customer"]
        if named(found) != subject.record:
            raise LookupError("This is another record.")
    return _state(subject.record, found, answer, SETTLES_AFTER)


def _gone(record: RecordId, seen: datetime) -> State:
    return State(CUSTOMER, record, "deleted", Version(stamp=seen, settled=True), "gone", {}, seen)


def _state(record: RecordId, found: Mapping[str, Any], answer: VendorAnswer, settles_after: timedelta) -> State:
    version = wire.version(found, answer.date, settles_after)
    if version is None:
        raise unreadable(answer)
    if not wire.is_customer(found):
        return _gone(record, answer.date)
    try:
        parsed = wire.customer(found)
    except wire.UnreadableBooks as error:
        raise unreadable(answer) from error
    return State(CUSTOMER, record, "changed", version, "detail", parsed, answer.date)
