"""Python programs as processes of their own, without the second that each would take to import what all of them import.

`start("console", environment=...)` is as `python -m console`: another process, with its own environment, folder, output and end. But it is a child
of a server (`tests.support.program_server`), which has imported the program before. That a program starts from nothing is what the tests of
the stack prove, which start all of them by `millrace up`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

ROOT = Path(__file__).parents[2]
BEGINS_WITHIN_S = 90.0
# Where a process is told of a server that it may use.
SHARED = "TEST_PROGRAM_SERVER"
STDERR = 2


class Program:
    """What `subprocess.Popen` is to its caller: it is asked, waited for, and killed."""

    def __init__(self, module: str, told: socket.socket) -> None:
        self.returncode: int | None = None
        self._module = module
        self._told = told
        self._said = b""
        self._hearing = threading.Lock()
        body, fds, _, _ = self._first(told)
        self.pid = int(json.loads(body)["pid"])
        self._handle = fds[0]

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self._module, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            try:
                signal.pidfd_send_signal(self._handle, number)
            except ProcessLookupError:
                self.wait(BEGINS_WITHIN_S)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _first(self, told: socket.socket) -> Any:
        if not select.select([told], [], [], BEGINS_WITHIN_S)[0]:
            raise AssertionError(f"{self._module} was not started within {BEGINS_WITHIN_S:.0f} s")
        answer = socket.recv_fds(told, 64, 1)
        assert answer[0].endswith(b"\n") and answer[1], f"nobody starts {self._module}"
        return answer

    def _ended(self, timeout: float | None) -> int | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            # Another thread may hear it first, and closes what both have waited for.
            with suppress(ValueError, BlockingIOError):
                if not select.select([self._told], [], [], left)[0]:
                    return self.returncode
                self._hear()
        return self.returncode

    def _hear(self) -> None:
        """One thread at a time, because what is said is said once."""
        with self._hearing:
            if self.returncode is not None:
                return
            self._said += (more := self._told.recv(64, socket.MSG_DONTWAIT))
            assert more, f"whoever started {self._module} has ended before it"
            if self._said.endswith(b"\n"):
                self.returncode = int(json.loads(self._said)["code"])
                self._told.close()


def start(
    module: str,
    *words: str,
    environment: Mapping[str, str],
    output: IO[Any] | int,
    errors: IO[Any] | int | None = None,
    given: IO[Any] | None = None,
    folder: Path = ROOT,
    server: ProgramServer | None = None,
) -> Program:
    """The program reads nothing but what it is given; its errors go where its output goes unless there is another place for them."""
    wish = {"module": module, "words": words, "environment": dict(environment), "cwd": str(folder)}
    ours, theirs = socket.socketpair()
    with theirs, Path(os.devnull).open("rb") as nothing:
        places = [given or nothing, output, output if errors is None else errors]
        fds = [place if isinstance(place, int) else place.fileno() for place in places]
        (server or _server()).wish(json.dumps(wish).encode(), [*fds, theirs.fileno()])
    return Program(module, ours)


def start_and_listen(module: str, *words: str, environment: Mapping[str, str]) -> tuple[Program, IO[str]]:
    """The program, and what it says; of its errors, where ours go."""
    said, its = os.pipe()
    try:
        program = start(module, *words, environment=environment, output=its, errors=STDERR)
    finally:
        os.close(its)
    return program, os.fdopen(said)


def run(
    module: str,
    *words: str,
    environment: Mapping[str, str],
    within: float,
    said: str = "",
    folder: Path = ROOT,
    server: ProgramServer | None = None,
) -> subprocess.CompletedProcess[str]:
    """The program from its start to its end, as `subprocess.run` has it."""
    with TemporaryFile("w+") as given, TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        given.write(said)
        given.seek(0)
        program = start(
            module,
            *words,
            environment=environment,
            output=output,
            errors=errors,
            given=given,
            folder=folder,
            server=server,
        )
        try:
            code = program.wait(within)
        finally:
            program.kill()
        for place in (output, errors):
            place.seek(0)
        return subprocess.CompletedProcess([module, *words], code, output.read(), errors.read())


class ProgramServer:
    """It ends with this process if not before, and with it what others have started there."""

    def __init__(self) -> None:
        self._asked, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with its:
            command = [sys.executable, "-m", "tests.support.program_server", str(its.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT)

    @property
    def shared(self) -> int:
        """What a process has to inherit that starts its programs here: what is said by one call arrives as one message, whoever else speaks."""
        return self._asked.fileno()

    def wish(self, body: bytes, fds: list[int]) -> None:
        with self._one_at_a_time:
            socket.send_fds(self._asked, [body], fds)

    def close(self) -> None:
        self._asked.close()
        self._process.wait(BEGINS_WITHIN_S)


class SharedServer:
    """Another process's server."""

    def __init__(self, inherited: int) -> None:
        self._asked = socket.socket(fileno=inherited)

    def wish(self, body: bytes, fds: list[int]) -> None:
        socket.send_fds(self._asked, [body], fds)


@cache
def our_server() -> ProgramServer:
    return ProgramServer()


@cache
def _server() -> ProgramServer | SharedServer:
    return SharedServer(int(os.environ[SHARED])) if SHARED in os.environ else our_server()
