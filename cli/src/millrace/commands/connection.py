"""`millrace connection`: accounts at vendors: connected, tried, paused, renewed, taken away."""

from __future__ import annotations

import json
import sys
from typing import Annotated
from urllib.parse import quote

import typer

from millrace.api_client import open_client
from millrace.commands.connecting import AsJson, Context, Name, add, choose, path_of, reconnect
from millrace.connection_words import details_of, line_of, quota_lines, vendor_line
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.kind_words import glance_lines, kind_lines

app = typer.Typer(
    name="connection", help="Connections: accounts at vendors that Millrace may use.", no_args_is_help=True
)


@app.command(name="list")
def list_connections(
    vendor: Annotated[str, typer.Option("--vendor", help="Only of this vendor.")] = "",
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """List the connections and how they are.

    Examples: millrace connection list; millrace connection list --vendor mailchimp --json | jq '.items[].name'
    """
    with open_client(context) as client:
        found = list(client.items("/connections", vendor=vendor))
    if as_json:
        typer.echo(json.dumps({"items": found, "next_cursor": None}, indent=2))
        return
    if not found:
        typer.echo("There are no connections yet: an account at a vendor that Millrace may use.")
        typer.echo("Add the first one with `millrace connection add --vendor zoho-books --name books`.")
        return
    width = max(len(one["name"]) for one in found)
    for one in found:
        typer.echo(line_of(one, width))


@app.command()
def show(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Show one connection: grant, gates, what the vendor told of the account.

    Examples: millrace connection show books; millrace connection show books --json | jq .grant
    """
    with open_client(context) as client:
        found = client.get(path_of(client, name))
        quota = client.get(f"{path_of(client, name)}/quota") if found["state"] == "active" else None
    if as_json:
        typer.echo(json.dumps(found | {"quota": quota}, indent=2))
        return
    typer.echo("\n".join(details_of(found)))
    if quota is not None:
        typer.echo("\n".join(quota_lines(quota)))


@app.command()
def test(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Try a connection with one cheap call. Exit code 0 when it works, 1 when not, 7 when the vendor cannot be reached.

    Examples: millrace connection test books; millrace connection test newsletter --json
    """
    with open_client(context) as client:
        answer = client.post(f"{path_of(client, name)}/test")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    if answer["ok"]:
        if not as_json:
            typer.echo(f"{name} works: the vendor answered in {answer['duration_ms']} ms.")
        return
    said = f" The vendor said: {answer['vendor_words']}" if answer["vendor_words"] else ""
    code = ExitCode.UNREACHABLE if answer["passing"] else ExitCode.FAILED
    raise CommandError(f"{name} does not work: {answer['message']}{said} [{answer['code']}]", answer["action"], code)


@app.command()
def pause(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Hold all work of a connection; webhooks are still received and wait.

    Examples: millrace connection pause books; millrace connection pause books --json
    """
    _tend(name, "pause", "is paused; what comes waits. Go on with `millrace connection resume`.", as_json, context)


@app.command()
def resume(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Let a paused connection go on.

    Examples: millrace connection resume books; millrace connection resume books --json
    """
    _tend(name, "resume", "goes on.", as_json, context)


@app.command()
def rename(
    name: Name,
    to: Annotated[str, typer.Argument(help="The new name.")],
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Give a connection another name; its id stays.

    Examples: millrace connection rename books acme-books; millrace connection rename zoho-books-4f7k2mqp books --json
    """
    with open_client(context) as client:
        path = path_of(client, name)
        found = client.patch(path, {"name": to}, client.etag(path))
    typer.echo(json.dumps(found, indent=2) if as_json else f"{name} is now called {found['name']}.")


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Delete a connection and revoke its access at the vendor; refused while syncs that are switched on use it.

    Examples: millrace connection delete books; millrace connection delete books --yes --json
    """
    with open_client(context) as client:
        path = path_of(client, name)
        _confirm(name, yes=yes)
        answer = client.delete(path)
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo(f"{name} is deleted. {REVOKED[answer['revoked']]}")


REVOKED = {
    "yes": "Its access at the vendor was revoked.",
    "later": "The vendor did not confirm that the access is revoked; it is told again until it does.",
    "not offered": "This vendor offers no way to revoke the access from here: remove the key or the application there.",
    "nothing": "There was no access to revoke.",
    "waiting": "The token-broker does not answer; its access is revoked as soon as it does.",
}


@app.command()
def quota(name: Name, as_json: AsJson = False, context: Context = None) -> None:
    """Show how much of the vendor's quota is used, reserved and waited for.

    Examples: millrace connection quota books; millrace connection quota newsletter --json | jq '.limits[].used'
    """
    with open_client(context) as client:
        answer = client.get(f"{path_of(client, name)}/quota")
    typer.echo(json.dumps(answer, indent=2) if as_json else "\n".join(quota_lines(answer)))


@app.command()
def read(
    name: Name,
    kind: Annotated[str, typer.Argument(help="A kind of records; without one the kinds are listed.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many records at most.")] = 20,
    whole: Annotated[bool, typer.Option("--whole", help="Read each record by id: a call each.")] = False,
    unmask: Annotated[bool, typer.Option("--unmask", help="Show personal data too.")] = False,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Show what can be read from a connection: the kinds, or of one kind its fields and first records, as the vendor tells them now.

    Nothing is stored. A kind costs the list's first page and the list of custom fields.

    Examples: millrace connection read books; millrace connection read books bill --limit 5 --unmask; millrace connection read books
    journal --json | jq '.items[].fields'
    """
    with open_client(context) as client:
        path = f"{path_of(client, name)}/kinds"
        if kind:
            flags = {"whole": str(whole).lower(), "unmask": str(unmask).lower()}
            answer = client.get(f"{path}/{quote(kind, safe='')}", limit=limit, **flags)
        else:
            answer = client.get(path)
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    else:
        typer.echo("\n".join(glance_lines(answer) if kind else kind_lines(answer["items"])))


@app.command()
def vendors(as_json: AsJson = False, context: Context = None) -> None:
    """List the vendors and the ways to connect them.

    Examples: millrace connection vendors; millrace connection vendors --json
    """
    with open_client(context) as client:
        answer = client.get("/vendors")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo("\n".join(vendor_line(one) for one in answer["items"]))


def _tend(name: str, verb: str, words: str, as_json: bool, context: str | None) -> None:
    with open_client(context) as client:
        found = client.post(f"{path_of(client, name)}/{verb}")
    typer.echo(json.dumps(found, indent=2) if as_json else f"{found['name']} {words}")


def _confirm(name: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            f"Deleting {name} revokes its access at the vendor.", "Repeat it with --yes.", ExitCode.USAGE
        )
    if not typer.confirm(f"Delete {name} and revoke its access at the vendor?", err=True):
        raise CommandError("Nothing was deleted.", code=ExitCode.FAILED)


for command in (add, reconnect, choose):
    app.command()(command)
