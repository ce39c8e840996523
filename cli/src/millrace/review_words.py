"""What `millrace review` says: questions on a line each, and one with everything that it takes to decide it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from millrace.moments import local


def review_line(one: Mapping[str, Any]) -> str:
    """A question on one line."""
    return f"{one['id']}  {one['kind']}  {one['sync'] or '-'}  {_words(one)}"


def counted_line(plan: Mapping[str, Any], wish: Mapping[str, str]) -> str:
    """How many questions an answer would be given to."""
    return f"{plan['left']} open questions of the kind {wish['kind']} of {wish['sync']} would be answered: {wish['answer']}."


def detail_lines(one: Mapping[str, Any]) -> Iterator[str]:
    """A question with its records and its answers."""
    yield f"{'question':<9}  {one['id']}, {one['kind']}, since {local(one['asked_at'])}"
    yield f"{'sync':<9}  {one['sync'] or '-'}"
    yield f"{'asked':<9}  {_words(one)}"
    for record in one["records"]:
        told = json.dumps(record["fields"], sort_keys=True)
        linked = ", has a counterpart" if record["linked"] else ""
        yield f"{record['side']:<9}  {record['connection']} {record['entity']} {record['id']}{linked}  {told}"
    for answer in one["answers"]:
        yield f"{'answer':<9}  {answer['answer']}: {answer['means']}"


def _words(one: Mapping[str, Any]) -> str:
    ends = f"{one['left']} and {one['right']}"
    match one["kind"]:
        case "conflict":
            return f"{ends}  {one['field']}: {json.dumps(one['left_value'])} or {json.dumps(one['right_value'])}"
        case "gone":
            return f"{ends}: one was edited, and the other is gone"
        case "match":
            return f"{ends}: {_match(one)}"
        case "unexplained":
            shown = f"{json.dumps(one['left_value'])} and {json.dumps(one['right_value'])}"
            return f"{ends}  {one['field']}: {shown}: one was written from the other, and no known form makes it so"
        case "merge":
            named = one["left_value"] if one["left"].endswith(" -") else one["right_value"]
            return f"{ends}: the counterpart of {', '.join(named)} is gone, and may have been merged into it"
        case _:
            return f"{ends}: it was there before the sync, and nothing says who it is"


def _match(one: Mapping[str, Any]) -> str:
    named = [*one["left_value"], *one["right_value"]]
    elsewhere = [f"{its['entity']} {its['id']}" for its in named if isinstance(its, Mapping)]
    if elsewhere:
        return f"it is paired with {', '.join(elsewhere)} in a leg that it has left: who is it now?"
    listed = ", ".join([*one["left_value"], "and", *one["right_value"]])
    return f"several have what they are matched by in common: {listed}"
