"""Pages by `fromindex` and `range`: no total, and positions that move while contacts come and go (sheet, section 3 and trap 10)."""

from __future__ import annotations

from typing import TypeVar

from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.parameters import whole
from sandbox.zoho_campaigns.refusals import Document, Refusal, at_gateway

USUAL = 20
ORDERS = {"asc": "Ascending Order", "desc": "Descending Order"}
Row = TypeVar("Row")


def paged(call: Call, rows: list[Row]) -> tuple[list[Row], Document]:
    """The rows of the page, the newest first unless `sort=asc`, and what the answer tells of it.

    A range that is too large is cut without a word: a client that takes a short page for the last one stops too early.
    """
    order = call.given("sort") or "desc"
    if order not in ORDERS:
        raise at_gateway("1001")
    start, wanted = whole(call.parameters, "fromindex", 1), whole(call.parameters, "range", USUAL)
    most = call.switches.largest_range
    if wanted > most and call.switches.beyond_range == "refused":
        raise at_gateway("1001")
    ordered = rows if order == "asc" else rows[::-1]
    page = ordered[start - 1 : start - 1 + min(wanted, most)]
    return page, {"sort": ORDERS[order], "range": str(wanted), "fromindex": str(start)}


def listed(call: Call, rows: list[Row], nobody: str) -> tuple[list[Row], Document]:
    """The page, or the vendor's refusal where there is nothing in it."""
    page, told = paged(call, rows)
    if not page and call.switches.empty_page == "refused":
        raise Refusal(nobody)
    return page, told
