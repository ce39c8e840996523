"""Processes are known by pid and start, ports by trying, logs by their end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from millrace.errors import CommandError
from millrace.stack.locks import held, is_held
from millrace.stack.logs import KEPT, last_lines, rotate
from millrace.stack.ports import PortRange
from millrace.stack.processes import MARKER, Process, marked_with, process_of, wait_gone
from tests.support.local_stack import free_range


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: "mark-of-this-test"}, start_new_session=True)
    yield child
    child.kill()
    child.wait()


class TestProcess:
    def test_the_same_pid_with_another_start_is_another_process(self, sleeper: subprocess.Popen[bytes]) -> None:
        process = process_of(sleeper.pid)
        assert process is not None
        assert process.alive()
        other = Process(process.pid, process.started + 1)
        assert not other.alive()
        other.send(signal.SIGKILL)
        other.kill_group()
        assert sleeper.poll() is None

    def test_a_zombie_is_not_alive(self, sleeper: subprocess.Popen[bytes]) -> None:
        process = process_of(sleeper.pid)
        assert process is not None
        process.kill_group()
        assert wait_gone([process], 10) == []

    def test_it_is_found_by_its_mark(self, sleeper: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 10
        while not marked_with("mark-of-this-test") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [process.pid for process in marked_with("mark-of-this-test")] == [sleeper.pid]
        assert marked_with("mark-of-this") == []


class TestPorts:
    def test_the_preferred_port_or_else_the_next_free_one(self) -> None:
        first, last = (int(number) for number in free_range(60).split("-"))
        ports = PortRange(first, last)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", ports.pick(first + 5)))
            taken.listen()
            again = PortRange(first, last).pick(taken.getsockname()[1])
        assert again > first + 4

    def test_no_port_is_handed_out_twice(self) -> None:
        first, last = (int(number) for number in free_range(60).split("-"))
        ports = PortRange(first, last)
        picked = [ports.pick(first) for _ in range(5)]
        assert len(set(picked)) == 5

    def test_a_default_outside_the_range_becomes_one_inside(self) -> None:
        first, last = (int(number) for number in free_range(60).split("-"))
        assert first <= PortRange(first, last).pick(18392) <= last

    def test_a_full_range_is_an_error(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(CommandError, match=f"No free port between {port} and {port}"):
                PortRange(port, port).pick(port)


class TestLocks:
    def test_it_ends_with_its_holder_however_that_ends(self, tmp_path: Path) -> None:
        lock = tmp_path / "home" / "run" / "lock"
        lock.parent.mkdir(parents=True)
        code = f"import pathlib, time\nfrom millrace.stack.locks import held\nwith held(pathlib.Path({str(lock)!r})):\n"
        code += "  print('held', flush=True); time.sleep(60)"
        holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_held(lock)
        with pytest.raises(CommandError, match=f"process {holder.pid}"), held(lock):
            pass
        holder.kill()
        holder.wait()
        assert not is_held(lock)
        with held(lock):
            assert is_held(lock)


class TestLogs:
    def test_a_big_log_is_set_aside_and_its_writer_goes_on(self, tmp_path: Path) -> None:
        log = tmp_path / "part.log"
        with log.open("ab", buffering=0) as writer:
            for number in range(KEPT + 2):
                writer.write(f"round {number}\n".encode())
                assert rotate(log, limit=3)
            writer.write(b"last\n")
            assert not rotate(log, limit=100)
        assert log.read_text() == "last\n"
        kept = [(tmp_path / f"part.log.{number}").read_text() for number in range(1, KEPT + 1)]
        assert kept == ["round 4\n", "round 3\n", "round 2\n"]
        assert len(list(tmp_path.iterdir())) == KEPT + 1

    def test_the_last_lines_of_what_may_not_exist(self, tmp_path: Path) -> None:
        log = tmp_path / "part.log"
        assert last_lines(log, 3) == []
        log.write_text("\n".join(f"line {number}" for number in range(100)))
        assert last_lines(log, 2) == ["line 98", "line 99"]
