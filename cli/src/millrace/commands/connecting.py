"""`millrace connection add | reconnect | choose`: the road of an account, walked by a person at a terminal and in a browser."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from millrace.api_client import ApiClient, open_client
from millrace.connection_words import details_of
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.terminal import note
from millrace.waiting import Waiting, place_by_hand

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_NAME = 100

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
Shop = Annotated[
    str, typer.Option("--shop", help="The shop to connect, where the vendor has shops: its name or domain.")
]
Place = Annotated[str, typer.Option("--place", help="The organisation or account to connect, when there are several.")]


def add(
    vendor: Annotated[str, typer.Option("--vendor", help="Which vendor; see `millrace connection vendors`.")],
    name: Annotated[str, typer.Option("--name", help="How people call it.")],
    dc: Dc = "",
    shop: Shop = "",
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
    newsletter --api-key-file key.txt; millrace connection add --vendor shopify --name shop --shop some-shop.myshopify.com
    """
    body = {"vendor": vendor, "name": name, "site": shop or dc, "place": place}
    body |= _credential(api_key_file, client_id, client_secret_file)
    with open_client(context) as client:
        begun = client.post("/connections", body)
        _finish(client, begun, Waiting(timeout, place, no_wait=no_wait), as_json=as_json)


def reconnect(
    name: Name,
    dc: Dc = "",
    shop: Shop = "",
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
    body = {"site": shop or dc, "place": place} | _credential(api_key_file, client_id, client_secret_file)
    with open_client(context) as client:
        begun = client.post(f"{path_of(client, name)}/reconnect", body)
        _finish(client, begun, Waiting(timeout, place, no_wait=no_wait), as_json=as_json)


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
        path = path_of(client, name)
        road = client.post(f"{path}/place", {"place": place}) if place else client.get(f"{path}/road")
        if as_json:
            typer.echo(json.dumps(road, indent=2))
            return
        typer.echo(road["message"])
        for one in road["places"]:
            typer.echo(f"  {one['id']}  {one['title']}")


def path_of(client: ApiClient, name: str) -> str:
    """The address of the connection that people call so, or whose id it is."""
    found = client.get("/connections", name=name)["items"] if len(name) <= _LONGEST_NAME else []
    if not found and not _ID.fullmatch(name):
        raise CommandError(f"There is no connection {name}.", "See `millrace connection list`.", ExitCode.NOT_FOUND)
    return f"/connections/{quote(found[0]['id'] if found else name, safe='')}"


def _credential(api_key: Path | None, client_id: str, client_secret: Path | None) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if api_key is not None:
        given["api_key"] = secret_of(api_key)
    if client_secret is not None:
        given |= {"client_id": client_id, "client_secret": secret_of(client_secret)}
    return given


def secret_of(path: Path) -> str:
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
