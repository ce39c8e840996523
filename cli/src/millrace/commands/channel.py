"""`millrace channel`: how vendors call us: whether they do, held against their own lists, set up by hand where a plan wants that."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import ApiClient, open_client
from millrace.channel_words import EMPTY, app_lines, last_heard, set_up_lines, table, trouble_line
from millrace.commands.connecting import AsJson, Context, Name, path_of, secret_of
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.moments import local
from millrace.terminal import note

app = typer.Typer(
    name="channel", help="Channels: how vendors call us, and whether they still do.", no_args_is_help=True
)

EVERY_S = 0.5
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Wait so many seconds at most.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for what comes of it.")]
NewSecret = Annotated[bool, typer.Option("--new-secret", help="Make a new secret; the former one is valid for a day.")]


@app.command(name="list")
def list_channels(as_json: AsJson = False, context: Context = None) -> None:
    """List the connections that call us: when each was audited, what was found, when it last told us something.

    Examples: millrace channel list; millrace channel list --json | jq '.items[] | select(.state != "kept") | .name'
    """
    with open_client(context) as client:
        found = list(client.items("/channels"))
    if as_json:
        typer.echo(json.dumps({"items": found, "next_cursor": None}, indent=2))
    else:
        typer.echo("\n".join(table(found)) if found else EMPTY)


@app.command()
def audit(
    name: Name, no_wait: NoWait = False, timeout: Timeout = 60, as_json: AsJson = False, context: Context = None
) -> None:
    """Hold a connection's webhooks against the vendor's own list now; what is missing is made. Exit code 1 when it could not be done.

    Examples: millrace channel audit books; millrace channel audit books --json | jq .found
    """
    with open_client(context) as client:
        path = _path(client, name)
        before = client.get(path)
        asked = client.post(f"{path}/audit")
        shown = asked if no_wait else _until(client, path, lambda one: _is_audited(one, before, asked), timeout)
    typer.echo(json.dumps(shown, indent=2) if as_json else "\n".join(table([shown])))
    if not no_wait and shown["code"]:
        raise typer.Exit(ExitCode.FAILED)


@app.command(name="set-up")
def set_up(
    name: Name,
    new_secret: NewSecret = False,
    no_wait: NoWait = False,
    timeout: Timeout = 900,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Register webhooks by hand, where the account's plan does not let us: shows address, secret and events, and waits for the first one.

    Examples: millrace channel set-up books; millrace channel set-up books --new-secret --no-wait --json | jq -r .secret
    """
    with open_client(context) as client:
        path = _path(client, name)
        before = last_heard(client.get(path))
        told = client.post(f"{path}/set-up", {"new_secret": new_secret})
        if as_json:
            typer.echo(json.dumps(told, indent=2))
        else:
            typer.echo("\n".join(set_up_lines(told)))
        if no_wait:
            return
        note(f"Change a record of {name} when they are there. Waiting for the first webhook ...")
        _until(client, path, lambda one: last_heard(one) != before, timeout)
    note(f"{name} calls us: a webhook came, and its signature fits.")


@app.command(name="app")
def application(
    vendor: Annotated[str, typer.Argument(help="The vendor, as `millrace connection add` calls it.")],
    secret: Annotated[
        Path | None, typer.Option("--secret-file", help="A file with what the vendor signs with; - for stdin.")
    ] = None,
    no_wait: NoWait = False,
    timeout: Timeout = 900,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Webhooks that belong to our application and not to a connection: shows their address and what to enter where, takes their secret, and then
    waits for the first event that fits.

    Examples: millrace channel app quickbooks; millrace channel app quickbooks --secret-file verifier.txt;
    millrace channel app quickbooks --no-wait --json
    """
    with open_client(context) as client:
        path = f"/app-channels/{quote(vendor, safe='')}"
        told = client.get(path) if secret is None else client.post(f"{path}/secret", {"secret": secret_of(secret)})
        if as_json:
            typer.echo(json.dumps(told, indent=2))
        else:
            typer.echo("\n".join(app_lines(told)))
        if no_wait or not told["has_secret"] or (told["heard_at"] and secret is None):
            return
        note("Change a customer in a connected account. Waiting for the first event ...")
        heard = _until(client, path, partial(_is_heard_or_told, told, set()), timeout)
    note(f"Heard at {local(heard['heard_at'])}: an event came, and its signature fits.")


def _path(client: ApiClient, name: str) -> str:
    return f"/channels/{path_of(client, name).rpartition('/')[2]}"


def _until(
    client: ApiClient, path: str, is_so: Callable[[Mapping[str, Any]], bool], timeout: float
) -> Mapping[str, Any]:
    deadline = time.monotonic() + timeout
    while not is_so(found := client.get(path)):
        if time.monotonic() > deadline:
            raise CommandError(
                f"Nothing came of it within {timeout:g} s.", "See `millrace channel list`.", ExitCode.TIMED_OUT
            )
        time.sleep(EVERY_S)
    shown: Mapping[str, Any] = found
    return shown


def _is_heard_or_told(before: Mapping[str, Any], said: set[str], found: Mapping[str, Any]) -> bool:
    """An event came that fits. What came meanwhile and does not is said once, and waited on: whoever mends it need not begin again."""
    for one in found["troubles"]:
        if one not in before["troubles"] and one["words"] not in said:
            said.add(one["words"])
            note(trouble_line(one))
    return bool(found["heard_at"] and found["heard_at"] != before["heard_at"])


def _is_audited(found: Mapping[str, Any], before: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """It was looked at since: the next audit is later than the one that was asked for."""
    return bool(found["audited_at"] != before["audited_at"] or found["next_audit_at"] > asked["next_audit_at"])
