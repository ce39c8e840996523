"""What can be read from a connection, in lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def kind_lines(kinds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One a kind, as a sync's file names it and as the vendor does."""
    width = max((len(one["entity"]) for one in kinds), default=0)
    for one in kinds:
        yield f"{one['entity']:<{width}}  {one['title']}"


def glance_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The fields, then the records."""
    width = max((len(one["path"]) for one in found["fields"]), default=0)
    yield f"{found['title']}: fields that a mapping can name"
    for one in found["fields"]:
        cost = "" if one["in_list"] else ", read by id"
        yield f"    {one['path']:<{width}}  {one['label']} ({one['type']}{cost})"
    yield ""
    yield _how_many(found)
    for one in found["items"]:
        told = {name: value for name, value in one["fields"].items() if value not in (None, "", [], {})}
        yield f"    {one['record']}  {json.dumps(told, ensure_ascii=False)}"
    if found["items"] and not found["unmasked"]:
        yield "Values are hidden; --unmask shows them."


def _how_many(found: Mapping[str, Any]) -> str:
    many = len(found["items"])
    if not many:
        return "There are no records."
    return f"{many} record{'s' if many > 1 else ''}{', which is all there are' if found['complete'] else ', the first of more'}:"
