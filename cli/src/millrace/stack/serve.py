"""The supervisor's process: `python -m millrace.stack.serve`. `millrace up` starts it, nobody else needs to.

It ends on SIGTERM, and with --with-parent also when its standard input closes, that is, when its parent dies.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from millrace.errors import CommandError
from millrace.settings import StackSettings
from millrace.stack.given import check_given
from millrace.stack.home import Home, cannot_write
from millrace.stack.locks import held
from millrace.stack.plan import make_plan
from millrace.stack.ports import PortRange
from millrace.stack.processes import start_of
from millrace.stack.reclaim import end_marked
from millrace.stack.state import Board, StackState
from millrace.stack.supervisor import Supervisor


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    settings = StackSettings.from_environment()
    home = Home(settings.home)
    with held(home.supervisor_lock):
        own = StackState(pid=os.getpid(), started=start_of(os.getpid()) or 0, scope=options.scope)
        board = Board(home, own, _tell)
        try:
            return asyncio.run(_supervise(home, settings, board, options))
        except CommandError as refused:
            failure = refused
        except OSError as refused:
            if refused.errno not in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT):
                raise
            failure = cannot_write(home.root, refused)
        finally:
            # A start that was broken off in the middle of a spawn is found by the mark.
            end_marked(home.stack_id())
        board.stack(phase="failed", failure=failure.message, remedy=failure.remedy, code=int(failure.code))
        return int(failure.code)


def _tell(name: str, words: str) -> None:
    """The supervisor's own log, seen with `millrace logs supervisor`."""
    print(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {name} {words}", flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m millrace.stack.serve", description=__doc__)
    parser.add_argument("--scope", choices=("all", "infrastructure"), default="all")
    parser.add_argument("--with-parent", action="store_true")
    return parser.parse_args(arguments)


async def _supervise(home: Home, settings: StackSettings, board: Board, options: argparse.Namespace) -> int:
    given = await check_given(settings)
    plan = make_plan(home, settings, given, services=options.scope == "all")
    board.stack(units=plan.units())
    supervisor = Supervisor(home, plan.parts, plan.steps, PortRange(*settings.ports), board)
    if options.with_parent:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _on_input, supervisor.stopping)
    return await supervisor.run()


def _on_input(stopping: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopping.set()


if __name__ == "__main__":
    raise SystemExit(main())
