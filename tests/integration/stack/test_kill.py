"""kill -9, of each process and of all of them: seen in `status`, back again, and nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress

import pytest

from millrace.stack.home import Home
from millrace.stack.processes import MARKER
from millrace.stack.state import read_state
from tests.integration.stack.test_up_and_down import recall, remember
from tests.support.command import Millrace
from tests.support.machine import measured

# What a kill may cost where a clean start, on an idle machine with two cores, takes this long.
KAFKA_BACK_SECONDS, KAFKA_START_SECONDS = 8, 4


class TestKill:
    @pytest.mark.parametrize("part", ["kafka", "postgres", "valkey", "echo"])
    async def test_a_killed_part_comes_back_with_its_data(self, running: Millrace, part: str) -> None:
        before = await self._words(running)
        await remember(running, part)
        killed, restarts = running.process(part), running.part(part)["restarts"]
        os.kill(killed.pid, signal.SIGKILL)
        seen = running.wait(f"{part} is missed", lambda status: status["parts"][part]["pid"] != killed.pid)
        back = running.wait_until_up()
        assert seen["state"] in ("degraded", "up")
        assert back["parts"][part]["restarts"] == restarts + 1
        assert await recall(running) == [[*before, part]] * 3

    def test_kafka_is_back_within_seconds(self, running: Millrace) -> None:
        """It waits for the end of its own old session; a machine that is busy with other things is granted its share."""
        state = read_state(Home(running.home))
        assert state is not None
        started = KAFKA_BACK_SECONDS * max(1.0, state.units["kafka"].seconds / KAFKA_START_SECONDS)
        took = []
        for _ in range(3):
            killed = running.process("kafka")
            with measured() as machine:
                began = time.monotonic()
                os.kill(killed.pid, signal.SIGKILL)
                running.wait("kafka is missed", lambda status, pid=killed.pid: status["parts"]["kafka"]["pid"] != pid)
                running.wait("kafka is back", lambda status: status["parts"]["kafka"]["ready"])
                took.append(time.monotonic() - began)
            # It was started at another time, and others may have become busy since.
            allowed = max(started, KAFKA_BACK_SECONDS * machine.slower)
            if took[-1] < allowed:
                return
        raise AssertionError(f"{took} is more than {allowed:.0f} s")

    async def test_status_tells_that_the_supervisor_is_gone_and_up_mends_it(self, running: Millrace) -> None:
        before = await self._words(running)
        await remember(running, "supervisor")
        old = {name: running.process(name) for name in ("kafka", "postgres", "valkey", "echo")}
        os.kill(running.process("supervisor").pid, signal.SIGKILL)
        running.wait("the supervisor is missed", lambda status: not status["supervisor"]["running"])
        gone = running.run("status")
        assert gone.returncode == 1
        assert "supervisor was killed" in gone.stdout
        again = running.up()
        assert not any(process.alive() for process in old.values())
        assert all(f"Ended {name}" in again.stderr for name in old)
        assert await recall(running) == [[*before, "supervisor"]] * 3

    async def test_everything_killed_at_once(self, running: Millrace) -> None:
        before = await self._words(running)
        await remember(running, "everything")
        for process in [running.process("supervisor"), *running.processes()]:
            # Those of PostgreSQL end by themselves when their first one has.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        running.wait("all is gone", lambda status: status["state"] == "down")
        running.up()
        running.wait_until_up()
        assert await recall(running) == [[*before, "everything"]] * 3

    async def _words(self, running: Millrace) -> list[str]:
        await remember(running, "first")
        (words, rows, keys) = await recall(running)
        assert words == rows == keys
        return words


class TestLeftOvers:
    def test_down_ends_a_child_that_was_started_but_never_recorded(self, fresh: Millrace) -> None:
        """The supervisor can die between the start of a child and the note of its pid."""
        stack_id = Home(fresh.home).create()
        unrecorded = subprocess.Popen(["sleep", "300"], env={**os.environ, MARKER: stack_id})
        stranger = subprocess.Popen(["sleep", "300"], env={**os.environ, MARKER: "of-another-stack"})
        try:
            assert fresh.run("status").returncode == 1
            done = fresh.run("down")
            assert done.returncode == 0
            assert unrecorded.wait(10) == -signal.SIGTERM
            assert stranger.poll() is None
            assert fresh.run("status").returncode == 3
        finally:
            for child in (unrecorded, stranger):
                child.kill()
                child.wait()

    def test_a_process_that_has_the_pid_of_a_dead_child_is_left_alone(self, fresh: Millrace) -> None:
        Home(fresh.home).create()
        stranger = subprocess.Popen(["sleep", "300"])
        try:
            kafka = {"name": "kafka", "phase": "ready", "pid": stranger.pid, "started": 1}
            state = {"pid": 1, "started": 1, "phase": "up", "units": {"kafka": kafka}}
            Home(fresh.home).state_file.write_text(json.dumps(state))
            assert fresh.run("down").returncode == 0
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()
