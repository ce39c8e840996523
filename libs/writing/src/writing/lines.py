"""Lines: live work of a connection has one for its calls, so that it never stands behind a backfill; the rest has another."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from common.contracts.ids import ConnectionId

Lines = defaultdict[tuple[ConnectionId, tuple[int, ...]], "Line"]


class Line:
    """One class of work of one connection: how many rows are under way, and the places for their calls."""

    def __init__(self, at_once: int) -> None:
        self.calls = asyncio.Semaphore(at_once)
        self.rows = 0
        self.turns = 0

    @contextmanager
    def carrying(self, rows: int) -> Iterator[None]:
        self.rows += rows
        try:
            yield
        finally:
            self.rows -= rows


def lines(at_once: int) -> Lines:
    """One for each connection and class of work: two places less than there are for each, so that neither can take all of them."""
    share = max(1, at_once - 2)
    return defaultdict(lambda: Line(share))
