"""Notes that hang on a customer: made by one call each, and found by the customer and our mark in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from common.failures import Failure, Unknown
from common.http.call import Api, Call
from common.http.door_codes import VENDOR_ANSWER_UNREADABLE
from vendors.acts import Answered, Done, Sending, Verdict
from vendors.answers import reading
from vendors.block import ours
from vendors.quickbooks import queries, wire
from vendors.target_record import TargetRecord

_KEY = "note:"


def key_of(customer: str, mark: str) -> str:
    return f"{_KEY}{customer}/{mark}"


async def hang(key: str, note: str, api: Api, sending: Sending) -> Answered:
    """The same key is the same request."""
    customer, _ = _parts(key)
    body = {
        "Note": note, "AttachableRef": [{"EntityRef": {"type": "Customer", "value": customer}, "IncludeOnSend": False}],
    }  # fmt: skip
    call = Call(
        "POST", "/attachable", "activity.note", query={"requestid": hashlib.sha256(key.encode()).hexdigest()[:40]}, json=body, writes=True,
        priority=sending.priority, before_send=sending.before_send,
    )  # fmt: skip
    answer = await api.call(call)
    try:
        made = wire.body_of(answer.body)["Attachable"]
        verdict: Verdict = Done({"text": str(made["Note"])}, id=str(made["Id"]), stamp=wire.stamp(made))
    except (LookupError, TypeError, ValueError, AttributeError):
        verdict = Unknown(
            VENDOR_ANSWER_UNREADABLE.name, VENDOR_ANSWER_UNREADABLE.meaning, vendor_status=answer.status, vendor_request_id=answer.request_id
        )  # fmt: skip
    return Answered([verdict], answer)


async def look(keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
    """A query a customer, whatever is asked of it; a query may be behind, so what it does not show is repeated by its request id."""
    found: dict[str, TargetRecord | Failure] = {}
    for customer in dict.fromkeys(_parts(key)[0] for key in keys):
        its = [key for key in keys if _parts(key)[0] == customer]
        try:
            there = await _notes(customer, api)
            found |= {key: _shown(there.get(_parts(key)[1])) for key in its}
        except Failure as failure:
            found |= dict.fromkeys(its, failure)
    return found


async def _notes(customer: str, api: Api) -> Mapping[str, Mapping[str, Any]]:
    """By our marks; of several the first."""
    found: dict[str, Mapping[str, Any]] = {}
    start = 1
    while True:
        answer = await api.call(queries.notes(customer, start))
        with reading(answer):
            rows = list(wire.body_of(answer.body)["QueryResponse"].get("Attachable", []))
            for row in rows:
                for mark in ours(str(row.get("Note") or "")):
                    found.setdefault(mark, row)
        if len(rows) < queries.PER_PAGE:
            return found
        start += len(rows)


def _shown(row: Mapping[str, Any] | None) -> TargetRecord:
    if row is None:
        return TargetRecord(exists=False)
    return TargetRecord(
        exists=True, met=True, id=str(row["Id"]), seen={"text": str(row["Note"])}, stamp=wire.stamp(row)
    )


def _parts(key: str) -> tuple[str, str]:
    customer, _, mark = key.removeprefix(_KEY).partition("/")
    return customer, mark
