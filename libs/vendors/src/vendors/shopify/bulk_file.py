"""The lines of a bulk operation's file, put together: a record, then what belongs to it, each line with the id of its parent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from vendors.shopify import wire

_BELONGS_TO = {"LineItem": "line_items", "ShippingLine": "shipping_lines"}


class UnusableFile(ValueError):
    """Not the file that was asked for: a line is none, or stands apart from its parent, or some are missing."""


async def grouped(lines: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any], None]:
    """Records with their lists, as webhooks have them; one at a time is held in memory."""
    record: dict[str, Any] | None = None
    async for line in lines:
        found = _object(line)
        parent = found.pop("__parentId", None)
        if parent is None:
            if record is not None:
                yield record
            record = found | {name: [] for name in _BELONGS_TO.values()}
        elif record is None or record.get("id") != parent:
            raise UnusableFile("A line stands apart from its parent.")
        else:
            record[_list_of(found)].append(found)
    if record is not None:
        yield record


def _object(line: bytes) -> dict[str, Any]:
    try:
        return wire.body_of(line)
    except wire.UnreadableBody as error:
        raise UnusableFile(str(error)) from error


def _list_of(found: dict[str, Any]) -> str:
    kind = str(found.get("id")).rpartition("/")[0].rpartition("/")[2]
    if kind not in _BELONGS_TO:
        raise UnusableFile("A line is of a kind that was not asked for.")
    return _BELONGS_TO[kind]
