"""The calls by which notes are written and read: thirty customers a batch with a verdict on each, and one by id.

An answer to a batch is 200 whatever became of its items, and its order says nothing: each is known by the number that it was sent with. The vendor
repeats an answer that it has given to a request id, faults inside of it included; so the id is made of what is sent, versions included, and of
the name of the attempt: what is tried again after a fault is asked anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from common.failures import Conflict, Failure, Rejected, Unknown
from common.http.call import Api, Call, VendorAnswer
from common.http.door_codes import VENDOR_ANSWER_UNREADABLE
from vendors.acts import Act, Answered, Done, Sending, Verdict, id_of_key
from vendors.answers import reading, unreadable
from vendors.quickbooks import queries, wire
from vendors.quickbooks.client import BATCH
from vendors.quickbooks.errors import QB_NOT_FOUND, fault_in
from vendors.quickbooks.note_knowing import ACTIVE, NOTES, TOKEN
from vendors.target_record import TargetRecord

ROWS = 30


async def write(acts: Sequence[Act], api: Api, sending: Sending) -> Answered:
    """Nothing is sent of a customer but who it is, the version, and its notes."""
    items = [
        {"bId": str(number), "operation": "update", "Customer": _sparse(act)} for number, act in enumerate(acts, start=1)
    ]  # fmt: skip
    call = Call(
        "POST", BATCH, "notes.write", query={"requestid": request_id(items, sending)}, json={"BatchItemRequest": items}, writes=True,
        priority=sending.priority, before_send=sending.before_send,
    )  # fmt: skip
    answer = await api.call(call)
    told = _by_number(answer)
    return Answered([_verdict(act, told.get(str(n)), answer) for n, act in enumerate(acts, start=1)], answer)


def request_id(items: Sequence[Mapping[str, Any]], sending: Sending) -> str:
    """36 letters at most, of which the vendor takes no more."""
    sent = hashlib.sha256(orjson.dumps(items, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
    return f"{sent}-{sending.attempt[:11]}" if sending.attempt else sent


async def read(key: str, api: Api) -> TargetRecord | Failure:
    """One customer as it is now; a failure of it keeps no other from being looked at, unless it is about more than that."""
    id = id_of_key(key)
    try:
        answer = await api.call(queries.one(id))
    except Rejected as refused:
        if refused.code != QB_NOT_FOUND.name:
            raise
        return TargetRecord(exists=False)
    with reading(answer):
        found = wire.body_of(answer.body)["Customer"]
        if wire.record_id(found.get("Id")) != id:
            raise LookupError("This is another record.")
        return TargetRecord(exists=True, met=True, id=id, seen=_seen(found, answer), stamp=wire.stamp(found))


def _sparse(act: Act) -> dict[str, Any]:
    return {
        "Id": act.memory["id"] or id_of_key(act.key), "SyncToken": str(act.memory[TOKEN]), "sparse": True, "Notes": act.values[NOTES],
    }  # fmt: skip


def _by_number(answer: VendorAnswer) -> Mapping[str, Mapping[str, Any]]:
    """An answer that cannot be read tells nothing: whatever was sent may be so."""
    try:
        listed = wire.body_of(answer.body)["BatchItemResponse"]
        return {str(one["bId"]): one for one in listed}
    except (LookupError, TypeError, ValueError, AttributeError) as odd:
        raise _unreadable(answer) from odd


def _verdict(act: Act, told: Mapping[str, Any] | None, answer: VendorAnswer) -> Verdict:
    """R5: that of one item."""
    if told is None:
        return _unreadable(answer)
    fault = fault_in(told, answer.date)
    if fault is not None and fault.code == QB_NOT_FOUND.name:
        # Gone, or inactive by now: a read tells.
        return Conflict(fault.code, fault.message, vendor_code=fault.vendor_code, vendor_words=fault.vendor_words)
    if fault is not None:
        return fault
    try:
        found = told["Customer"]
        return Done(_seen(found, answer), id=str(found["Id"]), stamp=wire.stamp(found))
    except (Failure, LookupError, TypeError, ValueError, AttributeError):
        return _unreadable(answer)


def _seen(found: Mapping[str, Any], answer: VendorAnswer) -> dict[str, Any]:
    """R26: text and version of one answer."""
    token = wire.count(found)
    if token is None:
        raise unreadable(answer)
    return {NOTES: wire.notes(found) or "", TOKEN: token, ACTIVE: wire.is_active(found)}


def _unreadable(answer: VendorAnswer) -> Unknown:
    return Unknown(
        VENDOR_ANSWER_UNREADABLE.name, VENDOR_ANSWER_UNREADABLE.meaning, vendor_status=answer.status, vendor_request_id=answer.request_id
    )  # fmt: skip
