"""`millrace record`: one customer, one order: where it is on either side, and what happened to it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from millrace.api_client import open_client
from millrace.finding import no_record, one_record
from millrace.record_words import found_lines, timeline_lines
from millrace.terminal import note

app = typer.Typer(name="record", help="Records: find one, and read what happened to it.", no_args_is_help=True)

Text = Annotated[str, typer.Argument(help="An e-mail address, either side's id, a member's hash, or a trace id.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data too.")]


@app.command()
def find(text: Text, unmask: Unmask = False, as_json: AsJson = False, context: Context = None) -> None:
    """Find a record by whatever you have at hand.

    Examples: millrace record find ana@example.org; millrace record find 4600001 --json | jq '.items[].counterparts'
    """
    with open_client(context) as client:
        answer = client.get("/records", q=text, unmask=str(unmask).lower())
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    elif answer["items"]:
        typer.echo("\n".join(line for one in answer["items"] for line in found_lines(one)))
    if not answer["items"]:
        raise no_record(text)


@app.command()
def timeline(
    text: Text,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=200, help="How many rows at most, the newest ones.")
    ] = 100,
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Tell a record's way: received, mapped, attempts, what was written with before and after, and the trace of each.

    Examples: millrace record timeline ana@example.org; millrace record timeline ana@example.org --unmask --json | jq '.items[-1]'
    """
    with open_client(context) as client:
        one = one_record(client, text)
        answer = client.get(
            "/records/timeline", connection=one["connection"], entity=one["entity"], record=one["record"], limit=limit,
            unmask=str(unmask).lower(),
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo("\n".join(timeline_lines(answer)))
    if answer["earlier"]:
        note(f"There are earlier rows; --limit {min(200, limit * 2)} shows more.")
