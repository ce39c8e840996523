"""`millrace config`: what can be set, what is set, and whether it would be accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

import typer

from common.environment import SCHEMA_FILE, ConfigurationError
from common.settings import ServiceSettings, Settings, load
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings_classes import settings_classes

app = typer.Typer(name="config", help="Settings: what can be set, what is set, whether it would be accepted.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def schema() -> None:
    """Print the JSON Schema of every setting of every service.

    Examples: millrace config schema; millrace config schema | jq '.properties | keys'
    """
    typer.echo(SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the settings in force, secrets hidden.

    Examples: millrace config show; millrace config show --json
    """
    shown: dict[str, object] = {}
    problems: list[str] = []
    for settings in _loaded(problems).values():
        shown |= settings.redacted()
    _refuse(problems)
    if as_json:
        typer.echo(json.dumps(shown, indent=2, default=str))
    else:
        typer.echo("\n".join(f"{name}={'' if value is None else value}" for name, value in shown.items()))


@app.command()
def check(as_json: AsJson = False) -> None:
    """Try the settings without starting anything; exit 2 names every problem.

    Examples: millrace config check; DATABASE_URL_FILE=/run/secrets/db millrace config check --json
    """
    problems: list[str] = []
    accepted = sorted(_loaded(problems))
    if as_json:
        typer.echo(
            json.dumps({"ok": not problems, "accepted_by": accepted, "problems": sorted(set(problems))}, indent=2)
        )
    _refuse(problems)
    if not as_json:
        typer.echo(f"The settings are accepted by {', '.join(accepted)}.")


def _loaded(problems: list[str]) -> Mapping[str, Settings]:
    loaded: dict[str, Settings] = {}
    for reader, cls in _services().items():
        try:
            loaded[reader] = load(cls)
        except ConfigurationError as error:
            problems += error.problems
    return loaded


def _services() -> dict[str, type[ServiceSettings]]:
    # The tools beside the services (migrations, topics) read a part of the same names under other descriptions.
    return {reader: cls for reader, cls in settings_classes().items() if issubclass(cls, ServiceSettings)}


def _refuse(problems: list[str]) -> None:
    if problems:
        words = "\n".join(sorted(set(problems)))
        raise CommandError(words, "`millrace config schema` lists every setting.", ExitCode.USAGE)
