"""`millrace run`: what became of the records of a day of live changes, a mapping version, a sync switched off."""

from __future__ import annotations

import json
from itertools import islice
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import ApiClient, open_client
from millrace.csv_files import csv_text, write_csv
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.run_words import COLUMNS, details_of, history_lines, record_lines, summary_of
from millrace.terminal import note
from millrace.watching import watched

app = typer.Typer(name="run", help="Runs: what became of the records that entered them.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The run's id, as `millrace run list` tells it.")]
Sync = Annotated[str, typer.Option("--sync", help="Only runs of this sync.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most, the newest ones.")]
Outcome = Annotated[
    list[str] | None,
    typer.Option("--outcome", help="added, updated, removed, unchanged, skipped, failed, superseded or waiting."),
]
Output = Annotated[str, typer.Option("--output", "-o", help="The file to write; - is stdout.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]

OUTCOMES = ("added", "updated", "removed", "unchanged", "skipped", "failed", "superseded", "waiting")


@app.command(name="list")
def list_runs(sync: Sync = "", limit: Limit = 20, as_json: AsJson = False, context: Context = None) -> None:
    """List the newest runs, of one sync or of all.

    Examples: millrace run list; millrace run list --sync demo-customers --json | jq '.items[0].id'
    """
    with open_client(context) as client:
        path = f"/syncs/{quote(sync, safe='')}/history" if sync else "/runs"
        answer = client.get(path, limit=limit)
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    elif not answer["items"]:
        typer.echo(
            "There are no runs yet: one begins with the first change that a sync hears of, or when it is applied."
        )
    else:
        typer.echo("\n".join(history_lines(answer["items"], name="id")))
        if answer["next_cursor"]:
            note("There are older runs; --limit shows more.")


@app.command()
def show(run: Id, outcome: Outcome = None, limit: Limit = 50, as_json: AsJson = False, context: Context = None) -> None:
    """Show one run: its counts with their reasons, and with --outcome the records that ended so.

    Examples: millrace run show demo-customers.v1; millrace run show demo-customers.v1 --outcome skipped --outcome failed
    """
    with open_client(context) as client:
        answer = client.get(_path(run))
        answer["records"] = list(islice(_records(client, run, outcome), limit + 1)) if outcome else []
    more = len(answer["records"]) > limit
    answer["records"] = answer["records"][:limit]
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo("\n".join([*details_of(answer), *record_lines(answer["records"])]))
    if outcome and not answer["records"]:
        typer.echo(f"No record of it ended as {' or '.join(outcome)}.")
    if more:
        note("There are more records; `millrace run export` writes all of them.")


@app.command()
def watch(run: Id, as_json: AsJson = False, context: Context = None) -> None:
    """Watch one run until every record of it has its end. Exit code 6 when some failed.

    Examples: millrace run watch demo-customers.backfill.1; millrace run watch demo-customers.backfill.1 --json | jq .counts
    """
    with open_client(context) as client:
        shown = watched(client, run)
    typer.echo(json.dumps(summary_of(shown), indent=2) if as_json else "\n".join(details_of(shown)))
    if shown["failed"]:
        raise typer.Exit(ExitCode.SOME_FAILED)


@app.command()
def export(run: Id, outcome: Outcome = None, output: Output = "-", context: Context = None) -> None:
    """Write the records of a run as CSV: which they are, how each ended, why, and when.

    Examples: millrace run export demo-customers.v1 --outcome skipped -o skipped.csv; millrace run export demo-customers.v1 | head
    """
    with open_client(context) as client:
        text = csv_text(COLUMNS, _records(client, run, outcome))
    write_csv(text, output, "records")


def _records(client: ApiClient, run: str, outcome: list[str] | None) -> Any:
    for one in outcome or ():
        if one not in OUTCOMES:
            raise CommandError(f"{one} is no end of a record.", f"It is one of {', '.join(OUTCOMES)}.", ExitCode.USAGE)
    return client.items(f"{_path(run)}/records", outcome=list(outcome or ()))


def _path(run: str) -> str:
    return f"/runs/{quote(run, safe='')}"
