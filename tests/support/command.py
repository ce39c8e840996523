"""Runs the millrace command as a person would, on a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from millrace.settings import CHECKOUT
from millrace.stack.home import Home
from millrace.stack.processes import Process, marked_with, process_of
from millrace.stack.status import look
from tests.support.local_stack import free_range

COMMAND_SECONDS = 300
GIVEN = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")


@dataclass
class Millrace:
    """One stack, driven by its command."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    ports: str = field(default_factory=free_range)

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(words), env=self._environment(more), capture_output=True, text=True, timeout=COMMAND_SECONDS
        )

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._argv(words), env=self._environment(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def shell(self, prefix: list[str], script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script with an empty folder as $0 and our Python as $1."""
        folder = self.home.parent / "mount"
        folder.mkdir()
        argv = [*prefix, "sh", "-c", script, str(folder), sys.executable]
        environment = self._environment({})
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS)

    def up(self, **more: str) -> subprocess.CompletedProcess[str]:
        done = self.run("up", **more)
        assert done.returncode == 0, done.stderr
        return done

    def status(self) -> dict[str, Any]:
        document = json.loads(self.run("status", "--json").stdout)
        assert isinstance(document, dict)
        return document

    def part(self, name: str) -> dict[str, Any]:
        part = self.status()["parts"][name]
        assert isinstance(part, dict)
        return part

    def process(self, name: str) -> Process:
        """The running process of a part, or of the supervisor."""
        status = self.status()
        pid = status["supervisor"]["pid"] if name == "supervisor" else status["parts"][name]["pid"]
        found = process_of(pid)
        assert found is not None, f"{name} does not run"
        return found

    def wait(self, what: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 120) -> dict[str, Any]:
        """What the command says once it is so; until then what it reads is looked at here, as each of its starts takes most of a second."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition(json.loads(json.dumps(look(Home(self.home)).document()))):
                status = self.status()
                if condition(status):
                    return status
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what}; {self.status()}")

    def wait_until_up(self) -> dict[str, Any]:
        """The status once all is ready: a busy server may be late with an answer, and is called degraded until it gives the next."""
        return self.wait("all is up", lambda status: bool(status["state"] == "up"))

    def processes(self) -> list[Process]:
        """Everything that carries this stack's mark."""
        return marked_with(Home(self.home).stack_id()) if Home(self.home).exists() else []

    def _argv(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "millrace", *words]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if name not in GIVEN}
        own = {"MILLRACE_HOME": str(self.home), "MILLRACE_PORT_RANGE": self.ports, "PYTHONPATH": str(CHECKOUT)}
        return {**clean, **own, "NO_DEMO": "1", **self.environment, **more}


def with_service(
    home: Path, *, name: str = "echo", module: str = "tests.support.echo_service", more: str = ""
) -> dict[str, str]:
    """The environment that adds a service, which only the tests have, to a stack; `more` is declared of it besides."""
    file = home.parent / f"{home.name}-services.toml"
    file.write_text(f'[[service]]\nname = "{name}"\nmodule = "{module}"\nport = 18345\n{more}\n')
    return {"MILLRACE_TEST": "1", "MILLRACE_TEST_SERVICES": str(file)}
