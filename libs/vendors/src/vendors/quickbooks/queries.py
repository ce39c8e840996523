"""What is asked for: a page of all customers, some by their ids, what has changed, and notes.

Inactive ones are only told to whoever asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.http.call import Call

PER_PAGE = 1000
MOST_IDS = 30
MOST_CHANGES = 1000
_ALL = "SELECT * FROM Customer WHERE Active IN (true, false)"


def listed(start: int) -> Call:
    """A page in the order of ids, in which edits move nobody."""
    return _asked(f"{_ALL} ORDERBY Id STARTPOSITION {start} MAXRESULTS {PER_PAGE}", "customers.list")


def some(ids: Sequence[str]) -> Call:
    """Those of these that are there; ids are digits (`wire.record_id`)."""
    named = ", ".join(f"'{one}'" for one in ids)
    return _asked(f"{_ALL} AND Id IN ({named}) MAXRESULTS {MOST_IDS}", "customers.some")


def one(record: str) -> Call:
    """By id, which shows what is so now."""
    return Call("GET", "/customer/{id}", "customers.read", path={"id": record})


def notes(customer: str, start: int) -> Call:
    """The notes that hang on a customer; its id is digits."""
    of = f"AttachableRef.EntityRef.Type = 'Customer' AND AttachableRef.EntityRef.Value = '{customer}'"
    page = f"ORDERBY Id STARTPOSITION {start} MAXRESULTS {PER_PAGE}"
    return _asked(f"SELECT * FROM Attachable WHERE {of} {page}", "activity.find")  # noqa: S608 - digits


def changed(since: datetime) -> Call:
    """Everything that has changed since a moment, whole, and who is gone."""
    query = {"entities": "Customer", "changedSince": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Call("GET", "/cdc", "customers.changes", query=query)


def _asked(statement: str, operation: str) -> Call:
    return Call("GET", "/query", operation, query={"query": statement})
