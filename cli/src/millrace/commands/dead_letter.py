"""`millrace dead-letter`: what waits for a person: looked at, tried again, given up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import ApiClient, open_client
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.moments import local
from millrace.terminal import note

# As far as the console counts.
MOST_COUNTED = 10_000

app = typer.Typer(
    name="dead-letter", help="Dead letters: records that wait for a person, with the reason.", no_args_is_help=True
)

Ids = Annotated[list[str] | None, typer.Argument(help="Ids, as `millrace dead-letter list` shows them.")]
Group = Annotated[str, typer.Option("--group", help="All with this code.")]
Sync = Annotated[str, typer.Option("--sync", help="Only of this sync.")]
Topic = Annotated[str, typer.Option("--topic", help="Only messages of this topic.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data too.")]


@app.command()
def groups(as_json: AsJson = False, context: Context = None) -> None:
    """Count what waits, by reason, with what to do about it.

    Examples: millrace dead-letter groups; millrace dead-letter groups --json | jq '.items[] | {code, records}'
    """
    with open_client(context) as client:
        answer = client.get("/dead-letter-groups")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    if not answer["items"]:
        typer.echo("Nothing waits for a person.")
    for one in answer["items"]:
        where = f"  {', '.join(one['syncs'])}" if one["syncs"] else ""
        typer.echo(
            f"{one['code']}  {one['records']} records{where}, {local(one['first_at'])} to {local(one['last_at'])}"
        )
        typer.echo(f"    {one['meaning']}")
        typer.echo(f"    {one['action']}")


@app.command(name="list")
def list_letters(
    group: Group = "",
    sync: Sync = "",
    topic: Topic = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 100,
    held: Annotated[
        bool,
        typer.Option(
            "--held", help="Instead: records on hold after a call whose outcome nobody saw, and when each is looked at."
        ),
    ] = False,
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """List what waits, the newest first.

    Examples: millrace dead-letter list; millrace dead-letter list --held; millrace dead-letter list --group MC_INVALID --json | jq
    '.items[].id'
    """
    with open_client(context) as client:
        answer = client.get(
            "/dead-letters", code=group, sync=sync, topic=topic, limit=limit, unmask=str(unmask).lower(), held=str(held).lower()
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    if not answer["items"]:
        typer.echo("Nothing is on hold." if held else "Nothing waits for a person.")
    for one in answer["items"]:
        said = f"  {one['vendor_words']}" if one["vendor_words"] else ""
        when = f"looked at {local(one['next_look_at'])}" if one["next_look_at"] else local(one["last_at"])
        typer.echo(f"{one['id']}  {one['code'] or '-'}  {one['state']}  {when}  {one['where']}{said}")
    if answer["total"] > len(answer["items"]):
        more = " or more" if answer["total"] >= MOST_COUNTED else ""
        note(f"{len(answer['items'])} of {answer['total']}{more} shown; --limit shows more.")


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The id.")],
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Show one with its reason, the vendor's words and what it holds.

    Examples: millrace dead-letter show 417; millrace dead-letter show customers/customer/4600001 --unmask --json
    """
    with open_client(context) as client:
        answer = client.get(f"/dead-letters/{quote(id, safe='/')}", unmask=str(unmask).lower())
    typer.echo(json.dumps(answer, indent=2) if as_json else "\n".join(_details(answer)))


@app.command()
def retry(
    ids: Ids = None,
    group: Group = "",
    sync: Sync = "",
    topic: Topic = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Try again: a message goes to its topic as it was, a work item is opened with its newest wish.

    Examples: millrace dead-letter retry 417; millrace dead-letter retry --group MC_INVALID --dry-run
    """
    body = {"ids": ids or [], "code": group, "sync": sync, "topic": topic}
    _act("retry", body, dry_run=dry_run, yes=yes or bool(ids), as_json=as_json, context=context)


@app.command()
def discard(
    ids: Ids = None,
    group: Group = "",
    sync: Sync = "",
    topic: Topic = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the records' timelines.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Give up: a record comes back by itself when something newer is read for it.

    Examples: millrace dead-letter discard 417 --reason "test record"; millrace dead-letter discard --group MC_INVALID --reason
    "cleaned up at the source" --yes
    """
    if not reason and not dry_run:
        raise CommandError("Giving records up needs a reason.", "Repeat it with --reason.", ExitCode.USAGE)
    body = {"ids": ids or [], "code": group, "sync": sync, "topic": topic, "reason": reason}
    _act("discard", body, dry_run=dry_run, yes=yes or bool(ids), as_json=as_json, context=context)


def _act(verb: str, body: dict[str, Any], *, dry_run: bool, yes: bool, as_json: bool, context: str | None) -> None:
    """The plan first; then the act, once a person has agreed to it."""
    if not any(body[name] for name in ("ids", "code", "sync", "topic")):
        raise CommandError(
            "It is not said which records are meant.", "Name ids, or --group, --sync, --topic.", ExitCode.USAGE
        )
    path = f"/dead-letters/{verb}"
    with open_client(context) as client:
        if dry_run or not yes:
            plan = client.post(path, {**body, "dry_run": True})
            if dry_run:
                _tell(verb, plan, as_json=as_json)
                return
            note(_words(verb, plan))
            _confirm(verb)
        _tell(verb, _all_steps(client, path, verb, body), as_json=as_json)


def _all_steps(client: ApiClient, path: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Step after step until all are done; what was done stays done, whatever comes in between."""
    done: dict[str, Any] = {"dry_run": False, "records": 0, "messages": 0, "work": 0, "superseded": 0, "outcomes": []}
    cursor = ""
    while True:
        try:
            step = client.post(path, {**body, "cursor": cursor})
        except CommandError:
            if done["records"]:
                note(f"{done['records']} are done and stay done; repeat the command for the others.")
            raise
        for name in ("records", "messages", "work", "superseded", "outcomes"):
            done[name] += step[name]
        cursor = step["next_cursor"] or ""
        if not cursor:
            return done
        note(f"{verb}: {done['records']} so far ...")


def _confirm(verb: str) -> None:
    import sys

    if not sys.stdin.isatty():
        raise CommandError(f"A {verb} of several records has to be confirmed.", "Repeat it with --yes.", ExitCode.USAGE)
    if not typer.confirm(f"{verb.capitalize()} them?", err=True):
        raise CommandError("Nothing was done.")


def _tell(verb: str, plan: Mapping[str, Any], *, as_json: bool) -> None:
    typer.echo(json.dumps(plan, indent=2) if as_json else _words(verb, plan))


def _words(verb: str, plan: Mapping[str, Any]) -> str:
    would = "would be " if plan["dry_run"] else ""
    done = {"retry": f"{would}tried again", "discard": f"{would}given up"}[verb]
    calls = f", about {plan['work']} calls" if verb == "retry" and plan["work"] else ""
    outdated = f"; {plan['superseded']} of them are outdated and change nothing" if plan["superseded"] else ""
    others = sum(1 for one in plan["outcomes"] if one["outcome"] == "not_open")
    quicker = f" {others} were not open any more." if others else ""
    answer = f"{plan['records']} records {done}: {plan['messages']} messages, {plan['work']} writes{calls}{outdated}."
    return answer + quicker


def _details(one: Mapping[str, Any]) -> Iterator[str]:
    labels = ("id", "kind", "state", "code", "failure", "stage", "message", "action", "where", "sync", "entity", "record", "attempts",
              "vendor_status", "vendor_code", "vendor_words", "vendor_request_id", "trace_id")  # fmt: skip
    for label in labels:
        if one[label] not in ("", None):
            yield f"{label.replace('_', ' '):<18}  {one[label]}"
    yield f"{'first':<18}  {local(one['first_at'])}"
    yield f"{'last':<18}  {local(one['last_at'])}"
    yield json.dumps(one["content"], indent=2, ensure_ascii=False)
