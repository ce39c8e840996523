"""What `millrace link` says and writes: links in words, problems line by line, and the rows of a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from millrace.api_client import RefusedByConsole
from millrace.errors import CommandError
from millrace.moments import local

ENDS = ("account", "place", "entity", "id", "key")
COLUMNS = (*(f"left_{end}" for end in ENDS), *(f"right_{end}" for end in ENDS), "state", "rule", "since")


def end_words(end: Mapping[str, Any]) -> str:
    return f"{end['connection'] or end['account']}/{end['entity']}/{end['id'] or end['key']}" + (
        f" ({end['key']})" if end["id"] and end["key"] and end["key"] != end["id"] else ""
    )


def link_line(one: Mapping[str, Any]) -> str:
    """A link on one line."""
    ends = f"{end_words(one['left'])}  {end_words(one['right'])}"
    return f"{one['id']}  {ends}  {one['state']}  {one['rule']}  since {local(one['since'])}"


def detail_lines(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'link':<10}  {one['id']}, {one['state']}, by {one['rule'] or '-'}, since {local(one['since'])}"
    for side in ("left", "right"):
        place = f" in {one[side]['place']}" if one[side]["place"] else ""
        yield f"{side:<10}  {end_words(one[side])}{place}"
    for row in one["history"]:
        who = f" by {row['who']}" if row["who"] else ""
        yield f"{'':<10}  {local(row['at'])}  {row['what']}{who}{': ' + row['why'] if row['why'] else ''}"


def question_words(one: Mapping[str, Any]) -> str:
    ends = f"{one['link']}  {one['left']} and {one['right']}"
    if one["kind"] == "gone":
        return f"{ends}: one was edited, and the other is gone"
    return f"{ends}  {one['field']}: {json.dumps(one['left_value'])} or {json.dumps(one['right_value'])}"


def planned_words(answer: Mapping[str, Any]) -> str:
    would = "would be " if answer["dry_run"] else ""
    return f"{answer['added']} links {would}made, {answer['again']} {would}linked again, {answer['unchanged']} there already."


def removal_words(answer: Mapping[str, Any], what: str) -> str:
    return (
        f"Link {answer['id']} {what}: {end_words(answer['left'])} and {end_words(answer['right'])}.\n{answer['next']}"
    )


def with_lines(refused: RefusedByConsole) -> CommandError:
    """Every problem on a line of its own, with its remedy."""
    problems = refused.problem.get("problems")
    if not isinstance(problems, list):
        return refused
    lines = [f"line {one['row']}, {one['field']}: {one['words']} {one['remedy']} [{one['code']}]" for one in problems]
    return CommandError("\n".join(["Nothing was written.", *lines]), "", refused.code)


def row_of(one: Mapping[str, Any]) -> dict[str, str]:
    ends = {f"{side}_{name}": str(one[side][name]) for side in ("left", "right") for name in ENDS}
    return ends | {name: str(one[name]) for name in ("state", "rule", "since")}


def write_rows(file: IO[str], rows: Iterator[dict[str, str]], format: str) -> int:
    count = 0
    table = csv.DictWriter(file, COLUMNS, lineterminator="\n") if format == "csv" else None
    if table:
        table.writeheader()
    for row in rows:
        count += 1
        if table:
            table.writerow({name: _safe(value) for name, value in row.items()})
        else:
            file.write(json.dumps(row) + "\n")
    return count


def _safe(value: str) -> str:
    """A spreadsheet takes a cell that begins so for a formula; import takes the apostrophe off again."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
