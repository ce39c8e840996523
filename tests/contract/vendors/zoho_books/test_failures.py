"""Every row of the sheet of Zoho Books (sections 2 and 3), in the vendor's own bytes."""

from __future__ import annotations

import orjson

from common.contracts.connections import Connection
from common.failures import FailureClass
from tests.support.failure_tables import FailureTableSuite, SheetRow
from vendors import zoho_books
from vendors.vendor import connection_of
from vendors.zoho_books.errors import TABLE

RATE, AUTH = FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED
REJECTED, BUG, UNKNOWN = FailureClass.REJECTED, FailureClass.BUG, FailureClass.UNKNOWN


def said(code: int | str, message: str = "words") -> bytes:
    return orjson.dumps({"code": code, "message": message})


class TestZohoBooksFailures(FailureTableSuite):
    vendor = zoho_books.VENDOR
    table = TABLE
    successes = ((200, said(0, "success")), (201, said(0, "The contact has been created")))
    sheet = (
        SheetRow("dead token, scope or data centre", 401, said(57), AUTH, "ZB_UNAUTHORISED"),
        SheetRow("no token", 401, said(14), AUTH, "ZB_UNAUTHORISED"),
        SheetRow("documented as Invalid AuthToken", 401, b"", AUTH, "ZB_UNAUTHORISED"),
        SheetRow("minute", 429, said(44), RATE, "ZB_MINUTE_LIMIT", "minute", 60),
        SheetRow("day", 429, said(45), RATE, "ZB_DAY_LIMIT", "day"),
        SheetRow("at once", 429, said(1070), RATE, "ZB_TOO_MANY_AT_ONCE", "concurrency", 5),
        SheetRow("43, sometimes quoted", 429, said(43), RATE, "ZB_MINUTE_LIMIT", "minute", 60),
        SheetRow("429 without a body", 429, b"", RATE, "ZB_MINUTE_LIMIT", "minute", 60),
        SheetRow("429 that names a time", 429, said(44), RATE, "ZB_MINUTE_LIMIT", "minute", 90, headers={"retry-after": "90"}),
        SheetRow("role or plan", 400, said(6018), REJECTED, "ZB_NO_ACCESS"),
        SheetRow("role or plan inside a 200", 200, said(6018), REJECTED, "ZB_NO_ACCESS"),
        SheetRow("role, by status", 403, b"", REJECTED, "ZB_NO_ACCESS"),
        SheetRow("wrong organisation", 400, said(6041), REJECTED, "ZB_WRONG_ORGANISATION"),
        SheetRow("not found", 404, said(1002), REJECTED, "ZB_NOT_FOUND"),
        SheetRow("not found, by another status", 400, said(1002), REJECTED, "ZB_NOT_FOUND"),
        SheetRow("not found without a code", 404, b"<html>", REJECTED, "ZB_NOT_FOUND"),
        SheetRow("internal error", 400, said(1000), UNKNOWN, "ZB_FAULT", complete=True),
        SheetRow("internal error, by status", 500, said(9999), UNKNOWN, "ZB_FAULT", complete=True),
        SheetRow("item name taken", 400, said(1001), REJECTED, "ZB_NAME_TAKEN"),
        SheetRow("contact name taken", 400, said(3062), REJECTED, "ZB_NAME_TAKEN"),
        SheetRow("invalid value", 400, said(2), REJECTED, "ZB_INVALID_VALUE"),
        SheetRow("missing value", 400, said(4), REJECTED, "ZB_INVALID_VALUE"),
        SheetRow("code as text", 400, said("4"), REJECTED, "ZB_INVALID_VALUE"),
        SheetRow("unknown path", 404, said(5), BUG, "ZB_CALL_WRONG"),
        SheetRow("wrong method", 405, said(37), BUG, "ZB_CALL_WRONG"),
        SheetRow("malformed JSON", 400, said(1038), BUG, "ZB_CALL_WRONG"),
        SheetRow("a code nobody knows", 400, said(8_888), REJECTED, "VENDOR_REFUSED"),
        SheetRow("an error in a success", 200, said(8_888), REJECTED, "VENDOR_REFUSED"),
        SheetRow("a page instead of the API", 200, b"<html>", UNKNOWN, "VENDOR_ANSWER_UNREADABLE"),
        SheetRow("gateway", 502, b"<html>", UNKNOWN, "VENDOR_FAULT"),
        SheetRow("gateway timeout", 504, b"", UNKNOWN, "VENDOR_FAULT"),
        SheetRow("an empty 500 of nobody", 500, b"", UNKNOWN, "VENDOR_FAULT"),
    )  # fmt: skip

    def connection(self) -> Connection:
        return connection_of(zoho_books.NAME, "books", dc="eu", organization_id="1")
