"""`millrace destination`: the mail addresses and webhooks that summaries and alerts go to."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from millrace.api_client import open_client
from millrace.commands.connecting import AsJson, Context
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.notice_words import NO_DESTINATION, destination_table

app = typer.Typer(
    name="destination", help="Destinations: where the daily summary and alerts are sent.", no_args_is_help=True
)

Address = Annotated[str, typer.Argument(help="A mail address, or the https:// address of a webhook.")]
Named = Annotated[str, typer.Argument(help="The destination's address, as the list shows it, or its id.")]
Summaries = Annotated[bool, typer.Option("--summaries/--no-summaries", help="Tell it the daily summary.")]
Alerts = Annotated[bool, typer.Option("--alerts/--no-alerts", help="Tell it at once what needs a person.")]


@app.command(name="list")
def list_destinations(as_json: AsJson = False, context: Context = None) -> None:
    """List destinations, what each is told, and what became of the last thing.

    Examples: millrace destination list; millrace destination list --json | jq '.items[] | select(.last.state == "failed")'
    """
    with open_client(context) as client:
        found = client.get("/destinations")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo("\n".join(destination_table(found["items"])) if found["items"] else NO_DESTINATION)


@app.command()
def add(
    address: Address,
    summaries: Summaries = True,
    alerts: Alerts = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Send the daily summary, alerts or both to an address. The secret of a webhook is shown this once.

    Examples: millrace destination add finance@example.org; millrace destination add https://hooks.example.org/millrace --alerts
    """
    if not summaries and not alerts:
        raise CommandError("It would be told nothing.", "Add --alerts, or leave out --no-summaries.", ExitCode.USAGE)
    with open_client(context) as client:
        told = client.post("/destinations", {"address": address, "summaries": summaries, "alerts": alerts})
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"{told['address']} is told from now on. Try it: millrace destination test {told['id']}")
    if told["secret"]:
        typer.echo(f"Its secret, shown this once: {told['secret']}")


@app.command()
def test(named: Named, context: Context = None) -> None:
    """Send a sample now; exit code 7 and the other side's own words where it is not taken.

    Examples: millrace destination test finance@example.org
    """
    with open_client(context) as client:
        told = client.post("/destinations/test", {"destination": named})
    typer.echo(f"{told['address']} took the sample.")


@app.command()
def remove(named: Named, context: Context = None) -> None:
    """Tell it nothing any more; what is still owed to it is not sent.

    Examples: millrace destination remove finance@example.org
    """
    with open_client(context) as client:
        told = client.post("/destinations/remove", {"destination": named})
    typer.echo(f"{told['address']} is told nothing any more.")
