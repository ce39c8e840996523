"""Every row of the sheet of QuickBooks (section 3.5), in the vendor's own bytes."""

from __future__ import annotations

import orjson

from common.contracts.connections import Connection
from common.failures import FailureClass
from tests.support.failure_tables import FailureTableSuite, SheetRow
from vendors import quickbooks
from vendors.quickbooks.errors import TABLE
from vendors.vendor import connection_of

RATE, AUTH = FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED
REJECTED, BUG, UNKNOWN = FailureClass.REJECTED, FailureClass.BUG, FailureClass.UNKNOWN
TOO_MANY = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
NOT_IN = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"


def said(code: str, message: str = "words") -> bytes:
    one = {"Message": message, "Detail": "more", "code": code, "element": ""}
    return orjson.dumps({"Fault": {"Error": [one], "type": "ValidationFault"}, "time": "2026-01-01T00:00:00.000-08:00"})


def small(code: str, message: str = "words") -> bytes:
    one = {"message": message, "detail": "more", "code": code, "element": None}
    return orjson.dumps({"fault": {"error": [one], "type": "SERVICE"}, "time": "2026-01-01T00:00:00.000-08:00"})


class TestQuickBooksFailures(FailureTableSuite):
    vendor = quickbooks.VENDOR
    table = TABLE
    successes = ((200, b'{"QueryResponse": {}, "time": "x"}'), (200, b'{"Customer": {"Id": "1"}}'))
    sheet = (
        SheetRow("too many", 429, small("3001", TOO_MANY), RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("too many, with large keys", 429, said("3001", TOO_MANY), RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("too many, under 400", 400, small("3001", TOO_MANY), RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("too many, under 403", 403, small("3001", TOO_MANY), RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("too many, inside of a 200", 200, said("3001", TOO_MANY), RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("too many, by its text alone", 400, small("", TOO_MANY), RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("too many, by half of its text", 400, said("9", "ThrottleExceeded"), RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("429 without a body", 429, b"", RATE, "QB_THROTTLED", "minute", 60),
        SheetRow("token over", 401, small("3200"), AUTH, "QB_TOKEN_REFUSED"),
        SheetRow("token over, with zeros", 401, small("003200"), AUTH, "QB_TOKEN_REFUSED"),
        SheetRow("401 of nobody", 401, b"", AUTH, "QB_TOKEN_REFUSED"),
        SheetRow("no administrator", 401, small("120"), AUTH, "QB_NOT_ADMIN"),
        SheetRow("company lost", 403, small("3100", NOT_IN), REJECTED, "QB_COMPANY_LOST"),
        SheetRow("company lost, by its text", 403, small("", NOT_IN), REJECTED, "QB_COMPANY_LOST"),
        SheetRow("subscription over", 400, said("6190"), REJECTED, "QB_COMPANY_ENDED"),
        SheetRow("subscription over, inside of a 200", 200, said("6190"), REJECTED, "QB_COMPANY_ENDED"),
        SheetRow("not there", 400, said("610"), REJECTED, "QB_NOT_FOUND"),
        SheetRow("changed meanwhile", 400, said("5010"), FailureClass.CONFLICT, "QB_CHANGED_MEANWHILE"),
        SheetRow("name taken", 400, said("6240"), REJECTED, "QB_NAME_TAKEN"),
        SheetRow("colon in a name", 400, said("2040"), REJECTED, "QB_INVALID_VALUE"),
        SheetRow("a rule of the books", 400, said("6000"), REJECTED, "QB_INVALID_VALUE"),
        SheetRow("unknown operation", 400, said("500"), BUG, "QB_CALL_WRONG"),
        SheetRow("unreadable query", 400, said("4000"), BUG, "QB_CALL_WRONG"),
        SheetRow("their own error", 500, said("10000"), UNKNOWN, "QB_FAULT", complete=True),
        SheetRow("a code nobody knows", 400, said("8888"), REJECTED, "VENDOR_REFUSED"),
        SheetRow("a fault in a success", 200, said("8888"), REJECTED, "VENDOR_REFUSED"),
        SheetRow("a page instead of the API", 200, b"<html>", UNKNOWN, "VENDOR_ANSWER_UNREADABLE"),
        SheetRow("a fault of no form", 200, b'{"Fault": 1}', UNKNOWN, "VENDOR_ANSWER_UNREADABLE"),
        SheetRow("gateway", 502, b"<html>", UNKNOWN, "VENDOR_FAULT"),
    )  # fmt: skip

    def test_what_ends_a_whole_company_is_said_of_the_company(self) -> None:
        for row in self.sheet:
            whole = row.code in ("QB_COMPANY_LOST", "QB_COMPANY_ENDED")
            assert self.failure(row).about == ("account" if whole else "call")

    def connection(self) -> Connection:
        return connection_of(quickbooks.NAME, "company", realm_id="12")
