"""`millrace sync`: what joins a source to a target: applied from a file, previewed, paused, resumed, looked at."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import RefusedByConsole, open_client
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.moments import local
from millrace.reconciliation_words import reconciliation_lines
from millrace.run_words import details_of as details_of_run
from millrace.run_words import history_lines, summary_of
from millrace.sync_words import SETTING, applied_lines, line_of, preview_lines, shown
from millrace.terminal import note
from millrace.watching import reconciled, watched

app = typer.Typer(name="sync", help="Syncs: what joins a source to a target, and how.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The sync's name.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
File = Annotated[Path, typer.Option("--file", "-f", help="The sync as YAML or JSON; - reads it from stdin.")]
Limit = Annotated[int, typer.Option("--limit", min=0, max=200, help="How many at most.")]
Archive = Annotated[
    bool, typer.Option("--archive", help="Archive what nobody else shares, instead of leaving it as it is.")
]
Repair = Annotated[bool, typer.Option("--repair", help="Repair however much differs; answers a question that is open.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data too.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check it and say what would be done; write nothing.")]


@app.command()
def apply(
    file: File,
    dry_run: DryRun = False,
    draft: Annotated[bool, typer.Option("--draft", help="Store it without switching it on.")] = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Make or change a sync from a file. The same file again changes nothing; a changed one is a new mapping version.

    Examples: millrace sync apply -f customers.yaml; millrace sync apply -f customers.yaml --dry-run; millrace sync show customers
    --json | jq .mapping
    """
    body = read_document(file)
    with open_client(context) as client:
        try:
            answer = client.post(f"/syncs?dry_run={str(dry_run).lower()}&draft={str(draft).lower()}", body)
        except RefusedByConsole as refused:
            raise _explained(refused) from refused
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    for warning in answer["warnings"]:
        note(f"warning: {warning}")
    typer.echo("\n".join(applied_lines(answer)))


@app.command(name="list")
def list_syncs(as_json: AsJson = False, context: Context = None) -> None:
    """List the syncs and how they are.

    Examples: millrace sync list; millrace sync list --json | jq '.items[].standing'
    """
    with open_client(context) as client:
        found = list(client.items("/syncs"))
    if as_json:
        typer.echo(json.dumps({"items": found, "next_cursor": None}, indent=2))
        return
    if not found:
        typer.echo("There are no syncs yet: a sync keeps the records of one account in step with another.")
        typer.echo(
            "Write one into a file and apply it with `millrace sync apply -f FILE`; see `millrace sync apply --help`."
        )
        return
    width = max(len(one["name"]) for one in found)
    for one in found:
        typer.echo(line_of(one, width))


@app.command()
def show(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Show one sync with its mapping.

    Examples: millrace sync show demo-customers; millrace sync show demo-customers --json | jq .mapping.rows
    """
    with open_client(context) as client:
        found = client.get(_path(name))
        typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(shown(found, client.get(SETTING))))


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="The sync's name; not needed with --file.")] = "",
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A sync that was not applied yet.")] = None,
    limit: Limit = 20,
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Say what a sync would do to the records that were read so far: counts and samples. Nothing is written.

    Examples: millrace sync preview demo-customers --limit 5; millrace sync preview -f customers.yaml --unmask
    """
    if not name and file is None:
        raise CommandError("Name a sync, or give a file with --file.", "See `millrace sync list`.", ExitCode.USAGE)
    query = f"?limit={limit}&unmask={str(unmask).lower()}"
    with open_client(context) as client:
        try:
            if file is not None:
                answer = client.post(f"/sync-preview{query}", read_document(file))
            else:
                answer = client.get(f"{_path(name)}/preview", limit=limit, unmask=str(unmask).lower())
        except RefusedByConsole as refused:
            raise _explained(refused) from refused
    typer.echo(json.dumps(answer, indent=2) if as_json else "\n".join(preview_lines(answer)))


@app.command()
def pause(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Pause a sync: changes are still received and judged, and nothing is written until it is resumed.

    Examples: millrace sync pause demo-customers; millrace sync pause demo-customers --json | jq .waiting
    """
    _switch(name, "pause", "is paused: changes are received and wait.", as_json, context)


@app.command()
def resume(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Resume a sync that was paused or disabled, or switch on a draft; what waited is written in its order.

    Examples: millrace sync resume demo-customers; millrace sync resume demo-customers --json | jq .standing
    """
    _switch(name, "resume", "is active.", as_json, context)


@app.command()
def run(
    name: Name,
    full: Annotated[bool, typer.Option("--full", help="Read everything, not only what has changed.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until every record has its end; exit code 6 when some failed.")
    ] = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Read the source of a sync now, instead of when its schedule says so.

    Examples: millrace sync run demo-customers --wait; millrace sync run demo-customers --full --wait --json | jq .counts
    """
    with open_client(context) as client:
        began = client.post(f"{_path(name)}/runs?full={str(full).lower()}")
        shown = watched(client, began["id"]) if wait else began
    if as_json:
        typer.echo(json.dumps(summary_of(shown), indent=2))
    elif wait:
        typer.echo("\n".join(details_of_run(shown)))
    else:
        typer.echo(f"{shown['id']} has begun; watch it with `millrace run watch {shown['id']}`.")
    if shown["failed"]:
        raise typer.Exit(ExitCode.SOME_FAILED)


@app.command()
def missing(
    name: Name,
    read: Annotated[bool, typer.Option("--read", help="Read each by id; who is gone there is removed.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave all of them as they are.")] = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Say what becomes of records that the last complete list of the source lacked, if these were too many to go without asking.

    Examples: millrace sync missing demo-customers --keep; millrace sync missing demo-customers --read
    """
    if read == keep:
        raise CommandError("Say either --read or --keep.", f"See `millrace sync show {name}`.", ExitCode.USAGE)
    answer = {"answer": "read" if read else "keep"}
    with open_client(context) as client:
        shown = client.post(f"{_path(name)}/missing", answer)
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
    else:
        typer.echo(
            "Each of them is read by id; only who is gone there is removed."
            if read
            else "All of them stay as they are."
        )


@app.command()
def reconcile(
    name: Name,
    repair: Repair = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Compare both sides of a sync now and repair what differs; more than 1 % of the records, or than 200, only if you say so.

    Examples: millrace sync reconcile demo-customers; millrace sync reconcile demo-customers --repair --json | jq '.[].fields'
    """
    with open_client(context) as client:
        client.post(f"{_path(name)}/reconciliation", {"repair": repair})
        compared = reconciled(client, _path(name))
    typer.echo(json.dumps(compared, indent=2) if as_json else "\n".join(reconciliation_lines(name, compared)))
    if any(one["failed"] for one in compared):
        raise typer.Exit(ExitCode.SOME_FAILED)


@app.command()
def disable(name: Name, archive: Archive = False, as_json: AsJson = False, context: Context = None) -> None:
    """Disable a sync: nothing is judged or written any more. Its links, history and mapping versions stay.

    Its target records stay as they are and fall to other syncs that share them; with --archive those that nobody shares are archived.

    Examples: millrace sync disable demo-customers; millrace sync disable demo-customers --archive --json | jq .state
    """
    action = f"disable?archive={str(archive).lower()}"
    _switch(name, action, "is disabled; `millrace sync resume` brings it back.", as_json, context)


@app.command()
def history(name: Name, limit: Limit = 20, as_json: AsJson = False, context: Context = None) -> None:
    """Show what became of the records: a row for each day (UTC) of live changes, each mapping version, each time it was switched off.

    Total = Added + Updated + Removed + Unchanged + Skipped + Failed + Superseded + Waiting.

    Examples: millrace sync history demo-customers; millrace sync history demo-customers --json | jq '.items[0]'
    """
    with open_client(context) as client:
        answer = client.get(f"{_path(name)}/history", limit=max(1, limit))
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    if answer["items"]:
        typer.echo("\n".join(history_lines(answer["items"])))
        note(f"Every run since {local(answer['since'])} is kept; `millrace run show {name}.RUN` tells more of one.")
    if not any(run["total"] for run in answer["items"]):
        typer.echo("Nothing has been read for this sync yet. Change a record at the source, then look again.")
    if answer["next_cursor"]:
        note("There are older runs; --limit shows more.")


def read_document(path: Path) -> Mapping[str, Any]:
    """A file as a document; YAML, of which JSON is a part."""
    import yaml

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        found = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as refused:
        raise CommandError(f"{path} cannot be read: {refused}.", code=ExitCode.USAGE) from refused
    except (yaml.YAMLError, RecursionError) as wrong:
        where = " ".join(str(wrong).split())
        raise CommandError(f"{path} is not YAML: {where[:300]}", "Correct the file.", ExitCode.USAGE) from wrong
    if not isinstance(found, dict):
        raise CommandError(
            f"{path} holds no sync: it has to have name, source, target, and template and place, or legs.",
            code=ExitCode.USAGE,
        )
    try:
        json.dumps(found)
    except (TypeError, ValueError) as wrong:
        raise CommandError(
            f"{path} holds a value that is no text, number or list: {wrong}.", "Put it in quotes.", ExitCode.USAGE
        ) from wrong
    return found


def _switch(name: str, verb: str, words: str, as_json: bool, context: str | None) -> None:
    with open_client(context) as client:
        found = client.post(f"{_path(name)}/{verb}")
    typer.echo(json.dumps(found, indent=2) if as_json else f"{found['name']} {words}")
    if not as_json and found["waiting"]:
        typer.echo(f"{found['waiting']} records wait.")


def _path(name: str) -> str:
    return f"/syncs/{quote(name, safe='')}"


def _explained(refused: RefusedByConsole) -> CommandError:
    """Every problem on a line of its own, with its row and its remedy."""
    problems = refused.problem.get("problems")
    if not problems:
        return refused
    lines = [f"{len(problems)} problem{'s' if len(problems) > 1 else ''}; nothing was written."]
    for one in problems:
        where = f"row {one['row']} ({one['field']})" if one["row"] else one["field"] or "mapping"
        lines += [f"  {where}: {one['words']} [{one['code']}]", f"      {one['remedy']}"]
    return CommandError("\n".join(lines), code=refused.code)
