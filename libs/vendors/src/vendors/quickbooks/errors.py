"""The failure table of QuickBooks (sheet, section 3.5): a fault's code decides, whatever the status says.

Faults come with capital or small keys, now and then inside of a 200, and the text of a call too many under any status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from common.codes import Code, register
from common.failures import Failure, FailureClass
from common.http import door_codes
from common.http.failure_table import ANY, FailureTable, Row, Said
from vendors.quickbooks.limits import MINUTE, PAUSE

QB_TOKEN_REFUSED = Code(
    "QB_TOKEN_REFUSED",
    "QuickBooks does not accept this token: it has expired, or the company has disconnected us.",
    "Nothing at first: a new token is tried once. If it stays, `millrace connection reconnect NAME`.",
    "owner",
    True,
)
QB_NOT_ADMIN = Code(
    "QB_NOT_ADMIN",
    "Whoever connected QuickBooks is no longer an administrator of the company.",
    "Let an administrator of the company connect it again: `millrace connection reconnect NAME`.",
    "owner",
    True,
)
QB_COMPANY_LOST = Code(
    "QB_COMPANY_LOST",
    "QuickBooks no longer lets us into this company: somebody removed the application there.",
    "Connect the company again: `millrace connection reconnect NAME`; everything that waits goes on afterwards.",
    "owner",
    True,
)
QB_COMPANY_ENDED = Code(
    "QB_COMPANY_ENDED",
    "The company's subscription of QuickBooks has ended or was cancelled.",
    "Renew it at Intuit, then `millrace connection resume NAME`: everything that waits goes on.",
    "owner",
    True,
)
QB_THROTTLED = Code(
    "QB_THROTTLED",
    "QuickBooks counted too many calls for this company.",
    "Nothing: calls pause for a minute. If it lasts for hours, look at the application's reads of the month at Intuit.",
    "nobody",
    True,
)
QB_NOT_FOUND = Code(
    "QB_NOT_FOUND",
    "The record is not there in QuickBooks, or no longer.",
    "Look it up in QuickBooks; it may have been merged with another one.",
    "owner",
    True,
)
QB_CHANGED_MEANWHILE = Code(
    "QB_CHANGED_MEANWHILE",
    "The record was changed in QuickBooks since it was read.",
    "Nothing: it is read and written once more.",
    "nobody",
    True,
)
QB_NAME_TAKEN = Code(
    "QB_NAME_TAKEN",
    "A customer, vendor or employee of QuickBooks has this name already, perhaps an inactive one.",
    "Change one of the names, then retry.",
    "owner",
    True,
)
QB_INVALID_VALUE = Code(
    "QB_INVALID_VALUE",
    "QuickBooks refused a value; its words say which.",
    "Correct the record or the mapping, then retry.",
    "owner",
    True,
)
QB_CALL_WRONG = Code(
    "QB_CALL_WRONG",
    "QuickBooks does not know this call, or cannot read the query.",
    "Report it with the trace id.",
    "developer",
    False,
)
QB_WEBHOOK_UNREADABLE = Code(
    "QB_WEBHOOK_UNREADABLE",
    "A webhook of QuickBooks is signed and not readable.",
    "Look at its bytes; the next look at the company reads the record anyway.",
    "developer",
    True,
)
QB_NO_OWN_FIELDS = Code(
    "QB_NO_OWN_FIELDS",
    "Nothing that is written to QuickBooks has fields of a company's own.",
    "Take `new_field` out of the rows of the leg, then apply the sync again.",
    "owner",
    True,
)
QB_NOTE_REFUSED = Code(
    "QB_NOTE_REFUSED",
    "QuickBooks does not take notes that hang on a customer, in this company at least.",
    "Let the activity go into the customers' own notes (`activity.to: notes`), and apply the sync again.",
    "owner",
    True,
)
QB_FAULT = Code(
    "QB_FAULT",
    "QuickBooks failed by its own word.",
    "Nothing: it is tried again. Report it to Intuit with the intuit_tid if it stays.",
    "vendor",
    True,
)
register(
    QB_TOKEN_REFUSED, QB_NOT_ADMIN, QB_COMPANY_LOST, QB_COMPANY_ENDED, QB_THROTTLED, QB_NOT_FOUND, QB_CHANGED_MEANWHILE,
    QB_NAME_TAKEN, QB_INVALID_VALUE, QB_CALL_WRONG, QB_FAULT, QB_WEBHOOK_UNREADABLE, QB_NO_OWN_FIELDS,
    QB_NOTE_REFUSED,
)  # fmt: skip

_REJECTED, _BUG, _DENIED = FailureClass.REJECTED, FailureClass.BUG, FailureClass.UNAUTHORISED
_VALUES = ("2010", "2020", "2040", "2050", "2170", "2210", "2500", "6000")
_THROTTLED = "throttleexceeded"

TABLE = FailureTable(
    (
        Row(0, "3001", FailureClass.RATE_LIMITED, QB_THROTTLED, pause=PAUSE, scope=MINUTE),
        Row(0, ANY, FailureClass.RATE_LIMITED, QB_THROTTLED, words=_THROTTLED, pause=PAUSE, scope=MINUTE),
        Row(429, ANY, FailureClass.RATE_LIMITED, QB_THROTTLED, pause=PAUSE, scope=MINUTE),
        Row(0, "6190", _REJECTED, QB_COMPANY_ENDED, about="account"),
        Row(0, "3100", _REJECTED, QB_COMPANY_LOST, about="account"),
        Row(0, "120", _DENIED, QB_NOT_ADMIN),
        Row(0, "3200", _DENIED, QB_TOKEN_REFUSED),
        Row(401, ANY, _DENIED, QB_TOKEN_REFUSED),
        Row(0, "610", _REJECTED, QB_NOT_FOUND),
        Row(0, "5010", FailureClass.CONFLICT, QB_CHANGED_MEANWHILE),
        Row(0, "6240", _REJECTED, QB_NAME_TAKEN),
        *(Row(0, code, _REJECTED, QB_INVALID_VALUE) for code in _VALUES),
        *(Row(0, code, _BUG, QB_CALL_WRONG) for code in ("500", "4000", "4001")),
        Row(0, "10000", FailureClass.UNKNOWN, QB_FAULT, complete=True),
        # Without the vendor's form it may be a proxy that speaks, and the work may go on behind it.
        Row(200, "", FailureClass.UNKNOWN, door_codes.VENDOR_ANSWER_UNREADABLE),
        Row(200, ANY, _REJECTED, door_codes.VENDOR_REFUSED),
        Row(400, ANY, _REJECTED, door_codes.VENDOR_REFUSED),
    )
)
_IN_WORDS = re.compile(r"errorCode=0*([0-9]{1,6})")


def translate(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
    """The failure that an answer means: a success is a 2xx with an object that has no fault in it."""
    found = _object(body)
    fault = _fault(found)
    if 200 <= status < 300 and found and fault is None:
        return None
    return TABLE.failure(status, _said(fault), headers, now)


def fault_in(item: Mapping[str, Any], now: datetime) -> Failure | None:
    """The failure of one item of a batch, whose answer is a success."""
    fault = _fault(item)
    return None if fault is None else TABLE.failure(200, _said(fault), {}, now)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _fault(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The gateway writes its keys small, what stands behind it does not."""
    fault = found.get("Fault", found.get("fault"))
    if fault is None:
        return None
    return {name.lower(): value for name, value in fault.items()} if isinstance(fault, dict) else {}


def _said(fault: Mapping[str, Any] | None) -> Said:
    listed = fault.get("error") if fault else None
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    one = {name.lower(): value for name, value in first.items()}
    words = ": ".join(text for name in ("message", "detail") if (text := str(one.get(name) or "")))
    named = _IN_WORDS.search(words)
    code = str(one.get("code") or "").lstrip("0") or (named[1] if named else "")
    return Said(code, words)


def said_of(body: bytes) -> Said | None:
    """What a fault in these bytes says; None where there is none."""
    fault = _fault(_object(body))
    return None if fault is None else _said(fault)
