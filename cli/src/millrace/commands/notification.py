"""`millrace notification`: what people were told: work that stands still, records that wait for a person, summaries."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from millrace.api_client import open_client
from millrace.commands.connecting import AsJson, Context
from millrace.notice_words import NO_NOTIFICATION, notification_table

app = typer.Typer(
    name="notification", help="Notifications: what stands still or waits for a person.", no_args_is_help=True
)

Every = Annotated[bool, typer.Option("--all", help="Those whose reason is gone, too.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")]


@app.command(name="list")
def list_notifications(
    every: Every = False, limit: Limit = 100, as_json: AsJson = False, context: Context = None
) -> None:
    """List notifications, the newest first.

    Examples: millrace notification list; millrace notification list --all --json | jq '.items[].kind'
    """
    with open_client(context) as client:
        found = client.get("/notifications", limit=limit, all=str(every).lower())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo("\n".join(notification_table(found["items"])) if found["items"] else NO_NOTIFICATION)
