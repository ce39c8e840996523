"""The failure table of Zoho Books (sheet, sections 2 and 3): status and code to what becomes of the record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from common.codes import Code, register
from common.failures import Failure, FailureClass
from common.http import door_codes
from common.http.failure_table import ANY, FailureTable, Row, Said
from vendors.zoho_books.limits import CONCURRENCY, DAY, MINUTE

ZB_UNAUTHORISED = Code(
    "ZB_UNAUTHORISED",
    "Zoho Books does not accept this token for this call: it is dead, lacks a scope, or belongs to another data centre.",
    "Nothing at first: a new token is tried once. If it stays, reconnect the organisation with all the scopes asked for.",
    "owner",
    True,
)
ZB_NO_ACCESS = Code(
    "ZB_NO_ACCESS",
    "The user who connected Zoho Books may not do this: a role or the plan forbids it.",
    "Give the user the role, or reconnect with one who has it; then retry.",
    "owner",
    True,
)
ZB_WRONG_ORGANISATION = Code(
    "ZB_WRONG_ORGANISATION",
    "The user who connected Zoho Books is not a member of the organisation.",
    "Reconnect and choose an organisation of that user.",
    "owner",
    True,
)
ZB_MINUTE_LIMIT = Code(
    "ZB_MINUTE_LIMIT",
    "Zoho Books counted too many calls in a minute for this organisation.",
    "Nothing: calls pause for a minute or more. If it repeats, another application uses the quota: raise the reserve.",
    "nobody",
    True,
)
ZB_DAY_LIMIT = Code(
    "ZB_DAY_LIMIT",
    "The organisation has used its Zoho Books calls for today.",
    "Nothing: it goes on when the organisation's day changes. A larger plan has a larger day.",
    "owner",
    True,
)
ZB_TOO_MANY_AT_ONCE = Code(
    "ZB_TOO_MANY_AT_ONCE",
    "Zoho Books was working on too many calls of this organisation at once.",
    "Nothing: it goes on in seconds.",
    "nobody",
    True,
)
ZB_NOT_FOUND = Code(
    "ZB_NOT_FOUND",
    "The record does not exist in Zoho Books, or no longer.",
    "Look it up in Zoho Books; it may have been deleted or merged.",
    "owner",
    True,
)
ZB_INVALID_VALUE = Code(
    "ZB_INVALID_VALUE",
    "Zoho Books refused a value of the record; its words name the field.",
    "Correct the record or the mapping, then retry.",
    "owner",
    True,
)
ZB_NAME_TAKEN = Code(
    "ZB_NAME_TAKEN",
    "Another record in Zoho Books has this name or number already, and it must be unique.",
    "Link the two records, or change one of the names; then retry.",
    "owner",
    True,
)
ZB_CALL_WRONG = Code(
    "ZB_CALL_WRONG",
    "Zoho Books does not know this call: its path, method or form is wrong.",
    "Report it with the trace id.",
    "developer",
    False,
)
ZB_FAULT = Code(
    "ZB_FAULT",
    "Zoho Books failed by its own word.",
    "Nothing: it is tried again; after a write the record is looked at first.",
    "vendor",
    True,
)

ZB_WEBHOOK_UNREADABLE = Code(
    "ZB_WEBHOOK_UNREADABLE",
    "A webhook or an answer of Zoho Books is not of the form that its documentation describes.",
    "Look at the original bytes with `millrace dead-letter show`; the next read of the record brings its state.",
    "developer",
    True,
)

register(
    ZB_WEBHOOK_UNREADABLE,
    ZB_UNAUTHORISED,
    ZB_NO_ACCESS,
    ZB_WRONG_ORGANISATION,
    ZB_MINUTE_LIMIT,
    ZB_DAY_LIMIT,
    ZB_TOO_MANY_AT_ONCE,
    ZB_NOT_FOUND,
    ZB_INVALID_VALUE,
    ZB_NAME_TAKEN,
    ZB_CALL_WRONG,
    ZB_FAULT,
)

_RATE = FailureClass.RATE_LIMITED

TABLE = FailureTable(
    (
        # 57 is a dead token, a missing scope and a wrong data centre in one: the door tries one new token and never a second.
        Row(401, "57", FailureClass.UNAUTHORISED, ZB_UNAUTHORISED),
        Row(401, "14", FailureClass.UNAUTHORISED, ZB_UNAUTHORISED),
        Row(401, ANY, FailureClass.UNAUTHORISED, ZB_UNAUTHORISED),
        Row(429, "44", _RATE, ZB_MINUTE_LIMIT, pause=timedelta(seconds=60), scope=MINUTE),
        Row(429, "45", _RATE, ZB_DAY_LIMIT, scope=DAY),
        Row(429, "1070", _RATE, ZB_TOO_MANY_AT_ONCE, pause=timedelta(seconds=5), scope=CONCURRENCY),
        Row(429, ANY, _RATE, ZB_MINUTE_LIMIT, pause=timedelta(seconds=60), scope=MINUTE),
        Row(0, "6018", FailureClass.REJECTED, ZB_NO_ACCESS),
        Row(0, "6041", FailureClass.REJECTED, ZB_WRONG_ORGANISATION),
        Row(0, "1002", FailureClass.REJECTED, ZB_NOT_FOUND),
        Row(0, "1000", FailureClass.UNKNOWN, ZB_FAULT, complete=True),
        # The list gives 1001 to a taken item name; the words tell it from other uses of the number.
        Row(0, "1001", FailureClass.REJECTED, ZB_NAME_TAKEN),
        Row(0, "3062", FailureClass.REJECTED, ZB_NAME_TAKEN),
        Row(0, "2", FailureClass.REJECTED, ZB_INVALID_VALUE),
        Row(0, "4", FailureClass.REJECTED, ZB_INVALID_VALUE),
        Row(0, "5", FailureClass.BUG, ZB_CALL_WRONG),
        Row(0, "37", FailureClass.BUG, ZB_CALL_WRONG),
        Row(0, "1038", FailureClass.BUG, ZB_CALL_WRONG),
        Row(404, ANY, FailureClass.REJECTED, ZB_NOT_FOUND),
        Row(403, ANY, FailureClass.REJECTED, ZB_NO_ACCESS),
        # Without the vendor's envelope it may be a proxy that speaks, and the work may go on behind it.
        Row(500, "", FailureClass.UNKNOWN, door_codes.VENDOR_FAULT),
        Row(500, ANY, FailureClass.UNKNOWN, ZB_FAULT, complete=True),
        Row(200, "", FailureClass.UNKNOWN, door_codes.VENDOR_ANSWER_UNREADABLE),
        # An error in the envelope of a success: it speaks for itself, and no code of this list stands for "done".
        Row(200, ANY, FailureClass.REJECTED, door_codes.VENDOR_REFUSED),
        Row(400, ANY, FailureClass.REJECTED, door_codes.VENDOR_REFUSED),
    )
)


def translate(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
    """The failure that an answer means: only a 2xx with code 0 is a success."""
    said = _said(body)
    if 200 <= status < 300 and said.code == "0":
        return None
    return TABLE.failure(status, said, headers, now)


def _said(body: bytes) -> Said:
    try:
        envelope: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Said("")
    if not isinstance(envelope, dict) or not isinstance(envelope.get("code"), int | str):
        return Said("")
    return Said(str(envelope["code"]), str(envelope.get("message", "")))
