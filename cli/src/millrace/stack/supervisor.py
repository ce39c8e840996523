"""Starts what the plan names in the order of its needs, keeps it running, and stops it in reverse."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from millrace.errors import CommandError
from millrace.stack.home import Home
from millrace.stack.logs import rotate
from millrace.stack.parts import StackPart
from millrace.stack.ports import PortRange
from millrace.stack.state import Board, Phase
from millrace.stack.unit import Unit

LOOK_SECONDS = 1.0
ROTATE_EVERY = 5


@dataclass(frozen=True)
class SupervisorStep:
    """Something that is done once at each start, after what it needs and before what needs it."""

    name: str
    needs: tuple[str, ...]
    run: Callable[[], Awaitable[None]]
    begin: Callable[[], Awaitable[None]] | None = None
    """What of it needs nothing."""


class Supervisor:
    """One stack, from the first start to the last stop."""

    def __init__(
        self, home: Home, parts: Sequence[StackPart], steps: Sequence[SupervisorStep], ports: PortRange, board: Board
    ) -> None:
        self._home = home
        self._ports = ports
        self._board = board
        self._units = {part.name: Unit(part, home, ports, board) for part in parts}
        self._steps = {step.name: step for step in steps}
        self._done = {name: asyncio.Event() for name in (*self._units, *self._steps)}
        self.stopping = asyncio.Event()

    async def run(self) -> int:
        """Start everything, wait until told to stop, stop everything. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stopping.set)
        for name in self._units:
            self._home.hold(name).unlink(missing_ok=True)
        # All ports before the first start: a service may be told of one that comes after it.
        for unit in self._units.values():
            unit.part.choose_ports(self._ports)
        starting = asyncio.create_task(self._start_all(), name="start")
        stopped = asyncio.create_task(self.stopping.wait(), name="stopping")
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        failure = await self._outcome_of(starting)
        if failure is None and not self.stopping.is_set():
            self._board.stack(phase="up")
            await self._tend(stopped)
        stopped.cancel()
        self._board.stack(phase="stopping")
        await self._stop_all()
        return self._close(failure)

    async def _start_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name in self._done:
                group.create_task(self._start(name), name=f"start {name}")

    async def _start(self, name: str) -> None:
        if name in self._units:
            await self._units[name].start_early()
        elif (begin := self._steps[name].begin) is not None:
            await begin()
        for need in self._needs(name):
            await self._done[need].wait()
        if name in self._units:
            await self._units[name].start()
        else:
            await self._take(self._steps[name])
        self._done[name].set()

    async def _take(self, step: SupervisorStep) -> None:
        began = asyncio.get_running_loop().time()
        self._board.unit(step.name, phase=Phase.STARTING)
        try:
            await step.run()
        except CommandError as refused:
            self._board.unit(step.name, phase=Phase.FAILED, trouble=str(refused))
            raise
        seconds = round(asyncio.get_running_loop().time() - began, 1)
        self._board.unit(step.name, phase=Phase.READY, seconds=seconds)

    def _needs(self, name: str) -> tuple[str, ...]:
        needs = self._units[name].part.needs if name in self._units else self._steps[name].needs
        return tuple(need for need in needs if need in self._done)

    async def _outcome_of(self, starting: asyncio.Task[None]) -> CommandError | None:
        if not starting.done():
            starting.cancel()
        await asyncio.wait({starting})
        if starting.cancelled() or starting.exception() is None:
            return None
        error = starting.exception()
        if isinstance(error, BaseExceptionGroup) and (refused := error.subgroup(CommandError)) is not None:
            return _first(refused)
        assert error is not None
        await self._stop_all()
        raise error

    async def _tend(self, stopped: asyncio.Task[bool]) -> None:
        for look in itertools.cycle(range(ROTATE_EVERY)):
            await asyncio.wait({stopped}, timeout=LOOK_SECONDS)
            if stopped.done():
                return
            for unit in self._units.values():
                unit.look_at_hold()
            for name in (*self._units, "supervisor") if look == 0 else ():
                rotate(self._home.log(name))

    async def _stop_all(self) -> None:
        """Reverse order: a unit stops when all that need it have stopped; what is independent stops together."""
        gone = {name: asyncio.Event() for name in self._done}

        async def stop(name: str) -> None:
            for other in self._done:
                if name in self._needs(other):
                    await gone[other].wait()
            if name in self._units:
                await self._units[name].stop()
            gone[name].set()

        await asyncio.gather(*(stop(name) for name in self._done))

    def _close(self, failure: CommandError | None) -> int:
        if failure is None:
            self._board.stack(phase="down")
            return 0
        self._board.stack(phase="failed", failure=failure.message, remedy=failure.remedy, code=int(failure.code))
        return int(failure.code)


def _first(group: BaseExceptionGroup[CommandError]) -> CommandError:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
        return error
    raise AssertionError("an exception group is never empty")
