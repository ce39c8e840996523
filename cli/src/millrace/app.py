"""The root command: the verbs of the local stack, and a group for each noun."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from millrace.commands import NOUNS, Noun
from millrace.commands.about import register as register_about
from millrace.commands.demo import register as register_demo
from millrace.commands.stack import register as register_stack
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.terminal import show_error

HELP = "Keeps business systems in step. Noun then verb; `millrace help exit-codes` lists the exit codes."


class NounGroup(TyperGroup):
    """A noun as the list of commands shows it; what it can do is imported when somebody asks for that."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(name=noun.name, help=noun.help)
        self._noun = noun

    def load(self) -> Any:
        group = get_group(importlib.import_module(self._noun.module).app)
        group.name = self._noun.name
        return group

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.load().list_commands(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self.load().get_command(ctx, cmd_name)


class Root(TyperGroup):
    """Finds the nouns' commands when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *(noun.name for noun in NOUNS)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        noun = next((noun for noun in NOUNS if noun.name == cmd_name), None)
        return super().get_command(ctx, cmd_name) if noun is None else NounGroup(noun)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, NounGroup) else command, rest


def build() -> typer.Typer:
    # Plain text like everything else that the command says; what draws boxes takes longer to import than the command itself.
    app = typer.Typer(
        name="millrace",
        cls=Root,
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    register_stack(app)
    register_demo(app)
    register_about(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    signal.signal(signal.SIGINT, _interrupted)
    try:
        build()(args=list(sys.argv[1:] if arguments is None else arguments), prog_name="millrace")
    except CommandError as error:
        show_error(error)
        return int(error.code)
    except BrokenPipeError:
        # The reader has left, as `head` does; nobody is there to be told.
        sys.stderr.close()
        return int(ExitCode.FAILED)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return int(ExitCode.DONE)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise CommandError("Interrupted.", code=ExitCode.INTERRUPTED)
