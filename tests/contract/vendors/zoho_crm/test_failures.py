"""Every row of the sheet of Zoho CRM (section 2), in the vendor's own bytes."""

from __future__ import annotations

import orjson

from common.contracts.connections import Connection
from common.failures import FailureClass
from tests.support.failure_tables import NOW, FailureTableSuite, SheetRow
from vendors import zoho_crm
from vendors.vendor import connection_of
from vendors.zoho_crm.errors import TABLE

RATE, AUTH = FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED
TRANSIENT, CONFLICT = FailureClass.TRANSIENT, FailureClass.CONFLICT
REJECTED, BUG, UNKNOWN = FailureClass.REJECTED, FailureClass.BUG, FailureClass.UNKNOWN


def said(code: str, **details: object) -> bytes:
    return orjson.dumps({"code": code, "details": details, "message": "words", "status": "error"})


def row(code: str, key: str = "data") -> bytes:
    """A write of one row that is refused: the verdict stands inside."""
    return orjson.dumps(
        {key: [{"code": code, "details": {"api_name": "Email"}, "message": "words", "status": "error"}]}
    )


class TestZohoCrmFailures(FailureTableSuite):
    vendor = zoho_crm.VENDOR
    table = TABLE
    successes = (
        (200, b'{"data":[{"id":"1"}],"info":{"more_records":false}}'),
        (201, b'{"watch":[{"code":"SUCCESS","status":"success","details":{}}]}'),
        (207, b'{"data":[{"code":"SUCCESS","status":"success"},{"code":"INVALID_DATA","status":"error"}]}'),
        (400, b'{"data":[{"code":"NOT_APPROVED","status":"error"},{"code":"INVALID_DATA","status":"error"}]}'),
        (412, b'{"data":[{"code":"ALREADY_MODIFIED","status":"error"},{"code":"ALREADY_MODIFIED","status":"error"}]}'),
        (204, b""),
        (304, b""),
    )
    sheet = (
        SheetRow("dead token", 401, said("INVALID_TOKEN"), AUTH, "ZC_UNAUTHORISED"),
        SheetRow("dead token by another name", 401, said("AUTHENTICATION_FAILURE"), AUTH, "ZC_UNAUTHORISED"),
        SheetRow("dead token, by the page of token validity", 400, said("INVALID_OAUTHTOKEN"), AUTH, "ZC_UNAUTHORISED"),
        SheetRow("401 without a body", 401, b"", AUTH, "ZC_UNAUTHORISED"),
        SheetRow("scope", 401, said("OAUTH_SCOPE_MISMATCH"), REJECTED, "ZC_SCOPE_MISSING"),
        SheetRow("profile", 403, said("NO_PERMISSION", permissions=["Crm_Implied_Api_Access"]), REJECTED, "ZC_NO_ACCESS"),
        SheetRow("profile, by status", 403, b"", REJECTED, "ZC_NO_ACCESS"),
        SheetRow("authorisation", 400, said("AUTHORIZATION_FAILED", resource_path_index=0), REJECTED, "ZC_NO_ACCESS"),
        SheetRow("module of a larger edition", 400, said("INVALID_MODULE", resource_path_index=0), REJECTED, "ZC_NO_MODULE"),
        SheetRow("feature of a larger edition", 400, said("NOT_SUPPORTED"), REJECTED, "ZC_NO_MODULE"),
        SheetRow("id of nobody", 400, said("INVALID_DATA", resource_path_index=1), REJECTED, "ZC_NOT_FOUND"),
        SheetRow("value", 400, row("INVALID_DATA"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("value of a channel", 400, row("INVALID_DATA", "watch"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("mandatory", 400, row("MANDATORY_NOT_FOUND"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("several", 400, row("MULTIPLE_OR_MULTI_ERRORS"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("dependent", 400, row("DEPENDENT_FIELD_MISSING"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("mismatch", 400, row("DEPENDENT_MISMATCH"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("ambiguous", 400, row("AMBIGUITY_DURING_PROCESSING"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("expected", 400, row("EXPECTED_FIELD_MISSING"), REJECTED, "ZC_INVALID_VALUE"),
        SheetRow("taken", 400, row("DUPLICATE_DATA"), REJECTED, "ZC_DUPLICATE"),
        SheetRow("locked", 400, row("RECORD_LOCKED"), TRANSIENT, "ZC_RECORD_HELD"),
        SheetRow("not approved", 400, row("NOT_APPROVED"), TRANSIENT, "ZC_RECORD_HELD"),
        SheetRow("not reviewed", 400, row("NOT_REVIEWED"), TRANSIENT, "ZC_RECORD_HELD"),
        SheetRow("changed since", 412, row("ALREADY_MODIFIED"), CONFLICT, "ZC_CHANGED_MEANWHILE"),
        SheetRow("changed since, by status", 412, b"", CONFLICT, "ZC_CHANGED_MEANWHILE"),
        SheetRow("calls at once or credits", 429, said("TOO_MANY_REQUESTS"), RATE, "ZC_TOO_MANY", "concurrency", 5),
        SheetRow("the same of a channel", 429, said("RATE_LIMIT_EXCEEDED"), RATE, "ZC_TOO_MANY", "concurrency", 5),
        SheetRow("429 without a body", 429, b"", RATE, "ZC_TOO_MANY", "concurrency", 5),
        SheetRow("429 that names a time", 429, b"", RATE, "ZC_TOO_MANY", "concurrency", 90, headers={"retry-after": "90"}),
        SheetRow("credits, by the header", 429, said("TOO_MANY_REQUESTS"), RATE, "ZC_CREDITS_GONE", "day", 600, headers={"x-api-credits-remaining": "0"}),
        SheetRow("page token too old", 400, said("EXPIRED_VALUE", param_name="page_token"), REJECTED, "ZC_LIST_BEYOND"),
        SheetRow("page token of another list", 400, said("TOKEN_BOUND_DATA_MISMATCH"), REJECTED, "ZC_LIST_BEYOND"),
        SheetRow("beyond 2,000", 400, said("DISCRETE_PAGINATION_LIMIT_EXCEEDED", limit=2000), REJECTED, "ZC_LIST_BEYOND"),
        SheetRow("page token of nobody", 400, said("PATTERN_NOT_MATCHED", param_name="page_token"), REJECTED, "ZC_LIST_BEYOND"),
        SheetRow("beyond 100,000", 400, said("PAGINATION_LIMIT_EXCEEDED", limit=100_000), REJECTED, "ZC_LIST_TOO_LONG"),
        SheetRow("unknown channel", 400, row("NOT_SUBSCRIBED", "watch"), REJECTED, "ZC_NOT_WATCHED"),
        SheetRow("no fields named", 400, said("REQUIRED_PARAM_MISSING", param_name="fields"), BUG, "ZC_CALL_WRONG"),
        SheetRow("too many fields", 400, said("LIMIT_EXCEEDED", limit=50, param_name="fields"), BUG, "ZC_CALL_WRONG"),
        SheetRow("odd parameter", 400, said("PATTERN_NOT_MATCHED", param_name="page"), BUG, "ZC_CALL_WRONG"),
        SheetRow("method", 400, said("INVALID_REQUEST_METHOD"), BUG, "ZC_CALL_WRONG"),
        SheetRow("path", 404, said("INVALID_URL_PATTERN"), BUG, "ZC_CALL_WRONG"),
        SheetRow("path, without a code", 404, b"<html>", BUG, "ZC_CALL_WRONG"),
        SheetRow("internal error", 500, said("INTERNAL_ERROR"), UNKNOWN, "ZC_FAULT", complete=True),
        SheetRow("500 of some other code", 500, said("SOMETHING"), UNKNOWN, "ZC_FAULT", complete=True),
        SheetRow("an empty 500 of nobody", 500, b"", UNKNOWN, "VENDOR_FAULT"),
        SheetRow("gateway", 502, b"<html>", UNKNOWN, "VENDOR_FAULT"),
        SheetRow("gateway timeout", 504, b"", UNKNOWN, "VENDOR_FAULT"),
        SheetRow("a code nobody knows", 400, said("SOMETHING"), REJECTED, "VENDOR_REFUSED"),
        SheetRow("an error in a success", 200, said("SOMETHING"), REJECTED, "VENDOR_REFUSED"),
        SheetRow("a page instead of the API", 200, b"<html>", UNKNOWN, "VENDOR_ANSWER_UNREADABLE"),
    )  # fmt: skip

    def connection(self) -> Connection:
        return connection_of(zoho_crm.NAME, "crm", dc="in", org_id="60001")

    def test_words_say_what_is_meant_and_no_value(self) -> None:
        profile = self.vendor.profile
        found = profile.translate(400, {}, row("INVALID_DATA"), NOW)
        assert found is not None and found.vendor_words == "words (Email)"
        refused = profile.translate(403, {}, said("NO_PERMISSION", permissions=["Crm_Implied_Api_Access"]), NOW)
        assert refused is not None and "Crm_Implied_Api_Access" in refused.vendor_words
