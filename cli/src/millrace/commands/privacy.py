"""`millrace privacy`: what persons ask for by way of a shop: to be told what is kept, or to be forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import open_client
from millrace.terminal import note

app = typer.Typer(
    name="privacy", help="Privacy: what persons ask for, and all that is kept of one.", no_args_is_help=True
)

Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Id = Annotated[str, typer.Argument(help="The request's id, as `millrace privacy list` shows it.")]
EMPTY = "Nobody has asked for anything yet."


@app.command(name="list")
def list_requests(as_json: AsJson = False, context: Context = None) -> None:
    """List the requests, the newest first: what is asked, until when, and how far it is.

    Examples: millrace privacy list; millrace privacy list --json | jq '.items[] | select(.state == "open")'
    """
    with open_client(context) as client:
        found = list(client.items("/privacy-requests"))
    if as_json:
        typer.echo(json.dumps({"items": found, "next_cursor": None}, indent=2))
    else:
        typer.echo("\n".join(_line(one) for one in found) if found else EMPTY)


@app.command()
def export(request: Id, context: Context = None) -> None:
    """Write all that is kept of a person, as JSON: every record that the request names, all its values, and what it became elsewhere.

    Examples: millrace privacy export 3f2a > person.json; millrace privacy export 3f2a | jq '.records[].fields.email'
    """
    with open_client(context) as client:
        typer.echo(json.dumps(client.get(f"/privacy-requests/{quote(request, safe='')}/export"), indent=2))


@app.command()
def done(request: Id, as_json: AsJson = False, context: Context = None) -> None:
    """Say that the person has its answer: the request is closed and its notice is gone.

    Examples: millrace privacy done 3f2a; millrace privacy done 3f2a --json | jq .closed_at
    """
    with open_client(context) as client:
        closed = client.post(f"/privacy-requests/{quote(request, safe='')}/done")
    if as_json:
        typer.echo(json.dumps(closed, indent=2))
    else:
        note(f"{request} is answered.")


def _line(one: Mapping[str, Any]) -> str:
    asked = {
        "export": "what is kept",
        "redact": "to be forgotten",
        "redact_account": "the whole account to be forgotten",
    }
    until = f"due {one['due_at'][:10]}" if one["state"] == "open" else one["state"]
    of = f"{one['redacted']} redacted" if one["kind"] != "export" else f"{one['records']} records"
    words = f"  {one['words']}" if one["words"] else ""
    return f"{one['id']:<34}  {one['name']:<16}  {asked[one['kind']]:<34}  {of:<14}  {until}{words}"
