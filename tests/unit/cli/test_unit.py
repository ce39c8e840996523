"""One kept process: moved when another took its port, replaced when it is stuck, ended when it does not listen."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from millrace.errors import CommandError
from millrace.stack.home import Home
from millrace.stack.parts import Command, NotOurs
from millrace.stack.ports import PortRange
from millrace.stack.processes import marked_with
from millrace.stack.state import Board, Phase, StackState, UnitState
from millrace.stack.steps import EarlyModule
from millrace.stack.supervisor import Supervisor, SupervisorStep
from millrace.stack.unit import Unit

SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


@dataclass
class Sleeper:
    """A part whose process only sleeps; what its probes answer is set by the test."""

    name: str = "sleeper"
    needs: tuple[str, ...] = ()
    code: str = SLEEP
    start_seconds: float = 10
    stop_seconds: float = 0.3
    stop_signal: signal.Signals = signal.SIGTERM
    strangers: int = 0
    answers: bool = True
    chosen: int = 0
    log: Path | None = None
    early_code: str = ""
    order: list[str] = field(default_factory=list)

    def choose_ports(self, ports: PortRange) -> None:
        self.chosen += 1

    async def prepare(self) -> None:
        self.order.append(f"{self.name} prepared")

    def command(self) -> Command:
        return Command([sys.executable, "-c", self.code], dict(os.environ))

    def early(self) -> Command | None:
        return Command([sys.executable, "-c", self.early_code], {"EARLY": "1"}) if self.early_code else None

    async def probe(self, pid: int) -> str | None:
        if self.strangers:
            self.strangers -= 1
            raise NotOurs("another server answers")
        if self.code == DEAF and (self.log is None or "deaf" not in self.log.read_text()):
            return None
        return "1.0" if self.answers else None

    async def responds(self) -> bool:
        return self.answers

    def facts(self) -> Mapping[str, str]:
        return {"address": "127.0.0.1:1"}

    def after_stop(self) -> None:
        self.order.append(f"{self.name} stopped")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


def board_of(home: Home, *names: str) -> Board:
    return Board(home, StackState(units={name: UnitState(name) for name in names}))


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


class TestUnit:
    async def test_a_port_that_another_program_took_first_is_left_to_it(self, home: Home) -> None:
        part, board = Sleeper(strangers=2), board_of(home, "sleeper")
        unit = Unit(part, home, PortRange(20000, 20001), board)
        await unit.start()
        assert board.state.units["sleeper"].phase is Phase.READY
        assert part.chosen == 2
        await unit.stop()
        assert marked_with(home.stack_id()) == []

    async def test_three_times_is_enough(self, home: Home) -> None:
        unit = Unit(Sleeper(strangers=99), home, PortRange(20000, 20001), board_of(home, "sleeper"))
        with pytest.raises(CommandError, match="another server answers"):
            await unit.start()
        assert marked_with(home.stack_id()) == []

    async def test_one_that_ends_while_it_starts_shows_its_last_lines(self, home: Home) -> None:
        part = Sleeper(code="import sys; print('no such mailbox'); sys.exit(7)", answers=False)
        unit = Unit(part, home, PortRange(20000, 20001), board_of(home, "sleeper"))
        with pytest.raises(CommandError, match=r"(?s)ended with code 7.*no such mailbox"):
            await unit.start()

    async def test_a_stuck_one_is_replaced(self, home: Home) -> None:
        part, board = Sleeper(), board_of(home, "sleeper")
        unit = Unit(part, home, PortRange(20000, 20001), board)
        unit.stuck_seconds = 0.1
        await unit.start()
        first = board.state.units["sleeper"].pid
        part.answers = False
        await until(lambda: board.state.units["sleeper"].restarts == 1)
        part.answers = True
        await until(lambda: board.state.units["sleeper"].phase is Phase.READY)
        assert board.state.units["sleeper"].pid != first
        await unit.stop()

    async def test_one_that_is_deaf_to_the_signal_is_ended(self, home: Home) -> None:
        part, board = Sleeper(code=DEAF), board_of(home, "sleeper")
        part.log = home.log("sleeper")
        unit = Unit(part, home, PortRange(20000, 20001), board)
        await unit.start()
        await unit.stop()
        assert marked_with(home.stack_id()) == []


class TestEarly:
    """What a service imports it imports while the servers start."""

    LISTENS = "import json, sys, time; print('here', flush=True); told = json.loads(sys.stdin.readline()); print(*told, flush=True); time.sleep(60)"

    async def test_one_that_waits_for_its_needs_is_there_before_them_and_goes_on_as_the_same_process(
        self, home: Home
    ) -> None:
        server, service = Sleeper("server"), Sleeper("service", ("server",), early_code=self.LISTENS)
        server.answers, board = False, board_of(home, "server", "service")
        supervisor = Supervisor(home, [service, server], [], PortRange(20000, 20001), board)
        running = asyncio.create_task(supervisor.run())
        log = home.log("service")
        await until(lambda: log.exists() and "here" in log.read_text())
        (early,) = [one.pid for one in marked_with(home.stack_id()) if one.pid != board.state.units["server"].pid]
        assert board.state.units["service"].phase is Phase.WAITING
        server.answers = True
        await until(lambda: board.state.phase == "up")
        await until(lambda: "MILLRACE_STACK_ID" in log.read_text() and "PATH" in log.read_text())
        assert board.state.units["service"].pid == early
        supervisor.stopping.set()
        await running
        assert marked_with(home.stack_id()) == []

    async def test_one_that_has_ended_is_started_as_ever(self, home: Home) -> None:
        part, board = Sleeper(early_code="pass"), board_of(home, "sleeper")
        unit = Unit(part, home, PortRange(20000, 20001), board)
        await unit.start_early()
        await until(lambda: marked_with(home.stack_id()) == [])
        await unit.start()
        assert board.state.units["sleeper"].phase is Phase.READY
        await unit.stop()

    async def test_a_stop_ends_one_that_was_never_told_to_run(self, home: Home) -> None:
        unit = Unit(Sleeper(early_code=self.LISTENS), home, PortRange(20000, 20001), board_of(home, "sleeper"))
        await unit.start_early()
        await unit.stop()
        assert marked_with(home.stack_id()) == []

    async def test_a_step_begins_before_its_needs_too_and_is_the_same_process(self, home: Home, tmp_path: Path) -> None:
        (tmp_path / "stepped.py").write_text(
            "import os\nprint('imported', os.getpid(), flush=True)\n"
            "if __name__ == '__main__':\n    print('ran', os.getpid(), os.environ['TOLD'], flush=True)\n"
        )
        module = EarlyModule(home, "topics", "stepped", os.environ | {"PYTHONPATH": str(tmp_path)})
        server, log = Sleeper("server", answers=False), home.log("topics")
        step = SupervisorStep("topics", ("server",), lambda: module.run({"TOLD": "late"}), module.begin)
        board = Board(
            home, StackState(units={"server": UnitState("server"), "topics": UnitState("topics", kind="step")})
        )
        supervisor = Supervisor(home, [server], [step], PortRange(20000, 20001), board)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: log.exists() and "imported" in log.read_text())
        assert "ran" not in log.read_text()
        server.answers = True
        await until(lambda: board.state.phase == "up")
        words = log.read_text().split()
        assert words[-3:] == ["ran", words[1], "late"]
        supervisor.stopping.set()
        await running


class TestPrepared:
    @pytest.fixture
    def program(self, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
        (tmp_path / "served").mkdir()
        (tmp_path / "served" / "__init__.py").write_text("")
        (tmp_path / "served" / "__main__.py").write_text(
            "import os, sys\nprint('imported', flush=True)\nif __name__ == '__main__':\n"
            "    print(sorted(os.environ.items()), len(sys.argv), sys.stdin.read() == '', flush=True)\n"
        )
        started = subprocess.Popen(
            [sys.executable, "-m", "millrace.stack.prepared", "served"],
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        yield started
        started.kill()
        started.wait()

    def test_is_imported_before_and_runs_as_itself_once_it_is_told_its_environment(
        self, program: subprocess.Popen[str]
    ) -> None:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "imported\n"
        told, warned = program.communicate('{"ONLY": "this"}\n', timeout=30)
        assert told == "imported\n[('ONLY', 'this')] 1 True\n"
        assert (program.returncode, warned) == (0, "")

    def test_imports_nothing_that_draws_on_terminals(self, tmp_path: Path) -> None:
        (tmp_path / "drawn.py").write_text(
            "import sys\nimport httpx, structlog\nif __name__ == '__main__':\n"
            "    print(*(name for name, module in sys.modules.items() if module and name in ('rich', 'pygments')))\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "millrace.stack.prepared", "drawn"],
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            input="{}\n",
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.returncode) == ("\n", 0), done.stderr

    def test_ends_with_a_supervisor_that_died_before(self, program: subprocess.Popen[str]) -> None:
        told, _ = program.communicate("", timeout=30)
        assert (told, program.returncode) == ("imported\n", 0)


class TestSupervisor:
    async def test_needs_come_first_and_go_last(self, home: Home) -> None:
        order: list[str] = []
        # A need is ready in its own time; what needs it must have waited.
        parts = [Sleeper("c", ("step",), order=order), Sleeper("b", ("a",), order=order), Sleeper("a", order=order)]

        async def step() -> None:
            order.append("step done")

        board = board_of(home, "a", "b", "c", "step")
        supervisor = Supervisor(home, parts, [SupervisorStep("step", ("b",), step)], PortRange(20000, 20001), board)
        run = asyncio.create_task(supervisor.run())
        await until(lambda: board.state.phase == "up")
        supervisor.stopping.set()
        assert await run == 0
        assert order == ["a prepared", "b prepared", "step done", "c prepared", "c stopped", "b stopped", "a stopped"]
        assert marked_with(home.stack_id()) == []

    async def test_one_failure_stops_everything_and_is_told(self, home: Home) -> None:
        async def fail() -> None:
            raise CommandError("the step failed", "mend it")

        board = board_of(home, "a", "c", "step")
        parts = [Sleeper("a"), Sleeper("c", ("step",))]
        supervisor = Supervisor(home, parts, [SupervisorStep("step", ("a",), fail)], PortRange(20000, 20001), board)
        assert await supervisor.run() == 1
        assert (board.state.phase, board.state.failure, board.state.remedy) == ("failed", "the step failed", "mend it")
        assert marked_with(home.stack_id()) == []
