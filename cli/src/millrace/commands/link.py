"""`millrace link`: which record of one system is which of the other: seen, made, taken apart, carried elsewhere."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import typer

from millrace.api_client import RefusedByConsole, open_client
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.moments import local
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

ENDS = ("account", "place", "entity", "id", "key")
COLUMNS = (*(f"left_{end}" for end in ENDS), *(f"right_{end}" for end in ENDS), "state", "rule", "since")


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
        told = client.get(
            "/links", q=text, state=state, account=account, limit=limit, cursor=cursor, unmask=str(unmask).lower()
        )
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    if not told["items"]:
        typer.echo("No links are like that." if text or state or account else "There are no links yet; a sync makes them as it writes.")  # fmt: skip
    for one in told["items"]:
        typer.echo(f"{one['id']}  {_end(one['left'])}  {_end(one['right'])}  {one['state']}  {one['rule']}  since {local(one['since'])}")  # fmt: skip
    if told["next_cursor"]:
        note(f"There are more: --cursor {told['next_cursor']}")


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
        told = client.get(f"/links/{id}", unmask=str(unmask).lower())
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(_details(told)))


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
            told = client.post("/links", {**ends, "reason": reason, "dry_run": dry_run})
        except RefusedByConsole as refused:
            raise _with_lines(refused) from refused
    typer.echo(json.dumps(told, indent=2) if as_json else _planned(told))


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
            told = client.post(f"/links/{id}/remove", {"reason": reason, "dry_run": True})
            if dry_run:
                typer.echo(json.dumps(told, indent=2) if as_json else _removal(told, "would be taken apart"))
                return
            note(_removal(told, "would be taken apart"))
            _confirm()
        told = client.post(f"/links/{id}/remove", {"reason": reason})
    typer.echo(json.dumps(told, indent=2) if as_json else _removal(told, "is taken apart"))


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
        rows = (_line(one) for one in client.items("/links", account=account, limit=1000, unmask="true"))
        if path is None:
            count = _write(sys.stdout, rows, format)
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                count = _write(file, rows, format)
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
            told = client.post("/links/import", {"text": text, "reason": reason, "dry_run": dry_run})
        except RefusedByConsole as refused:
            raise _with_lines(refused) from refused
    typer.echo(json.dumps(told, indent=2) if as_json else _planned(told))


def _given(text: str, place: str, name: Literal["id", "key"]) -> dict[str, str]:
    account, entity, rest = [*text.split("/", 2), "", ""][:3]
    if not (account and entity and rest):
        raise CommandError(f"{text} names no record.", f"Write {End}", ExitCode.USAGE)
    return {"account": account, "place": place, "entity": entity, name: rest}


def _end(end: Mapping[str, Any]) -> str:
    return f"{end['connection'] or end['account']}/{end['entity']}/{end['id'] or end['key']}" + (
        f" ({end['key']})" if end["id"] and end["key"] and end["key"] != end["id"] else ""
    )


def _details(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'link':<10}  {one['id']}, {one['state']}, by {one['rule'] or '-'}, since {local(one['since'])}"
    for side in ("left", "right"):
        place = f" in {one[side]['place']}" if one[side]["place"] else ""
        yield f"{side:<10}  {_end(one[side])}{place}"
    for row in one["history"]:
        who = f" by {row['who']}" if row["who"] else ""
        yield f"{'':<10}  {local(row['at'])}  {row['what']}{who}{': ' + row['why'] if row['why'] else ''}"


def _planned(told: Mapping[str, Any]) -> str:
    would = "would be " if told["dry_run"] else ""
    return f"{told['added']} links {would}made, {told['again']} {would}linked again, {told['unchanged']} there already."


def _removal(told: Mapping[str, Any], what: str) -> str:
    return f"Link {told['id']} {what}: {_end(told['left'])} and {_end(told['right'])}.\n{told['next']}"


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise CommandError("Taking a link apart has to be confirmed.", "Repeat it with --yes.", ExitCode.USAGE)
    if not typer.confirm("Take it apart?", err=True):
        raise CommandError("Nothing was done.")


def _with_lines(refused: RefusedByConsole) -> CommandError:
    """Every problem on a line of its own, with its remedy."""
    problems = refused.problem.get("problems")
    if not isinstance(problems, list):
        return refused
    lines = [f"line {one['row']}, {one['field']}: {one['words']} {one['remedy']} [{one['code']}]" for one in problems]
    return CommandError("\n".join(["Nothing was written.", *lines]), "", refused.code)


def _line(one: Mapping[str, Any]) -> dict[str, str]:
    ends = {f"{side}_{name}": str(one[side][name]) for side in ("left", "right") for name in ENDS}
    return ends | {name: str(one[name]) for name in ("state", "rule", "since")}


def _write(file: IO[str], rows: Iterator[dict[str, str]], format: str) -> int:
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
