"""Links as lines of a file, CSV or JSON: read with a check of every line, and all that is wrong is said at once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from console import link_codes
from console.state.links import STATES, LinkRow
from console.use_cases.problems import problem
from mapper.mapping.problems import Problem

ENDS = ("account", "place", "entity", "id", "key")
COLUMNS = (*(f"left_{end}" for end in ENDS), *(f"right_{end}" for end in ENDS), "state", "rule", "since")
NEEDED = ("left_account", "left_entity", "right_account", "right_entity")
LONGEST = 400
# A spreadsheet takes a cell that begins so for a formula; export puts an apostrophe before it.
_FORMULA = ("'=", "'+", "'-", "'@")


class ReadLinks(NamedTuple):
    """What a file says: its links by their lines, and what is wrong with it."""

    rows: Sequence[LinkRow]
    problems: Sequence[Problem]


def read_links(text: str) -> ReadLinks:
    """JSON lines where the first line opens an object, else CSV with a line of column names."""
    rows: list[LinkRow] = []
    problems: list[Problem] = []
    lines = _json_lines(text) if text.lstrip("\ufeff \r\n").startswith("{") else _csv_lines(text)
    for line, found in lines:
        wrong = [found] if isinstance(found, Problem) else list(_wrong(line, found))
        problems += wrong
        if not wrong:
            assert not isinstance(found, Problem)
            rows.append(_row(line, found))
    return ReadLinks(rows, [*problems, *_twice(rows)])


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if isinstance(found, dict):
            yield number, found
        else:
            yield number, problem(link_codes.LINK_FIELD_INVALID, "line", "It is no JSON object.", number)


def _csv_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        missing = [name for name in NEEDED if name not in names]
        if missing:
            words = f"The first line names no column {', '.join(missing)}."
            yield 1, problem(link_codes.LINK_FIELD_MISSING, missing[0], words, 1)
            return
        reader.fieldnames = names
        for found in reader:
            yield reader.line_num, {name: _cell(value) for name, value in found.items() if name}
    except csv.Error as error:
        yield (
            reader.line_num,
            problem(link_codes.LINK_FIELD_INVALID, "line", f"It is no CSV: {error}.", reader.line_num),
        )


def _cell(value: str | None) -> str:
    plain = (value or "").strip()
    return plain[1:] if plain.startswith(_FORMULA) else plain


def _wrong(line: int, found: Mapping[str, Any]) -> Iterator[Problem]:
    for name in NEEDED:
        if not found.get(name):
            yield problem(link_codes.LINK_FIELD_MISSING, name, f"{name} is empty.", line)
    for side in ("left", "right"):
        if not found.get(f"{side}_id") and not found.get(f"{side}_key"):
            words = f"The {side} record has neither {side}_id nor {side}_key."
            yield problem(link_codes.LINK_FIELD_MISSING, f"{side}_id", words, line)
    for name in COLUMNS:
        value = found.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= LONGEST and "\x00" not in value):
            yield problem(link_codes.LINK_FIELD_INVALID, name, f"{name} is no text of at most {LONGEST} letters.", line)
    if found.get("state") not in (None, "", *STATES):
        yield problem(link_codes.LINK_FIELD_INVALID, "state", f"state is one of {', '.join(STATES)}.", line)
    if found.get("since") and _moment(found["since"]) is None:
        yield problem(link_codes.LINK_FIELD_INVALID, "since", "since is no time as in 2026-05-04T12:00:00Z.", line)


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _row(line: int, found: Mapping[str, Any]) -> LinkRow:
    ends = {name: found.get(name) or "" for name in COLUMNS[:10]}
    return LinkRow(
        line=line, **ends, state=found.get("state") or "linked", rule=found.get("rule") or "imported",
        since=_moment(found["since"]) if found.get("since") else None,
    )  # fmt: skip


def _twice(rows: Sequence[LinkRow]) -> Iterator[Problem]:
    """One record has one counterpart in a place; that several share one is for the target to say."""
    first: dict[tuple[str, ...], int] = {}
    for row in rows:
        end = (row.left_account, row.left_place, row.left_entity, row.left_id or row.left_key)
        before = first.setdefault((*end, row.right_account, row.right_place, row.right_entity), row.line)
        if before != row.line:
            words = f"Line {before} is about {end[2]} {end[3]} too."
            yield problem(link_codes.LINK_TWICE, "left_id", words, row.line)
