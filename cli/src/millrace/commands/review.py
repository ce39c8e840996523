"""`millrace review`: what a person has to decide."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from millrace.api_client import open_client
from millrace.review_words import detail_lines, review_line
from millrace.terminal import note

app = typer.Typer(
    no_args_is_help=True, help="What people have to decide: who a record is, and which of two values holds."
)

Kind = Annotated[
    Literal["", "conflict", "gone", "match", "unmatched"], typer.Option("--kind", help="Only those of this kind.")
]
SyncName = Annotated[str, typer.Option("--sync", help="Only those of this sync.")]
Id = Annotated[int, typer.Argument(help="The question's number, as `millrace review list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the record's timeline.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data too.")]


@app.command(name="list")
def list_reviews(
    kind: Kind = "",
    sync: SyncName = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 100,
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """List what waits for a person, the oldest first; nothing is written of these records, or of the field in question, until it is decided.

    Examples: millrace review list --kind match --sync customers; millrace review list --json | jq '.items[].id'
    """
    with open_client(context) as client:
        found = client.get("/reviews", kind=kind, sync=sync, limit=limit, unmask=str(unmask).lower())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["items"]:
        typer.echo("Nothing is asked.")
    for one in found["items"]:
        typer.echo(review_line(one))
    if found["next_cursor"]:
        note(f"There are more than {limit}; --limit shows more.")


@app.command()
def show(id: Id, unmask: Unmask = False, as_json: AsJson = False, context: Context = None) -> None:
    """Show one question with the records that it names, and its answers with what becomes of each.

    Examples: millrace review show 12 --unmask; millrace review show 12 --json | jq '.answers'
    """
    with open_client(context) as client:
        found = client.get(f"/reviews/{id}", unmask=str(unmask).lower())
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(detail_lines(found)))


@app.command()
def decide(
    id: Id,
    answer: Annotated[
        str,
        typer.Argument(help="One of the answers that `millrace review show` names, such as left, new or link:4600001."),
    ],
    reason: Reason = "",
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Decide a question. The answer holds for what it showed; a later change is asked about anew, under another number.

    Examples: millrace review decide 12 link:4600001 --reason "same person"; millrace review decide 13 leave --json
    """
    with open_client(context) as client:
        found = client.post(f"/reviews/{id}/decide", {"answer": answer, "reason": reason})
    typer.echo(json.dumps(found, indent=2) if as_json else f"Decided: {answer}. {review_line(found)}")
