"""`millrace connection`: accounts at vendors: connected, tried, paused, renewed, taken away."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import ApiClient, open_client
from millrace.connection_words import details_of, line_of, quota_lines, vendor_line
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.terminal import note
from millrace.waiting import Waiting, place_by_hand

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_NAME = 100

app = typer.Typer(
    name="connection", help="Connections: accounts at vendors that Millrace may use.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The connection's name, or its id.")]
Context = Annotated[str | None, typer.Option("--context", help="Which installation; the local stack without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the address to open, and do not wait for the browser.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Wait so many seconds for the browser.")]
KeyFile = Annotated[Path | None, typer.Option("--api-key-file", help="A file with the API key; - reads it from stdin.")]
ClientId = Annotated[str, typer.Option("--client-id", help="Client credentials: the id.")]
SecretFile = Annotated[
    Path | None, typer.Option("--client-secret-file", help="Client credentials: a file with the secret; - for stdin.")
]
Dc = Annotated[str, typer.Option("--dc", help="The vendor's data centre, as eu or us; found out without it.")]
Place = Annotated[str, typer.Option("--place", help="The organisation or account to connect, when there are several.")]


@app.command()
def add(
    vendor: Annotated[str, typer.Option("--vendor", help="Which vendor; see `millrace connection vendors`.")],
    name: Annotated[str, typer.Option("--name", help="How people call it.")],
    dc: Dc = "",
    place: Place = "",
    api_key_file: KeyFile = None,
    client_id: ClientId = "",
    client_secret_file: SecretFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 900,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Connect an account: by consent in a browser, or by a key. Repeat it with the same name to go on with one that was begun.

    Examples: millrace connection add --vendor zoho-books --name books --dc eu; millrace connection add --vendor mailchimp --name
    newsletter --api-key-file key.txt; millrace connection add --vendor zoho-books --name books --no-wait --json
    """
    body = {"vendor": vendor, "name": name, "site": dc, "place": place}
    body |= _credential(api_key_file, client_id, client_secret_file)
    with open_client(context) as client:
        begun = client.post("/connections", body)
        _finish(client, begun, Waiting(timeout, place, no_wait=no_wait), as_json=as_json)


@app.command()
def reconnect(
    name: Name,
    dc: Dc = "",
    place: Place = "",
    api_key_file: KeyFile = None,
    client_id: ClientId = "",
    client_secret_file: SecretFile = None,
    no_wait: NoWait = False,
    timeout: Timeout = 900,
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Renew the access; id, syncs and waiting work stay.

    Examples: millrace connection reconnect books; millrace connection reconnect newsletter --api-key-file key.txt
    """
    body = {"site": dc, "place": place} | _credential(api_key_file, client_id, client_secret_file)
    with open_client(context) as client:
        begun = client.post(f"{_path(client, name)}/reconnect", body)
        _finish(client, begun, Waiting(timeout, place, no_wait=no_wait), as_json=as_json)


@app.command()
def choose(
    name: Name,
    place: Annotated[str, typer.Argument(help="The id of the place; without it they are listed.")] = "",
    as_json: AsJson = False,
    context: Context = None,
) -> None:
    """Choose the organisation or account of a consent that opens several.

    Examples: millrace connection choose books; millrace connection choose books 60001234
    """
    with open_client(context) as client:
        path = _path(client, name)
        road = client.post(f"{path}/place", {"place": place}) if place else client.get(f"{path}/road")
        if as_json:
            typer.echo(json.dumps(road, indent=2))
            return
        typer.echo(road["message"])
        for one in road["places"]:
            typer.echo(f"  {one['id']}  {one['title']}")


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
        found = client.get(_path(client, name))
        quota = client.get(f"{_path(client, name)}/quota") if found["state"] == "active" else None
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
        told = client.post(f"{_path(client, name)}/test")
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    if told["ok"]:
        if not as_json:
            typer.echo(f"{name} works: the vendor answered in {told['duration_ms']} ms.")
        return
    said = f" The vendor said: {told['vendor_words']}" if told["vendor_words"] else ""
    code = ExitCode.UNREACHABLE if told["passing"] else ExitCode.FAILED
    raise CommandError(f"{name} does not work: {told['message']}{said} [{told['code']}]", told["action"], code)


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
        path = _path(client, name)
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
        path = _path(client, name)
        _confirm(name, yes=yes)
        told = client.delete(path)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"{name} is deleted. {REVOKED[told['revoked']]}")


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
        told = client.get(f"{_path(client, name)}/quota")
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(quota_lines(told)))


@app.command()
def vendors(as_json: AsJson = False, context: Context = None) -> None:
    """List the vendors and the ways to connect them.

    Examples: millrace connection vendors; millrace connection vendors --json
    """
    with open_client(context) as client:
        told = client.get("/vendors")
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo("\n".join(vendor_line(one) for one in told["items"]))


def _path(client: ApiClient, name: str) -> str:
    """The address of the connection that people call so, or whose id it is."""
    found = client.get("/connections", name=name)["items"] if len(name) <= _LONGEST_NAME else []
    if not found and not _ID.fullmatch(name):
        raise CommandError(f"There is no connection {name}.", "See `millrace connection list`.", ExitCode.NOT_FOUND)
    return f"/connections/{quote(found[0]['id'] if found else name, safe='')}"


def _tend(name: str, verb: str, words: str, as_json: bool, context: str | None) -> None:
    with open_client(context) as client:
        found = client.post(f"{_path(client, name)}/{verb}")
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


def _credential(api_key: Path | None, client_id: str, client_secret: Path | None) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if api_key is not None:
        given["api_key"] = _secret(api_key)
    if client_secret is not None:
        given |= {"client_id": client_id, "client_secret": _secret(client_secret)}
    return given


def _secret(path: Path) -> str:
    """A secret from a file: on the command line every user of the machine could read it."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as refused:
        raise CommandError(f"{path} cannot be read: {refused}.", code=ExitCode.USAGE) from refused
    if not text.strip():
        raise CommandError(f"{path} holds nothing.", code=ExitCode.USAGE)
    return text.strip()


def _finish(client: ApiClient, begun: dict[str, Any], waiting: Waiting, *, as_json: bool) -> None:
    """Shows the address, waits for the browser where that is wanted, and says what became of it."""
    connection, road = begun["connection"], begun["road"]
    path = f"/connections/{connection['id']}"
    if road["state"] == "waiting" and road["start_url"] is None and not road["over"]:
        # The answer was a repeat: the address is told once, so a fresh one is asked for.
        road = client.post(f"{path}/reconnect", {})["road"]
    if waiting.no_wait and not road["over"]:
        _told(client, path, road, as_json=as_json)
        return
    road = waiting.until_over(client, path, connection["name"], road, choose=place_by_hand)
    if road["state"] != "connected":
        raise CommandError(f"{road['message']} [{road['code']}]" if road["code"] else road["message"], road["next"])
    _told(client, path, road, as_json=as_json)


def _told(client: ApiClient, path: str, road: dict[str, Any], *, as_json: bool) -> None:
    shown = client.get(path)
    if as_json:
        typer.echo(json.dumps({"connection": shown, "road": road}, indent=2))
    elif road["over"]:
        typer.echo(road["message"])
        typer.echo("\n".join(details_of(shown)))
    else:
        typer.echo(road["start_url"] or "")
        note(f"Open it in a browser within 15 minutes; then see `millrace connection show {shown['name']}`.")
