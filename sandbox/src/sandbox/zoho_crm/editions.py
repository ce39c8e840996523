"""What an edition has: modules, fields, credits and calls at once (sheet, section 5; numbers of fields from third parties)."""

from __future__ import annotations

from typing import NamedTuple


class Edition(NamedTuple):
    """One row of the vendor's price list."""

    rank: int
    base: int
    per_user: int
    most: int | None
    at_once: int
    custom_fields: int  # of one module
    custom_modules: int


EDITIONS = {
    "free": Edition(0, 5_000, 0, 5_000, 5, 0, 0),
    "standard": Edition(1, 50_000, 250, 100_000, 10, 10, 10),
    "professional": Edition(2, 50_000, 500, 3_000_000, 15, 155, 25),
    "enterprise": Edition(3, 50_000, 1_000, 5_000_000, 20, 505, 200),
    "ultimate": Edition(4, 50_000, 2_000, None, 25, 1_005, 500),
}
PROFESSIONAL = EDITIONS["professional"].rank


def credits_of(edition: str, users: int) -> int:
    """Credits in 24 hours."""
    row = EDITIONS[edition]
    found = row.base + row.per_user * users
    return found if row.most is None else min(found, row.most)
