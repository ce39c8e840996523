"""`millrace review`: what a person has to decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from millrace.api_client import ApiClient, open_client
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.moments import moment
from millrace.review_words import counted_line, detail_lines, review_line
from millrace.terminal import note

PAGE, MOST = 1000, 100_000

app = typer.Typer(
    no_args_is_help=True, help="What people have to decide: who a record is, and which of two values holds."
)

Kind = Annotated[
    Literal["", "conflict", "gone", "match", "unmatched", "merge", "unexplained"],
    typer.Option("--kind", help="Only those of this kind."),
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
    since: Annotated[
        str,
        typer.Option("--since", help="Only those that were asked since then: 2026-01-31T12:00, or 15m, 2h, 7d ago."),
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many at most.")] = 100,
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """List what waits for a person, the oldest first; nothing is written of these records, or of the field in question, until it is decided.

    Examples: millrace review list --kind match --sync customers; millrace review list --since 7d --limit 5000 --json | jq '.items[].id'
    """
    asked = moment(since, datetime.now(UTC)).isoformat() if since else None
    with open_client(context) as client:
        found = _pages(client, limit, kind=kind, sync=sync, since=asked, unmask=str(unmask).lower())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["items"]:
        typer.echo("Nothing is asked.")
    for one in found["items"]:
        typer.echo(review_line(one))
    if found["next_cursor"]:
        note(f"There are more than {limit}; --limit shows more.")


def _pages(client: ApiClient, limit: int, **named: str | None) -> dict[str, Any]:
    """As many pages as it takes; where the next one would begin stays in the answer."""
    items, cursor = list[Any](), ""
    while True:
        page = client.get("/reviews", limit=min(limit - len(items), PAGE), cursor=cursor, **named)
        items += page["items"]
        cursor = page["next_cursor"] or ""
        if not cursor or len(items) >= limit:
            return {"items": items, "next_cursor": page["next_cursor"]}


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
    id: Annotated[
        int | None, typer.Argument(help="The question's number, as `millrace review list` shows it; none with --all.")
    ] = None,
    answer: Annotated[
        str,
        typer.Argument(help="One of the answers that `millrace review show` names, such as left, new or link:4600001."),
    ] = "",
    kind: Kind = "",
    sync: SyncName = "",
    all_of_them: Annotated[
        str,
        typer.Option("--all", help="This answer for all open questions of --kind and --sync; they are counted first."),
    ] = "",
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --all: only count them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --all: do not ask.")] = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Decide a question, or all of a kind and a sync. An answer holds for what was shown; a later change is asked about anew, under another number.

    Examples: millrace review decide 12 link:4600001 --reason "same person"; millrace review decide 13 leave --json; millrace review decide
    --kind unmatched --sync people --all new --reason "none of them is there"
    """
    if all_of_them:
        if id is not None or not (kind and sync):
            raise CommandError(
                "It is not said which questions are meant.",
                "Give --all with --kind and --sync, and no number.",
                ExitCode.USAGE,
            )
        wish = {"kind": kind, "sync": sync, "answer": all_of_them, "reason": reason}
        _decide_all(wish, dry_run=dry_run, yes=yes, as_json=as_json, context=context)
        return
    if id is None or not answer or kind or sync or dry_run:
        raise CommandError(
            "It is not said what is decided.",
            "Give a number and an answer, or --kind, --sync and --all.",
            ExitCode.USAGE,
        )
    with open_client(context) as client:
        found = client.post(f"/reviews/{id}/decide", {"answer": answer, "reason": reason})
    typer.echo(json.dumps(found, indent=2) if as_json else f"Decided: {answer}. {review_line(found)}")


def _decide_all(wish: Mapping[str, str], *, dry_run: bool, yes: bool, as_json: bool, context: str | None) -> None:
    """Counted first; what was counted is decided once a person has agreed, and nothing that was asked later."""
    with open_client(context) as client:
        plan = client.post("/reviews/decide", {**wish, "dry_run": True})
        if dry_run or not plan["left"]:
            typer.echo(json.dumps(plan, indent=2) if as_json else counted_line(plan, wish))
            return
        note(counted_line(plan, wish))
        if not yes:
            _confirm()
        typer.echo(_all_steps(client, {**wish, "until": plan["until"]}, as_json=as_json))


def _all_steps(client: ApiClient, body: Mapping[str, Any], *, as_json: bool) -> str:
    """Step after step; what was decided stays decided, whatever comes in between."""
    decided = 0
    while True:
        try:
            step = client.post("/reviews/decide", body)
        except CommandError:
            if decided:
                note(f"{decided} are decided and stay so; repeat the command for the others.")
            raise
        decided += step["decided"]
        if not step["left"] or not step["decided"]:
            return json.dumps({**step, "decided": decided}, indent=2) if as_json else f"Decided: {decided} questions."
        note(f"{decided} so far ...")


def _confirm() -> None:
    import sys

    if not sys.stdin.isatty():
        raise CommandError("One answer to all of them has to be confirmed.", "Repeat it with --yes.", ExitCode.USAGE)
    if not typer.confirm("Decide all of them so?", err=True):
        raise CommandError("Nothing was decided.")
