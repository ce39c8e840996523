"""Pages of a list: a cursor names the last row seen, so that what moves in between is neither skipped nor shown twice."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

MOST = 250


@dataclass(slots=True)
class Ends:
    """Where a page begins and ends."""

    start_cursor: str | None
    end_cursor: str | None
    has_next_page: bool
    has_previous_page: bool


@dataclass(slots=True)
class Edge:
    """A row with its cursor."""

    cursor: str
    node: Any


@dataclass(slots=True)
class Page:
    """A connection."""

    edges: list[Edge]
    page_info: Ends

    @property
    def nodes(self) -> list[Any]:
        return [edge.node for edge in self.edges]


Keyed = Sequence[tuple[tuple[Any, ...], Any]]  # rows with what they are sorted by, ascending


@dataclass(slots=True)
class Rows:
    """A list that is not cut into pages yet."""

    keyed: Keyed


def cursor_of(key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def key_of(cursor: str) -> tuple[Any, ...]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError) as trouble:
        raise GraphQLError(f"Invalid cursor: {cursor[:100]}.") from trouble
    if not isinstance(found, list):
        raise GraphQLError(f"Invalid cursor: {cursor[:100]}.")
    return tuple(found)


def page(rows: Keyed, args: dict[str, Any]) -> Page:
    """The part of the rows that was asked for; raises what the vendor says to a wrong wish."""
    first, last = args.get("first"), args.get("last")
    many = first if first is not None else last
    if many is None:
        raise GraphQLError("you must provide one of first or last")
    if not 0 <= many <= MOST:
        raise GraphQLError(f"first and last are 0 to {MOST}")
    backwards = bool(args.get("reverse"))
    within = bounded(list(reversed(rows)) if backwards else rows, args, backwards=backwards)
    cut = within[:many] if first is not None else within[len(within) - many if many < len(within) else 0 :]
    more, before = len(within) > len(cut), args.get("after") is not None
    edges = [Edge(cursor_of(key), row) for key, row in cut]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    further = (more, before) if first is not None else (before, more)
    return Page(edges, Ends(start, end, *further))


def bounded(rows: Keyed, args: dict[str, Any], *, backwards: bool) -> Keyed:
    after, before = args.get("after"), args.get("before")
    try:
        if after is not None:
            edge = key_of(after)
            rows = [row for row in rows if (row[0] < edge if backwards else row[0] > edge)]
        if before is not None:
            edge = key_of(before)
            rows = [row for row in rows if (row[0] > edge if backwards else row[0] < edge)]
    except TypeError as trouble:
        raise GraphQLError("The cursor is that of another list.") from trouble
    return rows


def in_order(rows: Sequence[Any]) -> Keyed:
    """Rows of a list inside a record, by their place."""
    return [((at,), row) for at, row in enumerate(rows)]
