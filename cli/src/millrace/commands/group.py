"""`millrace group`: consumer groups: who reads, how far behind, and where a stopped one goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import open_client
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.moments import moment
from millrace.terminal import note

app = typer.Typer(name="group", help="Consumer groups: lag, and moving a stopped group.", no_args_is_help=True)

Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
_LINE = re.compile(r"(\S+)\s+(\d+)\s+(\d+)\Z")
_OFFSET = re.compile(r"-?\d{1,18}\Z")


@app.command(name="list")
def list_groups(as_json: AsJson = False, context: Context = None) -> None:
    """List the groups with their state and lag.

    Examples: millrace group list; millrace group list --json | jq '.items[] | {name, lag}'
    """
    with open_client(context) as client:
        answer = client.get("/groups")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    if not answer["items"]:
        typer.echo("Kafka knows no consumer group yet; they appear when the services have read for the first time.")
    for one in answer["items"]:
        typer.echo(f"{one['name']:<32}  {one['state']:<10}  {len(one['members'])} members  lag {one['lag']}")


@app.command()
def lag(
    group: Annotated[str, typer.Argument(help="The group; all of them without it.")] = "",
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Show how many records each group has still to read, by topic.

    Examples: millrace group lag; millrace group lag mapper --json | jq '.partitions[] | select(.lag > 0)'
    """
    with open_client(context) as client:
        answer: Any = client.get(f"/groups/{quote(group, safe='')}") if group else client.get("/groups")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    found = [answer] if group else answer["items"]
    if not found:
        typer.echo("Kafka knows no consumer group yet; they appear when the services have read for the first time.")
    for one in found:
        typer.echo("\n".join(_lag_lines(one)))


@app.command()
def seek(
    group: Annotated[str, typer.Option("--group", help="The group; its members have to be stopped.")],
    topic: Annotated[str, typer.Option("--topic", help="The topic whose offsets are moved.")] = "",
    to: Annotated[str, typer.Option("--to", help="earliest, latest, an offset, -N from the end, or a time.")] = "",
    from_file: Annotated[Path | None, typer.Option("--from-file", help="Offsets that were exported before.")] = None,
    export: Annotated[Path | None, typer.Option("--export", help="Where the present offsets are written to.")] = None,
    execute: Annotated[bool, typer.Option("--execute", help="Do it; without it only the plan is shown.")] = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Move a stopped group's offsets. Everything from there on is read and judged again; nothing older than what is known is written.

    Examples: millrace group seek --group mapper --topic changes.zoho-books --to earliest; millrace group seek --group
    writer-mailchimp --topic commands.mailchimp --to 2026-11-20T08:00:00Z --execute; millrace group seek --group mapper --from-file
    offsets.txt --execute
    """
    body = _wish(topic, to, from_file)
    path = f"/groups/{quote(group, safe='')}/seek"
    with open_client(context) as client:
        plan = client.post(path, body)
        if execute or export is not None:
            where = export or Path(f"offsets-{group}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.txt")
            _export(where, plan)
            note(f"The present offsets are in {where}; --from-file {where} brings them back.")
        done = client.post(path, {**body, "execute": True}) if execute else plan
    typer.echo(json.dumps(done, indent=2) if as_json else "\n".join(_seek_lines(done)))


def _wish(topic: str, to: str, from_file: Path | None) -> dict[str, Any]:
    if from_file is not None:
        return {"offsets": list(_exported(from_file))}
    if not topic or not to:
        raise CommandError(
            "A seek needs --topic and --to, or --from-file.", "See `millrace group seek --help`.", ExitCode.USAGE
        )
    if to in ("earliest", "latest") or _OFFSET.match(to):
        return {"topic": topic, "to": to}
    return {"topic": topic, "to": moment(to, datetime.now(UTC)).isoformat()}


def _export(path: Path, plan: Mapping[str, Any]) -> None:
    lines = [
        f"{move['topic']} {move['partition']} {move['begin'] if move['before'] is None else move['before']}"
        for move in plan["moves"]
    ]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as refused:
        raise CommandError(
            f"The present offsets cannot be written to {path}: {refused.strerror}. Nothing was moved.",
            "Name another file with --export.",
        ) from refused


def _exported(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as refused:
        raise CommandError(f"{path} cannot be read: {refused}.", code=ExitCode.USAGE) from refused
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _LINE.match(line.strip())
        if found is None:
            raise CommandError(f"Line {number} of {path} is not `topic partition offset`.", code=ExitCode.USAGE)
        yield {"topic": found[1], "partition": int(found[2]), "offset": int(found[3])}


def _lag_lines(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"{one['name']}  {one['state']}  {len(one['members'])} members  lag {one['lag']}"
    for topic in dict.fromkeys(place["topic"] for place in one["partitions"]):
        places = [place for place in one["partitions"] if place["topic"] == topic]
        behind = ", ".join(f"{place['partition']}: {place['lag']}" for place in places if place["lag"])
        yield f"    {topic:<28}  lag {sum(place['lag'] for place in places)}" + (f"  ({behind})" if behind else "")


def _seek_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    for move in answer["moves"]:
        before = "-" if move["before"] is None else move["before"]
        yield f"{move['topic']} {move['partition']:>3}   {before:>10} -> {move['after']:>10}   of {move['begin']} to {move['end']}"
    again = (
        f"{answer['records']} records are read again"
        if answer["records"] >= 0
        else f"{-answer['records']} records are passed over"
    )
    if answer["executed"]:
        yield f"{answer['group']} is moved: {again}. Start its service."
        return
    yield f"Plan: {again}. Nothing was moved; --execute does it."
    if answer["members"]:
        yield f"The group has {len(answer['members'])} active members: stop their service first."
