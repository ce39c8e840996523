"""What has changed since a cursor, in one call: customers whole, and who is gone (sheet, section 3.3; decision 79).

The vendor remembers thirty days, tells a thousand at most, does not say which of more it leaves out, and has no way to ask for the end of a
window. So an answer that is full, or that was asked for more than it remembers, is news and no more: everything is listed then, and whoever is
missing there is asked for by id.

A merged customer is told as deleted or as inactive; nobody knows which. Whoever is told to be inactive is therefore read by id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.failures import Rejected
from common.http.call import Api, VendorAnswer
from vendors.answers import reading
from vendors.quickbooks import queries, wire
from vendors.quickbooks.errors import QB_INVALID_VALUE
from vendors.quickbooks.listing import asked, named, newest_of, row_state, rows_of
from vendors.quickbooks.marks import SETTLES_AFTER, reached
from vendors.vendor import Page, State

REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """A look at what has changed; unless it is `everything`, the company has to be listed."""

    page: Page
    everything: bool


async def look(since: datetime, api: Api) -> ChangedSince:
    """One call."""
    try:
        answer = await api.call(queries.changed(since))
    except Rejected as refused:
        if refused.code != QB_INVALID_VALUE.name or _is_remembered(since, refused.vendor_date):
            raise
        return ChangedSince(Page([], None), everything=False)
    with reading(answer):
        rows = rows_of(_of_customers(wire.body_of(answer.body)))
        states = [_state(row, answer) for row in rows if wire.is_customer(row)]
    fresh = [state for state in states if state.kind == "asked" or state.version.stamp > since]
    if len(rows) >= queries.MOST_CHANGES or not _is_remembered(since, answer.date):
        return ChangedSince(Page(fresh, None), everything=False)
    return ChangedSince(Page(fresh, reached(since, newest_of(states), answer.date - SETTLES_AFTER)), everything=True)


def _is_remembered(since: datetime, now: datetime | None) -> bool:
    return now is None or since >= now - REMEMBERED + SETTLES_AFTER


def _of_customers(body: Mapping[str, Any]) -> Any:
    """One element for each kind that was asked for; without changes it is empty."""
    (told,) = body["CDCResponse"]
    (customers,) = told["QueryResponse"]
    return customers


def _state(row: Mapping[str, Any], answer: VendorAnswer) -> State:
    if wire.is_gone(row) or not wire.is_active(row):
        return asked(named(row), answer)
    return row_state(row, answer)
