"""The failure table of Shopify (sheet, sections 1.1 and 2): most of what goes wrong comes with HTTP 200 and a code in `errors`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from common.codes import Code, register
from common.failures import Failure, FailureClass, RateLimited
from common.http.failure_table import ANY, FailureTable, Row, Said
from vendors.shopify.limits import POINTS

SH_TOKEN_REFUSED = Code(
    "SH_TOKEN_REFUSED",
    "Shopify does not accept this token: it has expired, was replaced by another, or the application was uninstalled.",
    "Nothing at first: a new token is tried once. If it stays, connect the shop again.",
    "owner",
    True,
)
SH_KIND_REFUSED = Code(
    "SH_KIND_REFUSED",
    "Shopify no longer takes tokens without an end from this application, or the application may not do this.",
    "Connect the shop again: the new token expires and is renewed by itself.",
    "owner",
    True,
)
SH_ACCESS_DENIED = Code(
    "SH_ACCESS_DENIED",
    "The shop did not grant what this question needs; its words name the scope.",
    "Connect the shop again and accept all that is asked for.",
    "owner",
    True,
)
SH_SHOP_CLOSED = Code(
    "SH_SHOP_CLOSED",
    "The shop is frozen, locked or gone.",
    "The shop's owner settles it with Shopify; everything that waits goes on afterwards.",
    "owner",
    True,
)
SH_THROTTLED = Code(
    "SH_THROTTLED",
    "The shop's points for this application are used up.",
    "Nothing: it goes on in seconds, when the bucket holds what the question costs.",
    "nobody",
    True,
)
SH_CALL_WRONG = Code(
    "SH_CALL_WRONG",
    "Shopify does not know a field or an argument that we use, or the question is too dear.",
    "Report it with the request id: the version of the API may have ended.",
    "developer",
    True,
)
SH_WEBHOOK_UNREADABLE = Code(
    "SH_WEBHOOK_UNREADABLE",
    "A webhook of Shopify is signed and not readable.",
    "Look at its bytes; the next look at the shop reads the record anyway.",
    "developer",
    True,
)
SH_ORDER_CHANGING = Code(
    "SH_ORDER_CHANGING",
    "An order with many lines was changed while its pages were read.",
    "Nothing: it is read again.",
    "nobody",
    True,
)
SH_BULK_RUNNING = Code(
    "SH_BULK_RUNNING",
    "Shopify writes the whole shop into a file, which is read when it is there.",
    "Nothing: it takes minutes, of a very large shop hours, and nothing else waits for it.",
    "nobody",
    True,
)
SH_HOOK_REFUSED = Code(
    "SH_HOOK_REFUSED",
    "Shopify does not take a webhook at our address; its words say why.",
    "The public address has to be https with a valid certificate, and no address inside a network: set MILLRACE_PUBLIC_URL.",
    "operator",
    True,
)
SH_VERSION_OTHER = Code(
    "SH_VERSION_OTHER",
    "Shopify serves another version of its API than the one that was asked for: ours has ended, or the application is set to another one.",
    "Set the webhooks' version in the application's settings to ours, or update Millrace; until then watch dead letters.",
    "operator",
    True,
)
SH_VERSION_ENDING = Code(
    "SH_VERSION_ENDING",
    "The version of Shopify's API that we speak ends within ninety days.",
    "Update Millrace before that day.",
    "operator",
    True,
)
SH_FAULT = Code(
    "SH_FAULT",
    "Shopify failed by its own word.",
    "Nothing: it is tried again. Report it to Shopify with the request id if it stays.",
    "vendor",
    True,
)
register(
    SH_TOKEN_REFUSED, SH_KIND_REFUSED, SH_ACCESS_DENIED, SH_SHOP_CLOSED, SH_THROTTLED, SH_CALL_WRONG,
    SH_WEBHOOK_UNREADABLE, SH_ORDER_CHANGING, SH_BULK_RUNNING, SH_HOOK_REFUSED, SH_VERSION_OTHER, SH_VERSION_ENDING, SH_FAULT,
)  # fmt: skip
_REJECTED, _BUG, _RATE = FailureClass.REJECTED, FailureClass.BUG, FailureClass.RATE_LIMITED
_PAUSE = timedelta(seconds=2)
_LONGEST = timedelta(seconds=60)

TABLE = FailureTable(
    (
        Row(200, "THROTTLED", _RATE, SH_THROTTLED, pause=_PAUSE, scope=POINTS),
        Row(200, "ACCESS_DENIED", _REJECTED, SH_ACCESS_DENIED, about="account"),
        Row(200, "MAX_COST_EXCEEDED", _BUG, SH_CALL_WRONG),
        Row(200, "INTERNAL_SERVER_ERROR", FailureClass.UNKNOWN, SH_FAULT, complete=True),
        Row(200, "SHOP_INACTIVE", _REJECTED, SH_SHOP_CLOSED, about="account"),
        Row(200, "refused", _BUG, SH_CALL_WRONG),
        Row(400, ANY, _BUG, SH_CALL_WRONG),
        Row(401, ANY, FailureClass.UNAUTHORISED, SH_TOKEN_REFUSED),
        Row(402, ANY, _REJECTED, SH_SHOP_CLOSED, about="account"),
        Row(403, ANY, FailureClass.UNAUTHORISED, SH_KIND_REFUSED, about="account"),
        Row(404, ANY, _REJECTED, SH_SHOP_CLOSED, about="account"),
        Row(423, ANY, _REJECTED, SH_SHOP_CLOSED, about="account"),
        Row(429, ANY, _RATE, SH_THROTTLED, pause=_PAUSE, scope=POINTS),
    )
)
_KNOWN = frozenset(row.code for row in TABLE.rows if row.status == 200)


def translate(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
    """A success is a 200 with `data` and without `errors`: half an answer is none."""
    found = _object(body)
    if status == 200 and isinstance(found.get("data"), dict) and not found.get("errors"):
        return None
    failure = TABLE.failure(status, _said(status, found), headers, now)
    if isinstance(failure, RateLimited):
        failure.retry_at = max(filter(None, (failure.retry_at, _full_enough(found, now))), default=None)
    return failure


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(status: int, found: Mapping[str, Any]) -> Said:
    errors = found.get("errors")
    if not isinstance(errors, list):
        return Said("" if errors is None else "refused", str(errors or ""))
    rows = [one for one in errors if isinstance(one, dict)]
    codes = [str((one.get("extensions") or {}).get("code", "")) for one in rows]
    known = next((code for code in codes if code in _KNOWN), "refused")
    return Said(known, " | ".join(str(one.get("message", "")) for one in rows))


def _full_enough(found: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the bucket will hold what the question costs: what is lacking, by the points that come back in a second."""
    try:
        cost = found["extensions"]["cost"]
        status = cost["throttleStatus"]
        lacking = (cost["requestedQueryCost"] - status["currentlyAvailable"]) / status["restoreRate"]
    except (LookupError, TypeError, ArithmeticError):
        return None
    return now + min(_LONGEST, timedelta(seconds=max(0.0, lacking)))
