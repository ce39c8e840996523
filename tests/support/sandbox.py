"""The sandbox as a real process on a free port, for tests that speak to it as the product does."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import httpx

from tests.support.programs import Program, start_and_listen

Running = Program | subprocess.Popen[str]
STARTS_WITHIN_S = 90.0
STOPS_WITHIN_S = 60.0


class SandboxProcess:
    """One `python -m sandbox`, started, asked, stopped, killed and started again on the same home."""

    def __init__(self, home: Path, *, snapshot_seconds: float = 5.0) -> None:
        self.home = home
        self.base_url = ""
        self._snapshot_seconds = snapshot_seconds
        self._process: Running | None = None
        self._said: IO[str] | None = None
        self._client = httpx.Client(trust_env=False, verify=False, timeout=300)

    def start(self) -> SandboxProcess:
        self.home.mkdir(parents=True, exist_ok=True)
        arguments = ["--port", "0", "--home", str(self.home), "--snapshot-seconds", str(self._snapshot_seconds)]
        environment = {key: value for key, value in os.environ.items() if key not in ("PORT", "MILLRACE_HOME")}
        self._process, self._said = self._begin(arguments, environment)
        self.base_url = self._announced(self._process, self._said).rpartition(" ")[2].strip()
        return self

    def _begin(self, arguments: list[str], environment: dict[str, str]) -> tuple[Running, IO[str]]:
        return start_and_listen("sandbox", *arguments, environment=environment)

    @staticmethod
    def _announced(process: Running, said: IO[str]) -> str:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            ready, _, _ = select.select([said], [], [], 0.1)
            if ready:
                return said.readline()
            if process.poll() is not None:
                break
        raise AssertionError("the sandbox did not start")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(STOPS_WITHIN_S)
        self._process = None

    def get(self, name: str, **query: object) -> dict[str, object]:
        """An admin document: `get("log", since=3)`."""
        return self._told(self._client.get(f"{self.base_url}/_sandbox/{name}", params=query))

    def post(self, name: str, body: dict[str, object] | None = None) -> dict[str, object]:
        """An admin wish: `post("clock", {"advance_s": 60})`."""
        return self._told(self._client.post(f"{self.base_url}/_sandbox/{name}", json=body or {}))

    def delete(self, name: str) -> dict[str, object]:
        return self._told(self._client.delete(f"{self.base_url}/_sandbox/{name}"))

    @staticmethod
    def _told(answer: httpx.Response) -> dict[str, object]:
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert isinstance(told, dict)
        return told


class MeasuredSandbox(SandboxProcess):
    """One of which the memory is measured: it starts from nothing, and has no part of what others have imported."""

    def _begin(self, arguments: list[str], environment: dict[str, str]) -> tuple[Running, IO[str]]:
        command = [sys.executable, "-m", "sandbox", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        return process, process.stdout
