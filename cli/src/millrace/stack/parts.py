"""What the supervisor needs to know of anything that it starts."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from millrace.errors import CommandError
from millrace.stack.home import Home
from millrace.stack.ports import PortRange
from millrace.stack.processes import MARKER


@dataclass(frozen=True)
class Command:
    """A program to start: never through a shell."""

    argv: Sequence[str | Path]
    environment: Mapping[str, str] = field(repr=False)
    user: int | None = None


class NotOurs(Exception):
    """Something answers at the address, but it is not the process that we started."""


class StackPart(Protocol):
    """One server of the stack."""

    needs: tuple[str, ...]
    start_seconds: float
    stop_seconds: float
    stop_signal: signal.Signals

    @property
    def name(self) -> str: ...

    def choose_ports(self, ports: PortRange) -> None:
        """Take free ports; called again if another program was quicker."""

    async def prepare(self) -> None:
        """Make what the server needs before its first start; repeatable."""

    def command(self) -> Command: ...

    def early(self) -> Command | None:
        """What can be started before its needs are there: it waits on its standard input for the environment of `command`."""
        ...

    async def probe(self, pid: int) -> str | None:
        """The version of the server if it is ready and is ours; None if it is not ready yet; else NotOurs."""
        ...

    async def responds(self) -> bool:
        """False when a living process is so stuck that only a new one helps; not being ready is no such case."""
        ...

    def facts(self) -> Mapping[str, str]:
        """What `status` says of it: address, url."""
        ...

    def after_stop(self) -> None:
        """Called once the process is gone."""


async def spawn(command: Command, log: Path, home: Home, *, listens: bool = False) -> asyncio.subprocess.Process:
    """Start a program that writes to its own log, in a group of its own, with the mark of its stack.

    The mark is how the next command finds the child if we die before we have written down that there is one. `listens`: it is told
    something later (`tell`).
    """
    other_user = {} if command.user is None else {"user": command.user, "group": command.user, "extra_groups": []}
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *[str(word) for word in command.argv],
            stdin=asyncio.subprocess.PIPE if listens else asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_marked(command, home),
            cwd=home.root,
            start_new_session=True,
            **other_user,  # type: ignore[arg-type]
        )


async def tell(early: asyncio.subprocess.Process, command: Command, home: Home) -> bool:
    """Give a process that was started early what it waits for; False when it is gone."""
    assert early.stdin is not None
    try:
        early.stdin.write(json.dumps(_marked(command, home)).encode() + b"\n")
        await early.stdin.drain()
        early.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return early.returncode is None


def _marked(command: Command, home: Home) -> dict[str, str]:
    return {**command.environment, MARKER: home.stack_id()}


async def run_tool(
    command: Command, log: Path, seconds: float, home: Home, early: asyncio.subprocess.Process | None = None
) -> None:
    """Run a short program to its end; if it fails, its last lines are the reason. `early` is the same program, started before its time."""
    tool = early if early is not None and await tell(early, command, home) else await spawn(command, log, home)
    try:
        code = await asyncio.wait_for(tool.wait(), seconds)
    except BaseException:
        if tool.returncode is None:
            tool.kill()
            await tool.wait()
        raise
    if code != 0:
        raise ToolFailed(str(Path(command.argv[0]).name), code, log)


class ToolFailed(CommandError):
    """A program that prepares a part ended with an error."""

    def __init__(self, program: str, code: int, log: Path) -> None:
        super().__init__(f"{program} ended with code {code}.")
        self.exit_code = code
        self.log = log
