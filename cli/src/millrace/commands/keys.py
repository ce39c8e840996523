"""`millrace keys`: the master keys of the vault: what they are, and a new one while everything runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.secrets import secret_of
from millrace.stack.status import look
from millrace.terminal import is_live, note

app = typer.Typer(name="keys", help="The master keys that the vault is sealed with.", no_args_is_help=True)

# The broker lets in whoever holds this key; it is made at the first use, in the folder that only its owner reads.
OPERATOR_KEY = "operator.key"
_PATIENCE_S = 30.0
_LOOK_EVERY_S = 0.2
_CODES = {401: ExitCode.NOT_ALLOWED, 403: ExitCode.NOT_ALLOWED, 409: ExitCode.CONFLICT, 503: ExitCode.UNREACHABLE}

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Url = Annotated[str, typer.Option("--url", help="Another token-broker than the local stack's.")]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="The operator's key for that token-broker.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Begin, and do not wait for the end.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Wait so many seconds for the end.")]


@app.command()
def status(as_json: AsJson = False, url: Url = "", key_file: KeyFile = None) -> None:
    """Show the master keys, how many connections each opens, and the last rotation. Never a key itself.

    Examples: millrace keys status; millrace keys status --json | jq -r .primary
    """
    with _broker(url, key_file) as broker:
        _show(_asked(broker, "GET", "/v1/keys"), as_json=as_json)


@app.command()
def rotate(
    no_wait: NoWait = False, timeout: Timeout = 600, as_json: AsJson = False, url: Url = "", key_file: KeyFile = None
) -> None:
    """Make a new master key and wrap every connection's key with it, while everything runs; then the old one can be removed.

    Examples: millrace keys rotate; millrace keys rotate --no-wait --json
    """
    with _broker(url, key_file) as broker:
        keys = _asked(broker, "POST", "/v1/keys/rotate")
        if not no_wait:
            keys = _until_over(broker, keys, timeout)
    _show(keys, as_json=as_json)
    if keys["rotation"]["state"] == "failed":
        raise CommandError(keys["rotation"]["message"], "Nothing is lost: run the command again.")


def _until_over(broker: httpx.Client, keys: dict[str, Any], timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    with _bar(keys["rotation"]["total"]) as shown:
        while keys["rotation"]["state"] == "running":
            if time.monotonic() >= deadline:
                raise CommandError(
                    f"The rotation was not over within {timeout:.0f} s; it goes on.",
                    "See `millrace keys status`.",
                    ExitCode.TIMED_OUT,
                )
            time.sleep(_LOOK_EVERY_S)
            keys = _asked(broker, "GET", "/v1/keys")
            shown(keys["rotation"]["done"])
    return keys


@contextmanager
def _bar(total: int) -> Iterator[Any]:
    """Progress for people at a terminal; one line for everybody else."""
    if not is_live():
        note(f"Wrapping {_counted(total)} anew.")
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Wrapping keys anew", total=total)
        yield lambda done: progress.update(task, completed=done)


def _show(keys: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(keys, indent=2))
        return
    typer.echo(f"Key ring: {keys['provider']}")
    for one in keys["ring"]:
        mark = "newest" if one["id"] == keys["primary"] else "former"
        typer.echo(f"  {one['id']}  {mark}  opens {_counted(one['connections'])}")
    rotation = keys["rotation"]
    if rotation["state"] != "idle":
        typer.echo(
            f"Rotation: {rotation['state']}, {rotation['done']} of {rotation['total']}. {rotation['message']}".rstrip()
        )


def _counted(connections: int) -> str:
    return f"{connections} connection{'' if connections == 1 else 's'}"


@contextmanager
def _broker(url: str, key_file: Path | None) -> Iterator[httpx.Client]:
    if bool(url) != (key_file is not None):
        raise CommandError("--url and --key-file belong together.", code=ExitCode.USAGE)
    address, key = (url.rstrip("/"), _read(key_file)) if key_file is not None else _of_stack()
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=address, headers=headers, timeout=_PATIENCE_S, trust_env=False) as client:
        yield client


def _of_stack() -> tuple[str, str]:
    home = Home(StackSettings.from_environment().home)
    found = look(home)
    broker = next((unit for unit in found.parts() if unit.name == "token-broker"), None)
    if found.state == "down" or broker is None or "url" not in broker.facts:
        raise CommandError(
            f"No token-broker runs in {home.root}.",
            "Start it with `millrace up`, or name another one with --url and --key-file.",
            ExitCode.UNREACHABLE,
        )
    return broker.facts["url"], secret_of(home, OPERATOR_KEY)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as refused:
        raise CommandError(
            f"The key in {path} cannot be read: {refused.strerror}.", code=ExitCode.NOT_ALLOWED
        ) from refused


def _asked(broker: httpx.Client, method: str, path: str) -> dict[str, Any]:
    try:
        answer = broker.request(method, path)
    except httpx.HTTPError as away:
        raise CommandError(
            f"The token-broker at {broker.base_url} does not answer ({type(away).__name__}).",
            "See `millrace status`.",
            ExitCode.UNREACHABLE,
        ) from away
    found = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    if not answer.is_success:
        message = f"{found.get('detail', f'The token-broker answered {answer.status_code}.')} [{found.get('code', '')}]"
        raise CommandError(message, found.get("action", ""), _CODES.get(answer.status_code, ExitCode.FAILED))
    return dict(found)
