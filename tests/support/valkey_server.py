"""A Valkey of one's own, to be killed, emptied and started again."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import redis

from millrace.stack.valkey import server_program
from tests.support.ports import free_port
from tests.support.standing_still import go_on, stand

STARTS_WITHIN_S = 60.0


class ValkeyServer:
    """One server on a free port; `durable` keeps its memory in a log, as the local stack does."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> ValkeyServer:
        self._folder.mkdir(parents=True, exist_ok=True)
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "always"] if self._durable else []
        self._process = subprocess.Popen([str(server_program()), *options], stdout=subprocess.DEVNULL)
        self._wait()
        return self

    def kill(self) -> None:
        """As a crash ends it: without a word."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def pause(self) -> None:
        """It accepts connections and answers nothing."""
        assert self._process is not None
        stand(self._process.pid)

    def resume(self) -> None:
        assert self._process is not None
        go_on(self._process.pid)

    def flush(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def _wait(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            try:
                with redis.Redis(port=self.port, socket_timeout=1) as client:
                    client.ping()
                return
            except redis.RedisError:
                time.sleep(0.02)
        raise AssertionError("Valkey did not start")
