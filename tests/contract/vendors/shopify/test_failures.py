"""Every row of the sheet of Shopify (sections 1.1 and 2), in the vendor's own bytes."""

from __future__ import annotations

import orjson

from common.contracts.connections import Connection
from common.failures import FailureClass
from tests.support.failure_tables import FailureTableSuite, SheetRow
from vendors import shopify
from vendors.shopify.errors import TABLE
from vendors.vendor import connection_of

RATE, AUTH = FailureClass.RATE_LIMITED, FailureClass.UNAUTHORISED
REJECTED, BUG, UNKNOWN = FailureClass.REJECTED, FailureClass.BUG, FailureClass.UNKNOWN


def said(code: str, message: str = "words", **extensions: object) -> bytes:
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}], "extensions": extensions})


def closed(words: str) -> bytes:
    return orjson.dumps({"errors": words})


COST = {
    "requestedQueryCost": 752,
    "actualQueryCost": None,
    "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 252, "restoreRate": 50.0},
}


class TestShopifyFailures(FailureTableSuite):
    vendor = shopify.VENDOR
    table = TABLE
    successes = ((200, b'{"data": {"shop": null}}'),)
    sheet = (
        SheetRow(
            "throttled, with what it costs", 200, said("THROTTLED", cost=COST), RATE, "SH_THROTTLED", "points", 10
        ),
        SheetRow("throttled, without", 200, said("THROTTLED"), RATE, "SH_THROTTLED", "points", 2),
        SheetRow("429", 429, b"", RATE, "SH_THROTTLED", "points", 2),
        SheetRow("429 that names a time", 429, b"", RATE, "SH_THROTTLED", "points", 30, headers={"retry-after": "30"}),
        SheetRow("right that is missing", 200, said("ACCESS_DENIED"), REJECTED, "SH_ACCESS_DENIED"),
        SheetRow("too dear", 200, said("MAX_COST_EXCEEDED"), BUG, "SH_CALL_WRONG"),
        SheetRow("field that is none", 200, said("undefinedField"), BUG, "SH_CALL_WRONG"),
        SheetRow(
            "error without a code",
            200,
            orjson.dumps({"errors": [{"message": "no"}], "data": {"a": 1}}),
            BUG,
            "SH_CALL_WRONG",
        ),
        SheetRow("their fault, by their word", 200, said("INTERNAL_SERVER_ERROR"), UNKNOWN, "SH_FAULT", complete=True),
        SheetRow("dead token", 401, closed("[API] Invalid API key or access token"), AUTH, "SH_TOKEN_REFUSED"),
        SheetRow("frozen", 402, closed("Unavailable Shop"), REJECTED, "SH_SHOP_CLOSED"),
        SheetRow(
            "refused kind", 403, closed("Non-expiring access tokens are no longer accepted"), AUTH, "SH_KIND_REFUSED"
        ),
        SheetRow("no such shop", 404, closed("Not Found"), REJECTED, "SH_SHOP_CLOSED"),
        SheetRow("locked", 423, closed("Locked"), REJECTED, "SH_SHOP_CLOSED"),
        SheetRow("no request", 400, closed("no query"), BUG, "SH_CALL_WRONG"),
        SheetRow("gateway", 502, b"<html>", UNKNOWN, "VENDOR_FAULT"),
        SheetRow("200 that is none", 200, b"<html>", UNKNOWN, "VENDOR_ANSWER_UNREADABLE"),
    )

    def connection(self) -> Connection:
        return connection_of(shopify.VENDOR.name, "c-1", shop="demo.myshopify.com")
