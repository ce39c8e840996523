"""The failure table of Mailchimp (sheet, section 2): status and title to what becomes of the record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from common.codes import Code, register
from common.failures import Failure, FailureClass, Unknown
from common.http.door_codes import VENDOR_ANSWER_UNREADABLE
from common.http.failure_table import ANY, FailureTable, Row, Said
from common.http.words import kept_words
from vendors.mailchimp.limits import CONCURRENCY

MC_KEY_INVALID = Code(
    "MC_KEY_INVALID",
    "Mailchimp no longer accepts this connection: the key was deleted or the person disconnected us.",
    "Reconnect; everything that waits goes on afterwards.",
    "owner",
    True,
)
MC_FORBIDDEN = Code(
    "MC_FORBIDDEN",
    "Mailchimp forbids this to the connected user: a role, the plan, or the account is disabled.",
    "Look at the account in Mailchimp, or reconnect with a user who may do this.",
    "owner",
    True,
)
MC_ACCOUNT_REFUSED = Code(
    "MC_ACCOUNT_REFUSED",
    "Mailchimp refuses the whole account: the user or the account is disabled, or the plan has ended.",
    "Put the account in order in Mailchimp, then `millrace connection resume NAME`; everything waits until then.",
    "owner",
    True,
)
MC_THROTTLED = Code(
    "MC_THROTTLED",
    "Mailchimp was working on too many calls of this login at once.",
    "Nothing: it goes on in seconds. If it repeats, another tool uses the same login.",
    "nobody",
    True,
)
MC_COMPLIANCE_STATE = Code(
    "MC_COMPLIANCE_STATE",
    "The contact withdrew consent, bounced or is under review; Mailchimp does not let anybody subscribe it.",
    "Nothing: only the contact can subscribe again.",
    "nobody",
    False,
)
MC_FORGOTTEN = Code(
    "MC_FORGOTTEN",
    "The contact was permanently deleted and can never be imported again.",
    "Nothing: only the contact can subscribe again.",
    "nobody",
    False,
)
MC_MEMBER_EXISTS = Code(
    "MC_MEMBER_EXISTS",
    "The address is already in the audience.",
    "Nothing: the member is read and updated instead.",
    "nobody",
    True,
)
MC_TOO_MANY_SIGNUPS = Code(
    "MC_TOO_MANY_SIGNUPS",
    "Mailchimp lets this address into no more audiences for now.",
    "Nothing: it is tried again, for days if need be.",
    "nobody",
    True,
)
MC_ADDRESS_REFUSED = Code(
    "MC_ADDRESS_REFUSED",
    "Mailchimp takes the address for invented or mistyped.",
    "Correct the address in the source system.",
    "owner",
    True,
)
MC_INVALID = Code(
    "MC_INVALID",
    "Mailchimp refused a value of the record; its words name the field.",
    "Correct the record or the mapping, then retry.",
    "owner",
    True,
)
MC_NOT_FOUND = Code(
    "MC_NOT_FOUND",
    "The audience or the member does not exist in Mailchimp.",
    "Check that the audience of the sync still exists.",
    "owner",
    True,
)
MC_CALL_WRONG = Code(
    "MC_CALL_WRONG",
    "Mailchimp does not accept the form of this call.",
    "Report it with the trace id.",
    "developer",
    False,
)
MC_FAULT = Code(
    "MC_FAULT",
    "Mailchimp failed by its own word.",
    "Nothing: it is tried again; after a write the record is looked at first.",
    "vendor",
    True,
)
MC_WEBHOOK_UNREADABLE = Code(
    "MC_WEBHOOK_UNREADABLE",
    "A webhook of Mailchimp is not an event of an audience.",
    "Look at the bytes with `millrace dead-letter show`; check what else posts to the webhook's address.",
    "developer",
    True,
)
MC_AUDIENCE_GONE = Code(
    "MC_AUDIENCE_GONE",
    "The audience of the sync does not exist in Mailchimp any more.",
    "Apply a sync of another name to an audience that exists with `millrace sync apply`, and disable this one; or bring the audience back"
    " and `millrace connection resume NAME`. Other audiences go on.",
    "owner",
    True,
)
MC_FIELD_REFUSED = Code(
    "MC_FIELD_REFUSED",
    "A merge field cannot be made as it was asked for.",
    "Choose a tag of at most ten letters, digits or underscores that the audience does not have yet.",
    "owner",
    True,
)

MC_NOT_TOLD = Code(
    "MC_NOT_TOLD",
    "Mailchimp has ended its operations and tells nothing of this one.",
    "Nothing: the member is looked at, and the change is made again where it is not there.",
    "nobody",
    True,
)

register(
    MC_NOT_TOLD,
    MC_WEBHOOK_UNREADABLE,
    MC_AUDIENCE_GONE,
    MC_FIELD_REFUSED,
    MC_KEY_INVALID,
    MC_FORBIDDEN,
    MC_ACCOUNT_REFUSED,
    MC_THROTTLED,
    MC_COMPLIANCE_STATE,
    MC_FORGOTTEN,
    MC_MEMBER_EXISTS,
    MC_TOO_MANY_SIGNUPS,
    MC_ADDRESS_REFUSED,
    MC_INVALID,
    MC_NOT_FOUND,
    MC_CALL_WRONG,
    MC_FAULT,
)

_PAUSE = timedelta(seconds=2)
_RATE, _REJECTED, _BUG, _AUTH = (
    FailureClass.RATE_LIMITED,
    FailureClass.REJECTED,
    FailureClass.BUG,
    FailureClass.UNAUTHORISED,
)

TABLE = FailureTable(
    (
        Row(429, ANY, _RATE, MC_THROTTLED, pause=_PAUSE, scope=CONCURRENCY),
        # At very high volume a 403 without a body means the same as a 429; with a body it means what it says.
        Row(403, "", _RATE, MC_THROTTLED, pause=_PAUSE, scope=CONCURRENCY),
        Row(401, ANY, _AUTH, MC_KEY_INVALID),
        # No other token helps against these two, so nobody asks for one.
        Row(403, "User Disabled", _REJECTED, MC_ACCOUNT_REFUSED, about="account"),
        Row(403, "Account Disabled", _REJECTED, MC_ACCOUNT_REFUSED, about="account"),
        Row(403, ANY, _AUTH, MC_FORBIDDEN, about="account"),
        Row(400, "Member In Compliance State", _REJECTED, MC_COMPLIANCE_STATE),
        Row(400, "Forgotten Email Not Subscribed", _REJECTED, MC_FORGOTTEN),
        Row(400, "Member Exists", FailureClass.CONFLICT, MC_MEMBER_EXISTS),
        Row(400, "Invalid Resource", FailureClass.TRANSIENT, MC_TOO_MANY_SIGNUPS, words="not allowing more signups"),
        Row(400, "Invalid Resource", _REJECTED, MC_ADDRESS_REFUSED, words="looks fake or invalid"),
        Row(400, "Invalid Resource", _REJECTED, MC_INVALID),
        Row(400, "JSON Parse Exception", _BUG, MC_CALL_WRONG),
        Row(400, "Bad Request", _BUG, MC_CALL_WRONG),
        Row(400, "Invalid Action", _BUG, MC_CALL_WRONG),
        Row(400, ANY, _REJECTED, MC_INVALID),
        Row(404, ANY, _REJECTED, MC_NOT_FOUND),
        Row(405, ANY, _BUG, MC_CALL_WRONG),
        Row(414, ANY, _BUG, MC_CALL_WRONG),
        Row(422, ANY, _BUG, MC_CALL_WRONG),
        Row(426, ANY, _BUG, MC_CALL_WRONG),
        Row(500, "", FailureClass.UNKNOWN, MC_FAULT),
        Row(500, ANY, FailureClass.UNKNOWN, MC_FAULT, complete=True),
        # The vendor's delivery network closes slow calls with a page of HTML: the call itself may go on for two minutes.
        Row(502, ANY, FailureClass.UNKNOWN, MC_FAULT),
        Row(503, ANY, FailureClass.UNKNOWN, MC_FAULT),
    )
)


def translate(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
    """The failure that an answer means: a 2xx with JSON, or a 204 with nothing, is a success."""
    if status == 204 or (200 <= status < 300 and body[:1] in (b"{", b"[")):
        return None
    if 200 <= status < 300:
        return TABLE.failure(status, Said("", first_words(body)), headers, now)
    return TABLE.failure(status, _said(body), headers, now)


def first_words(body: bytes) -> str:
    """The beginning of an answer that is none of the API's, for the person who has to find out whose it is."""
    return " ".join(re.sub(rb"<[^>]*>", b" ", body[:2000]).decode(errors="replace").split())[:200]


def unreadable(body: bytes) -> Failure:
    """A whole answer, and not one that we can read: what it did, nobody knows."""
    return Unknown(
        VENDOR_ANSWER_UNREADABLE.name, VENDOR_ANSWER_UNREADABLE.meaning, vendor_words=kept_words(first_words(body)), complete=True
    )  # fmt: skip


def _said(body: bytes) -> Said:
    try:
        problem: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Said("")
    if not isinstance(problem, dict) or not isinstance(problem.get("title"), str):
        return Said("")
    errors = problem.get("errors")
    fields = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    words = [str(problem.get("detail", "")), *(f"{e.get('field', '')}: {e.get('message', '')}" for e in fields)]
    return Said(problem["title"], " | ".join(words), str(problem.get("instance", "")))
