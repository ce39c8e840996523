"""A program that is forked is what it would be by `python -m`: its own environment, folder, files and end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import ROOT, SHARED, Program, ProgramServer, our_server, start

ONLOOKER = "tests.support.onlooker"


def looks(folder: Path, wish: str) -> Program:
    with (folder / "seen").open("wb") as output:
        return start(ONLOOKER, wish, environment={"COLOUR": "blue"}, output=output, folder=folder)


def seen(folder: Path) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while not (text := (folder / "seen").read_text()).endswith("\n"):
        assert time.monotonic() < deadline, "it says nothing"
        time.sleep(0.02)
    found: dict[str, Any] = json.loads(text)
    return found


class TestProgram:
    def test_has_words_a_folder_and_an_environment_of_its_own_and_nothing_open_of_anybodys(
        self, tmp_path: Path
    ) -> None:
        other = looks(tmp_path, "wait")
        (tmp_path / "second").mkdir()
        assert looks(tmp_path / "second", "0").wait(60) == 0
        found = seen(tmp_path / "second")
        assert found["words"] == ["0"] and found["folder"] == str(tmp_path / "second")
        assert found["environment"]["COLOUR"] == "blue" and not found["environment"].keys() & {"PATH", "HOME"}
        assert found["open_files"] == [0, 1, 2]
        other.kill()
        other.wait(60)

    def test_ends_with_its_code_or_by_a_signal(self, tmp_path: Path) -> None:
        ended = looks(tmp_path, "7")
        assert (ended.wait(60), ended.poll(), ended.returncode) == (7, 7, 7)
        ended.kill()  # and nobody is hit who has its number now
        for number in (signal.SIGTERM, signal.SIGKILL):
            running = looks(tmp_path, "wait")
            seen(tmp_path)
            running.send_signal(number)
            assert running.wait(60) == -number
            assert not Path(f"/proc/{running.pid}").exists()

    def test_that_runs_has_not_ended(self, tmp_path: Path) -> None:
        running = looks(tmp_path, "wait")
        assert running.pid != os.getpid() and running.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.01)
        running.kill()
        assert running.wait(60) == -signal.SIGKILL

    def test_that_several_threads_wait_for_tells_all_of_them(self, tmp_path: Path) -> None:
        for number in range(5):
            (tmp_path / str(number)).mkdir()
            running = looks(tmp_path / str(number), "wait")
            with ThreadPoolExecutor(8) as pool:
                waiting = [pool.submit(running.wait, 60) for _ in range(8)]
                running.kill()
                assert {one.result() for one in waiting} == {-signal.SIGKILL}

    def test_that_does_not_exist_says_so_itself(self, tmp_path: Path) -> None:
        with (tmp_path / "said").open("wb") as output:
            nobody = start("tests.support.nobody", environment={}, output=output)
        assert nobody.wait(60) == 1
        assert "No module named tests.support.nobody" in (tmp_path / "said").read_text()

    def test_is_forked_for_another_process_that_has_inherited_the_server(self) -> None:
        shared = our_server().shared
        alone = "import subprocess; subprocess.Popen = None; from tests.support.programs import start; "
        code = f"{alone}raise SystemExit(start({ONLOOKER!r}, '7', environment={{}}, output=1).wait(60))"
        inherited = {**os.environ, SHARED: str(shared), "PYTHONPATH": str(ROOT)}
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", code], env=inherited, pass_fds=[shared], capture_output=True, text=True
            )
            assert (done.returncode, json.loads(done.stdout)["words"]) == (7, ["7"]), done.stderr

    def test_does_not_outlive_who_asked_for_it(self, tmp_path: Path) -> None:
        server = ProgramServer()
        with (tmp_path / "seen").open("wb") as output:
            left = start(ONLOOKER, "wait", environment={}, output=output, server=server)
        alive = os.pidfd_open(left.pid)
        seen(tmp_path)
        server.close()
        with pytest.raises(ProcessLookupError):
            for _ in range(600):
                signal.pidfd_send_signal(alive, 0)
                time.sleep(0.1)
        os.close(alive)
