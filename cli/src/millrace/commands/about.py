"""`millrace version`, `millrace help`, `millrace completion`."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from millrace.exit_codes import MEANINGS, SERVICE_MEANINGS


class HelpTopic(StrEnum):
    """What `millrace help` explains."""

    EXIT_CODES = "exit-codes"


class Shell(StrEnum):
    """Shells that can complete our commands."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    PWSH = "pwsh"


def register(app: typer.Typer) -> None:
    app.command("version")(version)
    app.command("help")(help_topic)
    app.command("completion")(completion)


def version(as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False) -> None:
    """Say which version this is.

    Examples: millrace version; millrace version --json
    """
    from common.version import BuildVersion

    document = BuildVersion("millrace").document()
    if as_json:
        typer.echo(json.dumps(document))
    else:
        typer.echo(f"millrace {document['version']} ({document['commit']}), schema {document['schema_version']}")


def help_topic(
    ctx: typer.Context, topic: Annotated[HelpTopic | None, typer.Argument(help="What to explain.")] = None
) -> None:
    """Explain a topic; without one, list the commands.

    Examples: millrace help; millrace help exit-codes
    """
    if topic is None:
        assert ctx.parent is not None
        typer.echo(ctx.parent.get_help())
        return
    typer.echo("Exit codes of the command:\n")
    typer.echo("\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items()))
    typer.echo("\nExit codes of a service:\n")
    typer.echo("\n".join(f"  {code:>3}  {meaning}" for code, meaning in SERVICE_MEANINGS.items()))


def completion(shell: Annotated[Shell, typer.Argument(help="For which shell.")]) -> None:
    """Print the script that completes commands in a shell.

    Examples: millrace completion bash > ~/.local/share/bash-completion/completions/millrace; millrace completion fish | source
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    typer.echo(get_completion_script(prog_name="millrace", complete_var="_MILLRACE_COMPLETE", shell=shell.value))
