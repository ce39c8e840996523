"""The failure table of Zoho CRM (sheet, section 2): status and code to what becomes of the call.

A success has a document, or none at all (204: nothing there, 304: nothing newer). Answers to writes carry a verdict for each row inside
their `data` or `watch`; a request of one row that is refused is told there, too, so the first of them speaks where nothing else does. Of
several rows each speaks for itself, also where all of them are refused: whoever has sent them judges them (`of_row`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from common.codes import Code, register
from common.failures import Failure, FailureClass
from common.http import door_codes
from common.http.failure_table import ANY, FailureTable, Row, Said
from vendors.zoho_crm.limits import CONCURRENCY, DAY

ZC_UNAUTHORISED = Code(
    "ZC_UNAUTHORISED",
    "Zoho CRM does not accept this token: it is dead, or belongs to another data centre.",
    "Nothing at first: a new token is tried once. If it stays, reconnect the account.",
    "owner",
    True,
)
ZC_SCOPE_MISSING = Code(
    "ZC_SCOPE_MISSING",
    "The grant does not cover this call of Zoho CRM.",
    "Reconnect the account and accept everything that is listed.",
    "owner",
    True,
)
ZC_NO_ACCESS = Code(
    "ZC_NO_ACCESS",
    "The user who connected Zoho CRM may not do this: the profile forbids it.",
    "Give the user's profile the permission that the vendor names, or reconnect with one who has it.",
    "owner",
    True,
)
ZC_NO_MODULE = Code(
    "ZC_NO_MODULE",
    "This account of Zoho CRM has no such module or feature: its edition is too small, or somebody has hidden it.",
    "Change the edition back, or reconnect the account and apply the sync again, which leaves out what it has not; invoices, quotes, orders, "
    "products and vendors come with Professional.",
    "owner",
    True,
)
ZC_NOT_FOUND = Code(
    "ZC_NOT_FOUND",
    "The record does not exist in Zoho CRM, or no longer.",
    "Look it up in Zoho CRM; it may have been deleted or merged.",
    "owner",
    True,
)
ZC_INVALID_VALUE = Code(
    "ZC_INVALID_VALUE",
    "Zoho CRM refused a value; its words name the field.",
    "Correct the record or the mapping, then retry.",
    "owner",
    True,
)
ZC_DUPLICATE = Code(
    "ZC_DUPLICATE",
    "Another record of Zoho CRM has this value already, and it must be unique.",
    "Link the two records, or change one of the values; then retry.",
    "owner",
    True,
)
ZC_RECORD_HELD = Code(
    "ZC_RECORD_HELD",
    "The record is locked, or waits for an approval or a review in Zoho CRM.",
    "Unlock or approve it in Zoho CRM: it is tried again, later each time; after twelve times it waits for a retry.",
    "owner",
    True,
)
ZC_CHANGED_MEANWHILE = Code(
    "ZC_CHANGED_MEANWHILE",
    "Somebody has changed the record in Zoho CRM since it was read.",
    "Nothing: it is read again.",
    "nobody",
    True,
)
ZC_TOO_MANY = Code(
    "ZC_TOO_MANY",
    "Zoho CRM takes no calls of this account for now: too many at once, or too many credits; it does not say which.",
    "Nothing: calls pause, longer each time. If it repeats, another application uses the credits: raise the reserve.",
    "nobody",
    True,
)
ZC_CREDITS_GONE = Code(
    "ZC_CREDITS_GONE",
    "The credits of the last 24 hours of this Zoho CRM account are used up.",
    "Nothing: it goes on as they come back. More licences or a larger edition have more credits.",
    "owner",
    True,
)
ZC_LIST_BEYOND = Code(
    "ZC_LIST_BEYOND",
    "A list of Zoho CRM can be read no further this way: its page has expired, or lies beyond what the vendor shows.",
    "Nothing: it is read again from where it is certain.",
    "nobody",
    True,
)
ZC_LIST_TOO_LONG = Code(
    "ZC_LIST_TOO_LONG",
    "The module has more than 100,000 records: Zoho CRM's lists show no more of them.",
    "Report it: such a module has to be read by a file, which this version does not do. Nothing that was read is lost.",
    "developer",
    True,
)
ZC_ANSWER_ODD = Code(
    "ZC_ANSWER_ODD",
    "A callback or an answer of Zoho CRM is not of the form that its documentation describes.",
    "Look at the original bytes with `millrace dead-letter show`; the next read of the record brings its state.",
    "developer",
    True,
)
ZC_NOT_WATCHED = Code(
    "ZC_NOT_WATCHED",
    "Zoho CRM knows no such notification channel any more.",
    "Nothing: the next audit makes it anew.",
    "nobody",
    True,
)
ZC_CHANNEL_REFUSED = Code(
    "ZC_CHANNEL_REFUSED",
    "Zoho CRM does not take a notification channel to our address; its words say why.",
    "The public address has to be https and no longer than 255 letters with everything behind it: set MILLRACE_PUBLIC_URL.",
    "operator",
    True,
)
ZC_CHANNEL_ENDS = Code(
    "ZC_CHANNEL_ENDS",
    "A notification channel of Zoho CRM ends within 25 hours, and could not be renewed for as long as was asked.",
    "Look at why with `millrace status`; records are polled whatever becomes of it.",
    "operator",
    True,
)
ZC_NO_CHANNELS = Code(
    "ZC_NO_CHANNELS",
    "This account of Zoho CRM has no notification channels: its edition is too small.",
    "Nothing: what has changed is asked for every few minutes, or as often as the sync says.",
    "nobody",
    True,
)
ZC_CALL_WRONG = Code(
    "ZC_CALL_WRONG",
    "Zoho CRM does not know this call: its path, method or form is wrong.",
    "Report it with the trace id.",
    "developer",
    False,
)
ZC_FAULT = Code(
    "ZC_FAULT",
    "Zoho CRM failed by its own word.",
    "Nothing: it is tried again.",
    "vendor",
    True,
)
register(
    ZC_UNAUTHORISED, ZC_SCOPE_MISSING, ZC_NO_ACCESS, ZC_NO_MODULE, ZC_NOT_FOUND, ZC_INVALID_VALUE, ZC_DUPLICATE,
    ZC_RECORD_HELD, ZC_CHANGED_MEANWHILE, ZC_TOO_MANY, ZC_CREDITS_GONE, ZC_LIST_BEYOND, ZC_LIST_TOO_LONG, ZC_ANSWER_ODD,
    ZC_NOT_WATCHED, ZC_CHANNEL_REFUSED, ZC_CHANNEL_ENDS, ZC_NO_CHANNELS, ZC_CALL_WRONG, ZC_FAULT,
)  # fmt: skip
_AUTH, _REJECTED, _BUG = FailureClass.UNAUTHORISED, FailureClass.REJECTED, FailureClass.BUG
_RATE, _UNKNOWN = FailureClass.RATE_LIMITED, FailureClass.UNKNOWN
_TRANSIENT, _CONFLICT = FailureClass.TRANSIENT, FailureClass.CONFLICT
# What the table calls a 429 that says, by its header, that no credits are left, and an id that is of no record.
NO_CREDITS, NO_RECORD = "TOO_MANY_REQUESTS of credits", "INVALID_DATA of an id"
# And a page's token that is none any more.
NO_PAGE = "PATTERN_NOT_MATCHED of a page"
_OWN_ID = re.compile(r"\$\.data(\[\d+\])?\.id")
CREDITS_LEFT = "x-api-credits-remaining"
# Statuses under which a verdict on each row may stand, all of them refused.
_OF_ROWS = frozenset({400, 412})
_PAUSE = timedelta(seconds=5)
_DOWN = timedelta(minutes=10)

TABLE = FailureTable(
    (
        Row(401, "OAUTH_SCOPE_MISMATCH", _REJECTED, ZC_SCOPE_MISSING),
        Row(401, ANY, _AUTH, ZC_UNAUTHORISED),
        # The validity page names this one, with no status.
        Row(0, "INVALID_OAUTHTOKEN", _AUTH, ZC_UNAUTHORISED),
        Row(429, NO_CREDITS, _RATE, ZC_CREDITS_GONE, pause=_DOWN, scope=DAY),
        Row(429, ANY, _RATE, ZC_TOO_MANY, pause=_PAUSE, scope=CONCURRENCY),
        Row(0, "NO_PERMISSION", _REJECTED, ZC_NO_ACCESS),
        Row(0, "AUTHORIZATION_FAILED", _REJECTED, ZC_NO_ACCESS),
        Row(0, "INVALID_MODULE", _REJECTED, ZC_NO_MODULE, about="leg"),
        Row(0, "NOT_SUPPORTED", _REJECTED, ZC_NO_MODULE, about="leg"),
        Row(0, NO_RECORD, _REJECTED, ZC_NOT_FOUND),
        *(
            Row(0, code, _REJECTED, ZC_INVALID_VALUE)
            for code in (
                "INVALID_DATA", "MANDATORY_NOT_FOUND", "MULTIPLE_OR_MULTI_ERRORS", "DEPENDENT_FIELD_MISSING",
                "DEPENDENT_MISMATCH", "AMBIGUITY_DURING_PROCESSING", "EXPECTED_FIELD_MISSING",
            )
        ),
        Row(0, "DUPLICATE_DATA", _REJECTED, ZC_DUPLICATE),
        # By the schedule: a person unlocks it, or approves it.
        *(Row(0, code, _TRANSIENT, ZC_RECORD_HELD) for code in ("RECORD_LOCKED", "NOT_APPROVED", "NOT_REVIEWED")),
        Row(0, "ALREADY_MODIFIED", _CONFLICT, ZC_CHANGED_MEANWHILE),
        *(
            Row(0, code, _REJECTED, ZC_LIST_BEYOND)
            for code in (
                "EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", NO_PAGE, "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
            )
        ),
        Row(0, "PAGINATION_LIMIT_EXCEEDED", _REJECTED, ZC_LIST_TOO_LONG),
        Row(0, "NOT_SUBSCRIBED", _REJECTED, ZC_NOT_WATCHED),
        *(
            Row(0, code, _BUG, ZC_CALL_WRONG)
            for code in (
                "REQUIRED_PARAM_MISSING", "PATTERN_NOT_MATCHED", "LIMIT_EXCEEDED", "INVALID_REQUEST_METHOD",
                "INVALID_URL_PATTERN", "UNABLE_TO_PARSE_DATA_TYPE", "SYNTAX_ERROR",
                "INVALID_QUERY",
            )
        ),
        Row(412, ANY, _CONFLICT, ZC_CHANGED_MEANWHILE),
        Row(0, "INTERNAL_ERROR", _UNKNOWN, ZC_FAULT, complete=True),
        # Without the vendor's envelope it may be a proxy that speaks, and the work may go on behind it.
        Row(500, "", _UNKNOWN, door_codes.VENDOR_FAULT),
        Row(500, ANY, _UNKNOWN, ZC_FAULT, complete=True),
        Row(403, ANY, _REJECTED, ZC_NO_ACCESS),
        Row(404, "", _BUG, ZC_CALL_WRONG),
        Row(200, "", _UNKNOWN, door_codes.VENDOR_ANSWER_UNREADABLE),
        Row(200, ANY, _REJECTED, door_codes.VENDOR_REFUSED),
        Row(400, ANY, _REJECTED, door_codes.VENDOR_REFUSED),
    )
)  # fmt: skip


def translate(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
    """The failure that an answer means: only a 2xx with a document that is no refusal, or without one, is a success."""
    if status in (204, 304):
        return None
    found = _object(body)
    if 200 <= status < 300 and found is not None and found.get("status") != "error":
        return None
    if status in _OF_ROWS and found is not None and _has_several(found):
        return None
    return TABLE.failure(status, _said(status, headers, found or {}), headers, now)


def of_row(status: int, row: Mapping[str, Any], now: datetime) -> Failure:
    """What the verdict on one row of a write means; the status is that of the whole answer."""
    said = _said(status if status in _OF_ROWS else 400, {}, row)
    return TABLE.failure(status if status in _OF_ROWS else 400, said, {}, now)


def _has_several(found: Mapping[str, Any]) -> bool:
    rows = found.get("data", found.get("fields"))
    return isinstance(rows, list) and len(rows) > 1 and all(isinstance(row, dict) and row.get("status") for row in rows)


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _said(status: int, headers: Mapping[str, str], found: Mapping[str, Any]) -> Said:
    told = found if "code" in found else _first_row(found)
    code, details = told.get("code"), told.get("details")
    about: Mapping[str, Any] = details if isinstance(details, dict) else {}
    if status == 429 and headers.get(CREDITS_LEFT) == "0":
        code = NO_CREDITS
    elif code == "INVALID_DATA" and (about.get("resource_path_index") == 1 or _is_own_id(about)):
        # The part of the path, or of the row, that is wrong is the id.
        code = NO_RECORD
    elif code == "PATTERN_NOT_MATCHED" and about.get("param_name") == "page_token":
        code = NO_PAGE
    return Said(code if isinstance(code, str) else "", _words(told, about))


def _is_own_id(about: Mapping[str, Any]) -> bool:
    """Of the row itself, and not of a record that one of its lookups leads to."""
    return about.get("api_name") == "id" and _OWN_ID.fullmatch(str(about.get("json_path"))) is not None


def _first_row(found: Mapping[str, Any]) -> Mapping[str, Any]:
    rows: list[Any] = next(
        (found[name] for name in ("data", "watch", "fields") if isinstance(found.get(name), list)), []
    )
    return next((row for row in rows if isinstance(row, dict) and row.get("status") == "error"), {})


def _words(told: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """With the field, the permission or the parameter that is meant: none of them is a value of a record."""
    message = told.get("message")
    named = [str(about[name]) for name in ("api_name", "param_name", "permissions") if about.get(name)]
    return " ".join([*([message] if isinstance(message, str) else []), *(f"({one})" for one in named)])
