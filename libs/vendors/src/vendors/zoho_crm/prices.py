"""What a call costs in credits, and which calls are heavy: fewer of those may run at once (sheet, section 5). Pure, by the call alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from common.http.call import Call

ROWS_PER_CREDIT = 10
# A module of one's own is the dearest of what the vendor sells by credits.
FIXED: Mapping[tuple[str, str], int] = {("POST", "/settings/modules"): 500}
QUERY = "/coql"
# Rows that a query asks for at most, and its credits (the vendor's older pages; the newer ones are silent).
STEPS = ((200, 1), (1_000, 2))
MOST = 3
_LIMIT = re.compile(r"\blimit\s+(?:\d+\s*,\s*)?(\d+)", re.IGNORECASE)
_UNSAID = 200


def credits_of(call: Call | None) -> int:
    """One, unless it writes many rows, asks for many, or is of a kind with a price of its own."""
    if call is None:
        return 1
    if call.template == QUERY:
        wanted = _asked_rows(call)
        return next((credits for rows, credits in STEPS if wanted <= rows), MOST)
    return FIXED.get((call.method, call.template), -(-_rows(call) // ROWS_PER_CREDIT))


def is_heavy(call: Call | None) -> bool:
    """Queries, and writes of more than ten rows."""
    return call is not None and (call.template == QUERY or _rows(call) > ROWS_PER_CREDIT)


def _rows(call: Call) -> int:
    rows = call.json.get("data") if call.writes and isinstance(call.json, Mapping) else None
    return max(1, len(rows)) if isinstance(rows, list) else 1


def _asked_rows(call: Call) -> int:
    text = call.json.get("select_query") if isinstance(call.json, Mapping) else None
    found = _LIMIT.search(str(text))
    return int(found[1][:9]) if found else _UNSAID
