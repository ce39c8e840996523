"""What a call costs in credits, and which calls are heavy (sheet, section 5)."""

from __future__ import annotations

import re

from sandbox.simulator import Request
from sandbox.zoho_crm.refusals import Document
from sandbox.zoho_crm.routes import Route

ROWS_PER_CREDIT = 10
FIXED = {"convert": 5, "bulk": 50, "module": 500}
LIMIT = re.compile(r"\blimit\s+(?:\d+\s*,\s*)?(\d+)", re.IGNORECASE)
DEFAULT_ROWS = 200
STEPS = ((200, 1), (1_000, 2))
MOST_OF_A_QUERY = 3


def price_of(route: Route, request: Request, document: Document | None) -> int:
    match route.price:
        case "rows":
            return max(1, -(-_rows(document) // ROWS_PER_CREDIT))
        case "ids":
            return max(1, -(-len((request.param("ids") or "").split(",")) // ROWS_PER_CREDIT))
        case "coql":
            return _of_query(document)
    return FIXED.get(route.price, 1)


def is_heavy(route: Route, document: Document | None) -> bool:
    """Calls of which fewer may run at once: queries, searches, conversions, writes of more than ten rows."""
    many = route.price == "rows" and _rows(document) > ROWS_PER_CREDIT
    return many or route.price in ("coql", "search", "convert", "bulk")


def _rows(document: Document | None) -> int:
    rows = (document or {}).get("data")
    return len(rows) if isinstance(rows, list) else 1


def _of_query(document: Document | None) -> int:
    found = LIMIT.search(str((document or {}).get("select_query")))
    wanted = int(found[1][:9]) if found else DEFAULT_ROWS
    return next((price for most, price in STEPS if wanted <= most), MOST_OF_A_QUERY)
