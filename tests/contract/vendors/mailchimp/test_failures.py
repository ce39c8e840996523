"""Every row of the sheet of Mailchimp (section 2), in the vendor's own bytes."""

from __future__ import annotations

import orjson

from common.contracts.connections import Connection
from common.failures import FailureClass
from tests.support.failure_tables import FailureTableSuite, SheetRow
from vendors import mailchimp
from vendors.mailchimp.errors import TABLE
from vendors.vendor import connection_of

RATE, AUTH = FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED
REJECTED, BUG, UNKNOWN = FailureClass.REJECTED, FailureClass.BUG, FailureClass.UNKNOWN


def problem(title: str, detail: str = "words", **more: object) -> bytes:
    return orjson.dumps({"title": title, "detail": detail, "instance": "i-1", **more})


IN_COMPLIANCE = "is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
INVALID = problem("Invalid Resource", errors=[{"field": "RADIO", "message": "Please enter a value"}])


class TestMailchimpFailures(FailureTableSuite):
    vendor = mailchimp.VENDOR
    table = TABLE
    successes = ((200, b'{"id":"x"}'), (204, b""))
    sheet = (
        SheetRow("eleventh connection", 429, problem("Too Many Requests"), RATE, "MC_THROTTLED", "concurrency", 2),
        SheetRow("429 without a body", 429, b"", RATE, "MC_THROTTLED", "concurrency", 2),
        SheetRow("403 without a body", 403, b"", RATE, "MC_THROTTLED", "concurrency", 2),
        SheetRow("403 with a page", 403, b"<html>", RATE, "MC_THROTTLED", "concurrency", 2),
        SheetRow("key invalid", 401, problem("API Key Invalid"), AUTH, "MC_KEY_INVALID"),
        SheetRow("key missing", 401, problem("API Key Missing"), AUTH, "MC_KEY_INVALID"),
        SheetRow("401 without a body", 401, b"", AUTH, "MC_KEY_INVALID"),
        SheetRow("forbidden", 403, problem("Forbidden"), AUTH, "MC_FORBIDDEN"),
        # No other token helps: a person has to put the account in order.
        SheetRow("user disabled", 403, problem("User Disabled"), REJECTED, "MC_ACCOUNT_REFUSED"),
        SheetRow("authorisation failure", 403, problem("Authorization Failure"), AUTH, "MC_FORBIDDEN"),
        SheetRow("compliance state", 400, problem("Member In Compliance State", IN_COMPLIANCE), REJECTED, "MC_COMPLIANCE_STATE"),
        SheetRow("forgotten", 400, problem("Forgotten Email Not Subscribed"), REJECTED, "MC_FORGOTTEN"),
        SheetRow("member exists", 400, problem("Member Exists"), FailureClass.CONFLICT, "MC_MEMBER_EXISTS"),
        SheetRow("too many sign-ups", 400, problem("Invalid Resource", "a has signed up to a lot of lists very recently; we're not allowing more signups for now"), FailureClass.TRANSIENT, "MC_TOO_MANY_SIGNUPS"),
        SheetRow("looks fake", 400, problem("Invalid Resource", "a looks fake or invalid, please enter a real email address."), REJECTED, "MC_ADDRESS_REFUSED"),
        SheetRow("merge fields", 400, INVALID, REJECTED, "MC_INVALID"),
        SheetRow("JSON parse", 400, problem("JSON Parse Exception"), BUG, "MC_CALL_WRONG"),
        SheetRow("bad request", 400, problem("Bad Request"), BUG, "MC_CALL_WRONG"),
        SheetRow("invalid action", 400, problem("Invalid Action"), BUG, "MC_CALL_WRONG"),
        SheetRow("a title nobody knows", 400, problem("New Kind Of Trouble"), REJECTED, "MC_INVALID"),
        SheetRow("not found", 404, problem("Resource Not Found"), REJECTED, "MC_NOT_FOUND"),
        SheetRow("wrong method", 405, problem("Method Not Allowed"), BUG, "MC_CALL_WRONG"),
        SheetRow("nested too deep", 414, problem("Resource Nesting Too Deep"), BUG, "MC_CALL_WRONG"),
        SheetRow("method override", 422, problem("Invalid Method Override"), BUG, "MC_CALL_WRONG"),
        SheetRow("TLS", 426, problem("Upgrade Required"), BUG, "MC_CALL_WRONG"),
        SheetRow("internal error", 500, problem("Internal Server Error"), UNKNOWN, "MC_FAULT", complete=True),
        SheetRow("an empty 500", 500, b"", UNKNOWN, "MC_FAULT"),
        SheetRow("delivery network", 502, b"<html>", UNKNOWN, "MC_FAULT"),
        SheetRow("unavailable", 503, b"", UNKNOWN, "MC_FAULT"),
        SheetRow("gateway timeout", 504, b"", UNKNOWN, "VENDOR_FAULT"),
    )  # fmt: skip

    def connection(self) -> Connection:
        return connection_of(mailchimp.NAME, "chimp", dc="us6", login_id="1")

    def test_the_words_name_the_field(self) -> None:
        found = self.failure(next(row for row in self.sheet if row.name == "merge fields"))
        assert found.vendor_words == "words | RADIO: Please enter a value"
        assert found.vendor_request_id == "i-1"
