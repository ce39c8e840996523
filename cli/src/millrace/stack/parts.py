"""What the supervisor needs to know of anything that it starts."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from millrace.errors import CommandError
from millrace.stack.ports import PortRange


@dataclass(frozen=True)
class Command:
    """A program to start: never through a shell."""

    argv: Sequence[str | Path]
    environment: Mapping[str, str] = field(repr=False)
    user: int | None = None


class NotOurs(Exception):
    """Something answers at the address, but it is not the process that we started."""


class Part(Protocol):
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

    async def probe(self, pid: int) -> str | None:
        """The version of the server if it is ready and is ours; None if it is not ready yet; else NotOurs."""

    def facts(self) -> Mapping[str, str]:
        """What `status` says of it: address, url."""

    def after_stop(self) -> None:
        """Called once the process is gone."""


async def run_tool(command: Command, log: Path, seconds: float, *, cwd: Path) -> None:
    """Run a short program to its end; if it fails, its last lines are the reason."""
    with log.open("ab") as output:
        tool = await asyncio.create_subprocess_exec(
            *[str(word) for word in command.argv],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(command.environment),
            cwd=cwd,
            start_new_session=True,
            user=command.user,
        )
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
