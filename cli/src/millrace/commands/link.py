"""`millrace link`: which record of one system is which of the other: seen, made, taken apart, carried elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from millrace.api_client import RefusedByConsole, open_client
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.link_words import (
    detail_lines,
    link_line,
    planned_words,
    question_words,
    removal_words,
    row_of,
    with_lines,
    write_rows,
)
from millrace.terminal import note

app = typer.Typer(
    name="link", help="Links: which record of one system is which record of the other.", no_args_is_help=True
)

State = Annotated[str, typer.Option("--state", help="Only those: reserved, linked, ended_left, ended_right, unlinked.")]
Account = Annotated[str, typer.Option("--account", help="Only of this connection or account.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the record's timeline.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data too.")]
End = "CONNECTION/ENTITY/ID, as books/customer/4600001; an account's name will do for the connection's."


@app.command(name="list")
def list_links(
    text: Annotated[str, typer.Argument(help="An id or a key of either side.")] = "",
    state: State = "",
    account: Account = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 100,
    cursor: Annotated[str, typer.Option("--cursor", help="Where the last page ended.")] = "",
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """List links, in the order in which they were made.

    Examples: millrace link list; millrace link list ana@example.org --unmask; millrace link list --state ended_right --json | jq '.items[].id'
    """
    with open_client(context) as client:
        found = client.get(
            "/links", q=text, state=state, account=account, limit=limit, cursor=cursor, unmask=str(unmask).lower()
        )
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["items"]:
        typer.echo("No links are like that." if text or state or account else "There are no links yet; a sync makes them as it writes.")  # fmt: skip
    for one in found["items"]:
        typer.echo(link_line(one))
    if found["next_cursor"]:
        note(f"There are more: --cursor {found['next_cursor']}")


@app.command()
def show(
    id: Annotated[int, typer.Argument(help="The link's number, as `millrace link list` shows it.")],
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Show one link with its history.

    Examples: millrace link show 417; millrace link show 417 --unmask --json | jq .history
    """
    with open_client(context) as client:
        found = client.get(f"/links/{id}", unmask=str(unmask).lower())
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(detail_lines(found)))


@app.command()
def add(
    left: Annotated[str, typer.Argument(help=End)],
    right: Annotated[str, typer.Argument(help=End)],
    left_place: Annotated[str, typer.Option("--left-place", help="Its organisation, shop or list.")] = "",
    right_place: Annotated[str, typer.Option("--right-place", help="Its organisation, shop or list.")] = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Say that two records are one; nothing is written at either side by that.

    Examples: millrace link add books/customer/4600001 chimp/member/ana@example.org --right-place a6b5da1054 --reason "same person";
    millrace link add books/customer/4600001 crm/contact/77 --dry-run
    """
    ends = {"left": _given(left, left_place, "id"), "right": _given(right, right_place, "key")}
    with open_client(context) as client:
        try:
            found = client.post("/links", {**ends, "reason": reason, "dry_run": dry_run})
        except RefusedByConsole as refused:
            raise with_lines(refused) from refused
    typer.echo(json.dumps(found, indent=2) if as_json else planned_words(found))


@app.command()
def remove(
    id: Annotated[int, typer.Argument(help="The link's number, as `millrace link list` shows it.")],
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Say that two records are not one; neither of them is deleted or changed.

    Examples: millrace link remove 417 --reason "two persons"; millrace link remove 417 --dry-run
    """
    with open_client(context) as client:
        if dry_run or not yes:
            found = client.post(f"/links/{id}/remove", {"reason": reason, "dry_run": True})
            if dry_run:
                typer.echo(json.dumps(found, indent=2) if as_json else removal_words(found, "would be taken apart"))
                return
            note(removal_words(found, "would be taken apart"))
            _confirm()
        found = client.post(f"/links/{id}/remove", {"reason": reason})
    typer.echo(json.dumps(found, indent=2) if as_json else removal_words(found, "is taken apart"))


@app.command()
def questions(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 100,
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """List what a person has to decide: fields that both sides have changed, and edits of records whose counterpart is gone.

    Examples: millrace link questions --unmask; millrace link questions --json | jq '.items[] | {link, field}'
    """
    with open_client(context) as client:
        found = client.get("/link-questions", limit=limit, unmask=str(unmask).lower())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["items"]:
        typer.echo("Nothing is asked.")
    for one in found["items"]:
        typer.echo(question_words(one))
    if found["next_cursor"]:
        note(f"There are more than {limit}; --limit shows more.")


@app.command()
def answer(
    id: Annotated[int, typer.Argument(help="The link's number, as `millrace link questions` shows it.")],
    winner: Annotated[Literal["left", "right"], typer.Argument(help="Whose value both shall have.")],
    field: Annotated[
        str, typer.Option("--field", help="The field; without it, the question about the whole record.")
    ] = "",
    reason: Reason = "",
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Decide a question; the answer holds for the two values that it shows, and a later edit is asked about anew.

    Examples: millrace link answer 417 left --field phone --reason "she moved"; millrace link answer 417 right --json
    """
    with open_client(context) as client:
        found = client.post(f"/links/{id}/answer", {"field": field, "winner": winner, "reason": reason})
    typer.echo(json.dumps(found, indent=2) if as_json else f"Answered: {winner}. {question_words(found)}")


@app.command(name="export")
def export_links(
    path: Annotated[Path | None, typer.Argument(help="The file; stdout without it.")] = None,
    format: Annotated[Literal["csv", "jsonl"], typer.Option("--format", help="csv or jsonl (JSON lines).")] = "csv",
    account: Account = "",
    context: Context = None,
) -> None:
    """Write links to a file that `millrace link import` reads; it holds the keys of records, which may be e-mail addresses.

    Examples: millrace link export links.csv; millrace link export --format jsonl --account books > links.jsonl
    """
    with open_client(context) as client:
        rows = (row_of(one) for one in client.items("/links", account=account, limit=1000, unmask="true"))
        if path is None:
            count = write_rows(sys.stdout, rows, format)
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                count = write_rows(file, rows, format)
    note(f"{count} links.")


@app.command(name="import")
def import_links(
    path: Annotated[
        Path, typer.Argument(help="A file as `millrace link export` writes it, CSV or JSON lines; - for stdin.")
    ],
    reason: Reason = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Read links from a file, all or none: every line is checked, and what is wrong is told with its line.

    Examples: millrace link import links.csv --dry-run; millrace link import links.csv --reason "moved from the old server"
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.", "Name a file of links.", ExitCode.USAGE) from error
    with open_client(context) as client:
        try:
            found = client.post("/links/import", {"text": text, "reason": reason, "dry_run": dry_run})
        except RefusedByConsole as refused:
            raise with_lines(refused) from refused
    typer.echo(json.dumps(found, indent=2) if as_json else planned_words(found))


def _given(text: str, place: str, name: Literal["id", "key"]) -> dict[str, str]:
    account, entity, rest = [*text.split("/", 2), "", ""][:3]
    if not (account and entity and rest):
        raise CommandError(f"{text} names no record.", f"Write {End}", ExitCode.USAGE)
    return {"account": account, "place": place, "entity": entity, name: rest}


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise CommandError("Taking a link apart has to be confirmed.", "Repeat it with --yes.", ExitCode.USAGE)
    if not typer.confirm("Take it apart?", err=True):
        raise CommandError("Nothing was done.")
