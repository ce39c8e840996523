"""`millrace activity`: what targets have told of a customer: who subscribed, left, bounced, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.activity_words import COLUMNS, activity_line, member_line, table_rows
from millrace.api_client import ApiClient, open_client
from millrace.csv_files import csv_text, write_csv
from millrace.finding import one_record
from millrace.moments import moment
from millrace.terminal import note

app = typer.Typer(
    name="activity", help="Activity: who subscribed, left or bounced, customer by customer.", no_args_is_help=True
)

Customer = Annotated[str, typer.Argument(help="The customer's id or e-mail address.")]
Since = Annotated[str, typer.Option("--since", help="Only what happened since then: 2026-01-31T12:00, or 15m, 2h, 7d ago.")]  # fmt: skip
Output = Annotated[str, typer.Option("--output", "-o", help="The file to write; - is stdout.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show addresses too.")]


@app.command(name="list")
def list_activity(
    customer: Customer,
    since: Since = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most, the newest ones.")] = 50,
    cursor: Annotated[str, typer.Option("--cursor", help="Where the last page ended.")] = "",
    unmask: Unmask = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """List what happened to a customer's members, the newest first, and how they stand.

    Examples: millrace activity list 58 --since 30d; millrace activity list ana@example.org --json | jq '.items[0].kind'
    """
    with open_client(context) as client:
        path, named = _where(client, customer, since, unmask=unmask)
        found = client.get(path, **named, limit=limit, cursor=cursor)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if found["merged_into"]:
        typer.echo(f"It was merged into {found['merged_into']}: see there.")
    for one in found["members"]:
        typer.echo(member_line(one))
    if not found["items"]:
        typer.echo("Nothing has happened since then." if since else "Nothing has happened yet.")
    for one in found["items"]:
        typer.echo(activity_line(one))
    if found["next_cursor"]:
        note(f"There are earlier ones: --cursor {found['next_cursor']}")


@app.command()
def export(
    customer: Customer, since: Since = "", unmask: Unmask = False, output: Output = "-", context: Context = None
) -> None:
    """Write what happened to a customer's members as CSV.

    Examples: millrace activity export 58 -o activity.csv; millrace activity export 58 --since 2026-01-01 | head
    """
    with open_client(context) as client:
        path, named = _where(client, customer, since, unmask=unmask)
        text = csv_text(COLUMNS, table_rows(client.items(path, **named, limit=200)))
    write_csv(text, output, "rows")


def _where(client: ApiClient, customer: str, since: str, *, unmask: bool) -> tuple[str, dict[str, Any]]:
    one = one_record(client, customer)
    asked = moment(since, datetime.now(UTC)).isoformat() if since else None
    named = {"connection": one["connection"], "entity": one["entity"], "since": asked, "unmask": str(unmask).lower()}
    return f"/customers/{quote(one['record'], safe='')}/activity", named
