"""Keeps one server running: started once its needs are ready, restarted with back-off, stopped in time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time

from millrace.errors import CommandError
from millrace.stack.home import Home
from millrace.stack.logs import last_lines
from millrace.stack.parts import NotOurs, StackPart, spawn, tell
from millrace.stack.ports import PortRange
from millrace.stack.processes import Process, process_of
from millrace.stack.state import Board, Phase

PROBE_SECONDS = 0.1
WATCH_SECONDS = 2.0
# What has been well for a while is asked less often: a question costs both sides milliseconds. Its end is seen at once anyway.
CALM_AFTER, CALM_WATCH_SECONDS = 20.0, 15.0
HELD = "stopped by `millrace stop`"
STEADY_SECONDS = 60.0
STUCK_SECONDS = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0
STARTS = 3


class Unit:
    """One part and its process."""

    def __init__(self, part: StackPart, home: Home, ports: PortRange, board: Board) -> None:
        self.part = part
        self._home = home
        self._ports = ports
        self._board = board
        self._child: asyncio.subprocess.Process | None = None
        self._early: asyncio.subprocess.Process | None = None
        self._identity: Process | None = None
        self._stopping = False
        self.stuck_seconds = STUCK_SECONDS
        self._keeper: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self._held = asyncio.Event()
        self._free = asyncio.Event()

    @property
    def name(self) -> str:
        return self.part.name

    # -- the first start

    async def start_early(self) -> None:
        """Whatever it can do before its needs are there."""
        command = self.part.early()
        if command is not None:
            self._early = await spawn(command, self._home.log(self.name), self._home, listens=True)

    async def start(self) -> None:
        """Bring it up for the first time; a failure here is the failure of `up`."""
        began = time.monotonic()
        await self._prepare()
        for attempt in range(1, STARTS + 1):
            try:
                await self._launch()
                break
            except (NotOurs, CommandError) as refused:
                await self._end_child(signal.SIGKILL, 5)
                # Between our look at the port and the bind of the server another program can be quicker.
                if attempt == STARTS or not self._port_was_taken(refused):
                    raise self._failure(refused) from refused
                self.part.choose_ports(self._ports)
                await self.part.prepare()
        self._board.unit(self.name, phase=Phase.READY, seconds=round(time.monotonic() - began, 1), trouble="")
        self.ready.set()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def _prepare(self) -> None:
        self._board.unit(self.name, phase=Phase.PREPARING)
        try:
            await self.part.prepare()
        except CommandError as refused:
            raise self._failure(refused) from refused

    async def _launch(self) -> None:
        await self._spawn()
        await self._until_ready()

    async def _spawn(self) -> None:
        command, early = self.part.command(), self._early
        self._child, self._early = early, None
        if early is None or not await tell(early, command, self._home):
            self._child = await spawn(command, self._home.log(self.name), self._home)
        assert self._child is not None
        self._identity = process_of(self._child.pid)
        started = self._identity.started if self._identity else None
        facts = dict(self.part.facts())
        self._board.unit(self.name, phase=Phase.STARTING, pid=self._child.pid, started=started, facts=facts)

    async def _until_ready(self) -> None:
        assert self._child is not None
        deadline = time.monotonic() + self.part.start_seconds
        while self._child.returncode is None:
            version = await self.part.probe(self._child.pid)
            if version is not None:
                self._board.unit(self.name, version=version)
                return
            if time.monotonic() > deadline:
                raise CommandError(f"{self.name} was not ready after {self.part.start_seconds:.0f} s.")
            await asyncio.sleep(PROBE_SECONDS)
        raise CommandError(f"{self.name} ended with code {self._child.returncode} while it started.")

    def _port_was_taken(self, refused: Exception) -> bool:
        recent = " ".join(last_lines(self._home.log(self.name), 40, 16384)).lower()
        return isinstance(refused, NotOurs) or "address already in use" in recent

    def _failure(self, refused: Exception) -> CommandError:
        remedy, code = (refused.remedy, refused.code) if isinstance(refused, CommandError) else ("", None)
        log = self._home.log(self.name)
        shown = "" if remedy else "".join(f"\n    {line}" for line in last_lines(log, 6))
        sentence = str(refused) + (f" Its last lines:{shown}" if shown else "")
        self._board.unit(self.name, phase=Phase.FAILED, trouble=str(refused))
        failure = CommandError(sentence, remedy or f"The whole log is {log}.")
        failure.code = code or failure.code
        return failure

    # -- the long run

    async def _keep(self) -> None:
        pause, steady_since = FIRST_PAUSE, time.monotonic()
        while not self._stopping:
            why = await self._until_ended()
            if self._stopping:
                return
            if self._is_held():
                await self._while_held()
                pause, steady_since = FIRST_PAUSE, time.monotonic()
                continue
            if time.monotonic() - steady_since > STEADY_SECONDS:
                pause = FIRST_PAUSE
            restarts = self._board.state.units[self.name].restarts + 1
            self._board.unit(self.name, phase=Phase.RESTARTING, pid=None, started=None, restarts=restarts, trouble=why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            if await self._again():
                steady_since = time.monotonic()

    def look_at_hold(self) -> None:
        """Whether somebody wants it to stay down: a file of another process is no event, so one look a second is for all units."""
        now, not_now = (self._held, self._free) if self._is_held() else (self._free, self._held)
        now.set()
        not_now.clear()

    def _is_held(self) -> bool:
        return self._home.hold(self.name).exists()

    async def _while_held(self) -> None:
        """Somebody wants it to stay down for a while, as `group seek` demands."""
        self._board.unit(self.name, phase=Phase.STOPPED, pid=None, started=None, trouble=HELD)
        while self._is_held():
            self._free.clear()
            await self._free.wait()
        await self._again()

    async def _until_ended(self) -> str:
        """Watch the child until it is gone; say how it went."""
        child = self._child
        if child is None:
            return "it could not be started"
        beside = [asyncio.create_task(task) for task in (self._watch(), self._end_when_held())]
        try:
            code = await child.wait()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    async def _watch(self) -> None:
        """Tell the truth about readiness while the child lives, and end it when it is stuck."""
        child, heard = self._child, time.monotonic()
        assert child is not None
        troubled = time.monotonic()
        while True:
            calm = time.monotonic() - troubled > CALM_AFTER
            await asyncio.sleep(CALM_WATCH_SECONDS if calm else WATCH_SECONDS)
            trouble = await _trouble_of(self.part, child.pid)
            troubled = time.monotonic() if trouble else troubled
            self._board.unit(self.name, phase=Phase.STARTING if trouble else Phase.READY, trouble=trouble)
            if not trouble or await self.part.responds():
                heard = time.monotonic()
            elif time.monotonic() - heard > self.stuck_seconds and self._identity is not None:
                self._identity.kill_group()

    async def _end_when_held(self) -> None:
        await self._held.wait()
        await self._end_child(self.part.stop_signal, self.part.stop_seconds)

    async def _again(self) -> bool:
        try:
            await self.part.prepare()
            await self._launch()
        except (CommandError, NotOurs, OSError) as refused:
            await self._end_child(signal.SIGKILL, 5)
            self._child = None
            self._board.unit(self.name, trouble=str(refused), pid=None, started=None)
            return False
        self._board.unit(self.name, phase=Phase.READY, trouble="")
        return True

    # -- the end

    async def stop(self) -> None:
        """Ask the child to end, wait as long as it is owed, then end it."""
        self._stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        await self._end_child(self.part.stop_signal, self.part.stop_seconds)
        await self._end_early()
        self.part.after_stop()
        self._board.unit(self.name, phase=Phase.STOPPED, pid=None, started=None)

    async def _end_early(self) -> None:
        """One that was never told to run."""
        early, self._early = self._early, None
        if early is not None and early.returncode is None:
            early.kill()
            await early.wait()

    async def _end_child(self, number: signal.Signals, seconds: float) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)
        try:
            await asyncio.wait_for(child.wait(), seconds)
        except TimeoutError:
            if self._identity is not None:
                self._identity.kill_group()
            await child.wait()


async def _trouble_of(part: StackPart, pid: int) -> str:
    try:
        return "" if await part.probe(pid) is not None else "it is not ready"
    except (NotOurs, CommandError) as refused:
        return str(refused)
