"""Records and their timelines in lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from millrace.activity_words import what
from millrace.moments import local

STEPS = {
    "received": "Change received",
    "duplicate": "Change received again",
    "stale": "Older change received",
    "echo": "Echo of our own write",
    "asked": "Asked to be read",
    "filtered": "Left out",
    "mapped": "Mapped",
    "superseded": "Superseded",
    "attempt": "Attempt",
    "applied": "Written",
    "unchanged": "Nothing to write",
    "skipped": "Skipped",
    "held": "On hold: nobody saw the outcome",
    "settled": "Settled by a look",
    "audited": "Looked at again",
    "waiting": "Waits for another try",
    "parked": "Parked",
    "dead": "Failed",
    "replayed": "Tried again",
    "discarded": "Given up",
    "linked": "Linked",
    "unlinked": "Unlinked",
    "consent": "Consent changed at the target",
}


def found_lines(one: Mapping[str, Any]) -> Iterator[str]:
    """A record and where it is."""
    email = one["fields"].get("email") or "no e-mail address"
    gone = ", deleted" if one["deleted"] else ""
    yield f"{one['entity']} {one['record']}  {email}  {one['connection_name']}{gone}, changed {local(one['changed_at'])}"
    if not one["counterparts"]:
        yield "    no sync has wanted it yet"
    for half in one["counterparts"]:
        where = f"{half['target']} {half['place']}"
        key = f" as {half['target_key']}" if half["target_key"] else ""
        standing = f", {half['standing']}" if half["standing"] else ""
        yield f"    {half['sync']} -> {where}{key}{standing}: {_work(half)}"


def timeline_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The record, then what happened, oldest first."""
    yield from found_lines(answer["record"])
    yield ""
    trace, told = "", list(answer["activity"])
    for row in answer["items"]:
        while told and datetime.fromisoformat(told[0]["at"]) <= datetime.fromisoformat(row["at"]):
            yield _told(told.pop(0))
        yield f"{local(row['at'])[:19]}  {_what(row)}"
        for line in _details(row):
            yield f"{'':21}{line}"
        if row["trace_id"] and row["trace_id"] != trace:
            trace = row["trace_id"]
            yield f"{'':21}trace {trace}"
    yield from map(_told, told)
    if not answer["unmasked"]:
        yield "Values are hidden; --unmask shows them."


def _told(one: Mapping[str, Any]) -> str:
    return f"{local(one['at'])[:19]}  Activity: {what(one)}"


def _work(half: Mapping[str, Any]) -> str:
    why = half["reason"] or half["skip"]
    state = half["outcome"] or half["work"] or "on its way"
    return (
        state
        + (f" ({why.replace('_', ' ')})" if why else "")
        + f", revision {half['revision']}, mapping v{half['mapping_version']}"
    )


def _what(row: Mapping[str, Any]) -> str:
    words = STEPS.get(row["step"], str(row["step"]))
    details = row["details"] or {}
    more = [str(details[name]) for name in ("action", "via") if details.get(name)]
    more += (
        [f"revision {row['revision']}"]
        if row["revision"] and row["step"] in ("mapped", "filtered", "superseded")
        else []
    )
    more += (
        [f"mapping v{row['mapping_version']}"]
        if row["mapping_version"] and row["step"] in ("mapped", "filtered")
        else []
    )
    more += [row["reason"].replace("_", " ")] if row["reason"] else []
    more += [f"{row['vendor_status']}"] if row["vendor_status"] else []
    more += [f"{row['duration_ms']:.0f} ms"] if row["duration_ms"] is not None else []
    more += [f"by {row['who']}"] if row["who"] else []
    sync = f"  [{row['sync']}]" if row["sync"] else ""
    return words + (f": {', '.join(more)}" if more else "") + sync


def _details(row: Mapping[str, Any]) -> Iterator[str]:
    if row["words"]:
        yield row["words"]
    if row["vendor_request_id"]:
        yield f"request {row['vendor_request_id']}"
    if row["step"] not in ("applied", "consent"):
        return
    before, after = row["before"] or {}, row["after"] or {}
    # The patch names what changed, also where the values themselves are hidden.
    changed = [one["path"].split("/")[1].replace("~1", "/").replace("~0", "~") for one in row["patch"] or ()]
    for field in dict.fromkeys(changed or [name for name in after if name not in before]):
        yield f"{field}: {_value(before.get(field))} -> {_value(after.get(field))}"


def _value(value: object) -> str:
    return (
        "-" if value is None else value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    )
