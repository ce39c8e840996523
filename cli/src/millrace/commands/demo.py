"""`millrace demo`: the first run of a whole company, before one's eyes."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.terminal import note


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False) -> None:
    """Show the first run of a company with 500 customers: its progress, its counts, who was skipped and why, and what to do about it.

    The sandbox plays both vendors. Asked for again, everything is read once more, and nothing is written.

    Examples: millrace demo; millrace demo --json | jq .counts
    """
    # Imported here: `status` and `--help` must be quick.
    from millrace import demo_run
    from millrace.run_words import summary_of

    found = demo_run.run(Home(StackSettings.from_environment().home), note)
    if as_json:
        typer.echo(json.dumps({**summary_of(found), "reasons": found["reasons"]}, indent=2))
    else:
        typer.echo("\n".join(demo_run.lines(found)))
