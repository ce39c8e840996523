"""What a load has cost in calls, by the vendors' own log: those that are needed, those that were repeated, and the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from bench.run_figures import PER_CALL, PER_PAGE

Row = Mapping[str, Any]

LIST, MAKES, READ_BACK = "GET /contacts", "POST /lists/{list_id}", "GET /lists/{list_id}/members"
LOOKS = "GET /lists/{list_id}/members/{subscriber_hash}"


def ideal_calls(customers: int, added: int) -> int:
    """Each page once, and as many members a call as it takes."""
    return -(-customers // PER_PAGE) + -(-added // PER_CALL)


def calls(books: Sequence[Row], chimp: Sequence[Row], customers: int, added: int) -> dict[str, float]:
    """Of a load of so many, of which so many are new members."""
    pages = [page for row in books if (page := _page(row)) is not None]
    made = [row for row in chimp if row["route"] == MAKES]
    looks = [row for row in chimp if row["route"] == LOOKS]
    repeated = len(pages) - len(set(pages)), max(0, len(made) - -(-added // PER_CALL))
    return {
        "calls: list": len(pages),
        "calls: new members": len(made),
        "calls over ideal": (len(pages) + len(made)) / ideal_calls(customers, added),
        "calls: pages read twice": repeated[0],
        "calls: looks": len(looks),
        "calls: repeated": sum(repeated) + len(looks),
        "calls: all others, books": len(books) - len(pages),
        "calls: all others, mailchimp": len(chimp) - len(made) - len(looks),
        "answers 429": sum(row["status"] == 429 for row in (*books, *chimp)),
        "members made twice": len(made_twice(chimp)),
    }


def made_twice(chimp: Sequence[Row]) -> dict[str, int]:
    """Members that were created more than once, and how often."""
    made = Counter(
        one["id"] for row in chimp for one in row["applied"] if (one["kind"], one["op"]) == ("member", "create")
    )
    return {id: many for id, many in made.items() if many > 1}


def _page(row: Row) -> str | None:
    """Which page of the whole list a call asked for: a look at what has changed has another order, and what asks for one row other pages."""
    if row["route"] != LIST:
        return None
    query = parse_qs(row["query"])
    whole = query.get("sort_column") == ["created_time"] and query.get("per_page") == [str(PER_PAGE)]
    return query.get("page", ["1"])[0] if whole else None
