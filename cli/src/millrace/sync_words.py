"""Syncs in lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from millrace.moments import local
from millrace.notice_words import summary_line
from millrace.reconciliation_words import result_of
from millrace.run_words import duration

SETTING = "/summaries/setting"


def line_of(one: Mapping[str, Any], width: int) -> str:
    """One sync in a list."""
    more = [f"{one['waiting']} waiting"] if one["waiting"] else []
    more += [f"{one['failed']} failed"] if one["failed"] else []
    return (
        f"{one['name']:<{width}}  {one['standing']:<15}  {one['source']} -> {one['target']}  v{one['mapping_version']}"
        + (f"  {', '.join(more)}" if more else "")
    )


def shown(one: Mapping[str, Any], setting: Mapping[str, Any]) -> list[str]:
    """One sync, and where its days are told of."""
    return [*details_of(one), summary_line(setting)]


def details_of(one: Mapping[str, Any]) -> Iterator[str]:
    """Everything about one sync."""
    labels = [
        ("name", one["name"]),
        ("state", one["standing"]),
        ("template", one["template"]),
        ("mapping", f"version {one['mapping_version']}"),
        ("waiting", _waiting(one)),
        ("failed", f"{one['failed']}{_see_failed(one)}"),
        ("missing", _missing(one)),
        ("asked", f"{one['asked']}, see `millrace review list --sync {one['name']}`" if one["asked"] else ""),
        *(
            ("first", f"{leg} is written once both sides were read whole, which they are not yet")
            for leg in one["unread_sides"]
        ),
        *(("not read", _unread(source)) for source in one["unread"]),
        *(("compared", _compared(one, leg)) for leg in one["reconciliations"]),
        ("made", f"{local(one['created_at'])} by {one['created_by'] or 'nobody'}"),
    ]
    for label, value in labels:
        if value:
            yield f"{label:<10}  {value}"
    for leg in one["legs"]:
        yield from _leg(one, leg, alone=len(one["legs"]) == 1)


def _leg(one: Mapping[str, Any], leg: Mapping[str, Any], *, alone: bool) -> Iterator[str]:
    """Where a leg leads, and its mapping; a sync with several tells which is which."""
    here, there = one["source"], one["target"]
    ends = {"back": (there, here), "within": (here, here)}.get(leg["direction"], (here, there))
    if not alone:
        yield f"{'leg':<10}  {leg['name']}, {leg['direction']}, mapping version {leg['mapping_version']}"
    yield f"{'from':<10}  {', '.join(word for word in (ends[0], leg['source_entity'], leg['source_place']) if word)}"
    yield f"{'to':<10}  {ends[1]}, {leg['target_entity']}, {leg['target_place']}"
    if leg["mapping"] is not None:
        yield from _mapping(leg["mapping"])


def _mapping(mapping: Mapping[str, Any]) -> Iterator[str]:
    for number, row in enumerate(mapping["rows"], 1):
        yield f"  {number:>2}  {row['target']:<16} <- {_rule(row)}"
    if mapping["filter"]:
        yield f"  only where  {mapping['filter']}"
    for name, value in sorted(mapping["options"].items()):
        yield f"  {name}: {json.dumps(value)}"


def applied_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """What an apply came to."""
    would = "would be " if answer["dry_run"] else ""
    words = {"created": f"{would}created", "changed": f"{would}changed", "unchanged": "is as the file says"}
    yield f"{answer['name']} {words[answer['outcome']]}: mapping version {answer['mapping_version']}, {answer['state']}."
    for leg in answer["legs"] if len(answer["legs"]) > 1 else ():
        yield f"  leg {leg['name']} {words[leg['outcome']]}: mapping version {leg['mapping_version']}"
    for field in answer["fields_created"]:
        yield f"  {would}new field: {field}"
    for webhook in answer["webhooks"]:
        yield f"  {would}registered: {webhook}"
    if not answer["dry_run"]:
        yield f"See `millrace sync show {answer['name']}` and `millrace sync history {answer['name']}`."


def preview_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Counts, reasons, samples: of each leg where there are several."""
    if len(answer["legs"]) == 1:
        yield from _counts(answer)
    for leg in answer["legs"] if len(answer["legs"]) > 1 else ():
        yield f"Leg {leg['leg']}"
        yield from _counts(leg)
    for field in answer["fields_to_create"]:
        yield f"Field to be created: {field}"
    for warning in answer["warnings"]:
        yield f"Note: {warning}"
    if answer["listed"]:
        which = f"the {answer['listed']}" if answer["complete"] else f"the first {answer['listed']}"
        yield f"Nothing has been read from the source yet: this is what {which} of its list come to. Nothing was stored."
    elif not answer["total"]:
        yield "Nothing has been read from the source yet."


def _counts(answer: Mapping[str, Any]) -> Iterator[str]:
    reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in answer["skipped_by_reason"].items())
    yield (
        f"Of {answer['total']}: will add {answer['add']} | will update {answer['update']} | unchanged {answer['unchanged']} | "
        f"remove {answer['remove']} | skipped {answer['skipped']}" + (f" ({reasons})" if reasons else "")
    )
    if answer.get("matching"):
        yield _matching(answer["matching"])
    if not answer["complete"]:
        yield "There are more records; only these were judged."
    if answer["details"]["calls"]:
        yield _details(answer["details"])
    if answer["plan"]["calls"]:
        yield _plan(answer["plan"])
    for sample in answer["samples"]:
        yield f"  {sample['record']}  {sample['kind']}" + (f" ({sample['skip']})" if sample["skip"] else "")
        for change in sample["changes"]:
            yield f"      {change['field']}: {_value(change['before'])} -> {_value(change['after'])}"
        for remark in sample["notes"]:
            yield f"      {remark}"


def _matching(found: Mapping[str, Any]) -> str:
    asked = found["asked_left"] + found["asked_right"]
    return (
        f"Both sides: {found['linked']} linked already, {found['matched']} are one and will be linked, {asked} wait for a person's answer; "
        f"new at the target {found['new_right']}, new at the source {found['new_left']}"
    )


def _details(found: Mapping[str, Any]) -> str:
    day = f", at most {found['a_day']} a day" if found["a_day"] is not None else ""
    return f"To be read one by one: {found['calls']} calls{day}, about {duration(found['seconds'])}."


def _plan(found: Mapping[str, Any]) -> str:
    calls = ", ".join(f"{many} {vendor}" for vendor, many in found["calls"].items())
    return f"The run costs about {calls} calls, {duration(found['seconds'])} by the vendors' limits."


def _waiting(one: Mapping[str, Any]) -> str:
    since = f", since {local(one['oldest_waiting'])}" if one["oldest_waiting"] else ""
    gates = f"; held back: {', '.join(one['gates'])}" if one["gates"] else ""
    return f"{one['waiting']}{since}{gates}"


def _missing(one: Mapping[str, Any]) -> str:
    if not one["missing"]:
        return ""
    return f"{one['missing']} records that the last complete list lacked; nothing was removed (millrace sync missing {one['name']} --read or --keep)"


def _unread(source: Mapping[str, Any]) -> str:
    """What cannot be read, what waits for it, why, and what to do."""
    held = f", so no {' or '.join(source['holds_back'])} is read either" if source["holds_back"] else ""
    remedy = f" {source['remedy']}" if source["remedy"] else ""
    again = f"tried again at {local(source['next_at'])}"
    return f"{source['entity']}{held}: {source['words'].rstrip('.')} [{source['code']}]; {again}.{remedy}"


def _compared(one: Mapping[str, Any], leg: Mapping[str, Any]) -> str:
    fields = ", ".join(f"{field} {many}" for field, many in leg["fields"].items())
    which = f"{leg['leg']}: " if len(one["reconciliations"]) > 1 else ""
    return f"{which}{result_of(one['name'], leg)}{f' ({fields})' if fields else ''}"


def _see_failed(one: Mapping[str, Any]) -> str:
    return f" (millrace dead-letter list --sync {one['name']})" if one["failed"] else ""


def _rule(row: Mapping[str, Any]) -> str:
    steps = [step["name"] if not step["arguments"] else f"{step['name']} {json.dumps(step['arguments'])}" for step in row["transforms"]]  # fmt: skip
    tail = "  required" if row["required"] else ""
    return " | ".join([row["from"], *steps]) + tail


def _value(value: object) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
