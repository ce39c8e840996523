"""A service starts, answers, drains and ends with the exit code its supervisor expects: real processes, real signals."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.support import programs
from tests.support.programs import Program

BASE = {"DATABASE_URL": "postgresql://u:canary@h/d", "REDIS_URL": "redis://h", "KAFKA_BOOTSTRAP_SERVERS": "k:1"}
HEAD = """
import asyncio, sys
from contextlib import asynccontextmanager
from common.environment import ConfigurationError
from common.runtime import Runtime
from common.service import run
from common.settings import ServiceSettings

async def app(scope, receive, send):
    if scope["path"] == "/slow":
        print("asked", file=sys.stderr, flush=True)
        await asyncio.sleep(0.4)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"mine"})

@asynccontextmanager
async def build(runtime):
"""
TAIL = "\nraise SystemExit(run('toy', ServiceSettings, build))\n"


class Toy:
    """One running service process and the log lines it wrote."""

    def __init__(self, process: Program, said: IO[str]) -> None:
        self.process = process
        self._said = said
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._said:
            self.lines.extend(iter(self._said.readline, ""))

    def _read_line(self, event: str) -> dict[str, object] | None:
        parsed = (json.loads(line) for line in list(self.lines) if line.startswith("{"))
        return next((line for line in parsed if line.get("event") == event), None)

    def wait_for_line(self, line: str) -> None:
        deadline = time.monotonic() + 60
        while line not in self.lines:
            assert time.monotonic() < deadline, f"no {line!r} in {self.lines}"
            time.sleep(0.01)

    def wait_for(self, event: str) -> dict[str, object]:
        deadline = time.monotonic() + 60
        while (line := self._read_line(event)) is None:
            assert time.monotonic() < deadline, f"no {event} in {self.lines}"
            assert self.process.poll() is None or self._read_line(event), f"ended early: {self.lines}"
            time.sleep(0.01)
        return line

    @property
    def url(self) -> str:
        urls = self.wait_for("service.starting")["urls"]
        assert isinstance(urls, list)
        return str(urls[0])

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.code()

    def code(self) -> int:
        code = self.process.wait(30)
        self._reader.join(30)
        return code


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    toys: list[Toy] = []

    def _start(body: str, **more: str) -> Toy:
        script = tmp_path / f"toy{len(toys)}.py"
        script.write_text(HEAD + "\n".join(f"    {line}" for line in body.strip().splitlines()) + TAIL)
        env = {"PATH": os.environ["PATH"], **BASE, **more}
        said, its = os.pipe()
        process = programs.start("tests.support.toy_service", str(script), environment=env, output=2, errors=its)
        os.close(its)
        toys.append(Toy(process, os.fdopen(said)))
        return toys[-1]

    yield _start
    for toy in toys:
        toy.process.kill()
        toy.process.wait(10)


class TestLife:
    def test_answers_its_probes_and_stops_cleanly(self, start) -> None:
        toy = start("yield\nprint('drained', file=sys.stderr)", MILLRACE_STACK_ID="stack-9")
        toy.wait_for("service.started")
        with httpx.Client(base_url=toy.url) as client:
            assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
            assert client.get("/version").json()["pid"] == toy.process.pid
            assert client.get("/version").json()["stack_id"] == "stack-9"
            assert client.get("/nothing").status_code == 404
            assert "millrace_build_info" in client.get("/metrics").text
        assert toy.end() == 0
        assert "drained\n" in toy.lines
        assert "canary" not in "".join(toy.lines)

    def test_is_alive_but_not_ready_while_it_is_built(self, start) -> None:
        toy = start("await asyncio.sleep(60)\nyield")
        with httpx.Client(base_url=toy.url) as client:
            codes = {path: client.get(path).status_code for path in ("/livez", "/startupz", "/readyz", "/mine")}
        assert codes == {"/livez": 200, "/startupz": 503, "/readyz": 503, "/mine": 503}
        assert toy.end() == 0

    def test_sigint_stops_it_as_well(self, start) -> None:
        toy = start("yield")
        toy.wait_for("service.started")
        assert toy.end(signal.SIGINT) == 0

    def test_serves_its_own_routes_and_answers_open_requests_before_it_goes(self, start) -> None:
        toy = start("runtime.mount(app)\nyield\nprint('drained', file=sys.stderr)")
        toy.wait_for("service.started")
        answers: list[str] = []
        request = threading.Thread(target=lambda: answers.append(httpx.get(f"{toy.url}/slow").text))
        request.start()
        toy.wait_for_line("asked\n")
        assert toy.end() == 0
        request.join(30)
        assert answers == ["mine"]

    def test_keeps_health_on_its_own_port_when_told(self, start) -> None:
        toy = start("runtime.mount(app)\nyield", MILLRACE_INTERNAL_PORT="0")
        toy.wait_for("service.started")
        public, internal = toy.wait_for("service.starting")["urls"]  # type: ignore[misc]
        assert httpx.get(f"{public}/metrics").text == "mine"
        assert httpx.get(f"{internal}/readyz").status_code == 200
        assert httpx.get(f"{internal}/mine").status_code == 404
        assert toy.end() == 0

    def test_tells_its_tasks_to_finish_and_waits_for_them(self, start) -> None:
        toy = start(
            """
async def work():
    await runtime.stopping.wait()
    await asyncio.sleep(0.2)
    print('finished', file=sys.stderr)
task = runtime.spawn(work(), 'work')
yield
await task
"""
        )
        toy.wait_for("service.started")
        assert toy.end() == 0
        assert "finished\n" in toy.lines


class TestParts:
    CRASHES = """
runtime.mount(app)
async def crash():
    raise RuntimeError('postgresql://u:canary@h')
async def works():
    await runtime.stopping.wait()
ends = [runtime.keep('crasher', crash), runtime.keep('neighbour', works)]
yield
await asyncio.wait(ends)
"""

    def test_one_that_crashes_at_once_for_ever_ends_nobody(self, start) -> None:
        toy = start(self.CRASHES)
        toy.wait_for("service.part_crashed")
        with httpx.Client(base_url=toy.url) as client:
            assert client.get("/mine").text == "mine"
            ready = client.get("/readyz")
            assert ready.status_code == 200
            told = ready.json()
            assert told["degraded"] == ["crasher"]
            assert "RuntimeError" in told["parts"]["crasher"]["error"]
            assert "next try at" in told["parts"]["crasher"]["error"]
            assert told["parts"]["neighbour"]["ok"]
            assert 'millrace_part_down{part="crasher",service="toy"} 1.0' in client.get("/metrics").text
        began = time.monotonic()
        assert toy.end() == 0
        assert time.monotonic() - began < 10
        assert "canary@" not in "".join(toy.lines)


class TestTrouble:
    def test_a_crashed_task_stops_the_service(self, start) -> None:
        toy = start(
            """
async def crash():
    await asyncio.sleep(0.05)
    raise RuntimeError('postgresql://u:canary@h')
runtime.spawn(crash(), 'crasher')
yield
print('drained', file=sys.stderr)
"""
        )
        assert toy.code() == 1
        assert toy.wait_for("service.task_crashed")["task"] == "crasher"
        assert "drained\n" in toy.lines
        assert "canary@" not in "".join(toy.lines)

    def test_a_start_that_may_work_later_is_75(self, start) -> None:
        toy = start("raise ConnectionRefusedError('no database')\nyield")
        assert toy.code() == 75
        assert "no database" in str(toy.wait_for("service.start_failed")["exception"])

    @pytest.mark.parametrize(
        ("env", "words"),
        [
            ({"PORT": "eighty"}, "PORT: 'eighty' should be a valid integer"),
            ({"MILLRACE_HOEM": "/x"}, "did you mean MILLRACE_HOME?"),
            ({"MILLRACE_FAILPOINTS": "*=kill"}, "MILLRACE_TEST=1"),
        ],
    )
    def test_a_bad_configuration_is_78_before_anything_starts(self, start, env: dict[str, str], words: str) -> None:
        toy = start("yield", **env)
        assert toy.code() == 78
        assert words in toy.lines[0]
        assert len(toy.lines) == 1

    def test_a_configuration_found_bad_while_building_is_78(self, start) -> None:
        toy = start("raise ConfigurationError(['MILLRACE_X: no such key ring.'])\nyield")
        assert toy.code() == 78
        assert "toy: MILLRACE_X: no such key ring.\n" in toy.lines

    def test_a_taken_port_is_named(self, start) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            toy = start("yield", PORT=str(port))
            assert toy.code() == 75
            assert str(port) in str(toy.wait_for("service.port_taken")["reason"])

    def test_a_crash_on_leaving_is_not_a_clean_stop(self, start) -> None:
        toy = start("yield\nraise RuntimeError('flush failed')")
        toy.wait_for("service.started")
        assert toy.end() == 1
        assert "flush failed" in str(toy.wait_for("service.crashed")["exception"])

    def test_a_drain_that_takes_too_long_is_cut_off_and_told(self, start) -> None:
        toy = start("import common.service\ncommon.service.DRAIN_S = 2.3\nyield\nawait asyncio.sleep(60)")
        toy.wait_for("service.started")
        began = time.monotonic()
        assert toy.end() == 1
        assert time.monotonic() - began < 15  # of sixty seconds
        assert toy.wait_for("service.drain_timed_out")
