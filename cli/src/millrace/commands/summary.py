"""`millrace summary`: what finance is told of a day, and when."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from millrace.api_client import open_client
from millrace.commands.connecting import AsJson, Context
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.notice_words import setting_lines

app = typer.Typer(
    name="summary", help="The daily summary: what happened to records and money on a day.", no_args_is_help=True
)

Day = Annotated[str, typer.Option("--day", help="A local date, as 2026-03-29; the newest summary without it.")]
At = Annotated[str, typer.Option("--at", help="The local hour at which the day before is told of, as 07:00.")]
Zone = Annotated[str, typer.Option("--zone", help="The time zone of hour and day, as Europe/Madrid.")]
Off = Annotated[bool, typer.Option("--off", help="Make no more summaries.")]


@app.command()
def show(day: Day = "", as_json: AsJson = False, context: Context = None) -> None:
    """Print the summary of a day: as it was told, or, where it was not (yet), as the day is seen now.

    Examples: millrace summary show; millrace summary show --day 2026-03-29 --json | jq '.figures.legs[].amounts'
    """
    with open_client(context) as client:
        told = client.get(f"/summaries/{day or 'newest'}")
    typer.echo(json.dumps(told, indent=2) if as_json else told["text"])


@app.command(name="set")
def set_(at: At = "", zone: Zone = "", off: Off = False, as_json: AsJson = False, context: Context = None) -> None:
    """Say when the summary is made; without options: show it. Where it is sent is said by `millrace destination add`.

    Examples: millrace summary set --at 07:00 --zone Europe/Madrid; millrace summary set --off
    """
    if off and (at or zone):
        raise CommandError("--off goes alone.", "Leave out --at and --zone.", ExitCode.USAGE)
    with open_client(context) as client:
        told = client.get("/summaries/setting")
        if at or zone:
            wish = {"at": at or told["at"] or "07:00", "zone": zone or told["zone"] or "UTC"}
            told = client.post("/summaries/setting", wish)
        elif off:
            told = client.post("/summaries/setting", {})
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(setting_lines(told)))
