"""The Mailchimp writer as a process that can be killed, with a stand-in for the token-broker that gives the sandbox's key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from common.bus.handler import Delivered
from common.contracts.messages import WriteCommand
from common.contracts.topics import Topic
from tests.support.bus import plain_producer
from tests.support.database import Database
from tests.support.local_stack import LocalStack
from tests.support.programs import Program, start
from tests.support.sandbox import SandboxProcess


@contextmanager
def broker(key: str) -> Iterator[str]:
    """Answers every question for a token with the same API key."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"token": key, "generation": 1, "good_for_s": None}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class WriterService:
    """`python -m writer_mailchimp`, or another writer, as often as a test starts it."""

    stack: LocalStack
    database: Database
    sandbox: SandboxProcess
    broker_url: str
    folder: Path
    module: str = "writer_mailchimp"
    processes: list[Program] = field(default_factory=list)

    def start(self, **settings: str) -> Program:
        key = self.folder / "key"
        key.write_text("k")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")},
            "DATABASE_URL": self.database.url("service"),
            "REDIS_URL": self.stack.valkey_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka,
            "PORT": "0",
            "MILLRACE_TEST": "1",
            "MILLRACE_HOME": str(self.sandbox.home),
            "MILLRACE_MAILCHIMP_BASE_URL": f"{self.sandbox.base_url}/mailchimp",
            "MILLRACE_TOKEN_BROKER_URL": self.broker_url,
            "MILLRACE_SERVICE_KEY_PATH": str(key),
            **settings,
        }
        with self._log(len(self.processes)).open("wb") as log:
            process = start(self.module, environment=environment, output=log)
        self.processes.append(process)
        return process

    def _log(self, number: int) -> Path:
        return self.folder / f"writer-{number}.log"

    def log(self, number: int = -1) -> str:
        return self._log(number % len(self.processes)).read_text()

    def url(self, number: int = -1, within: float = 90.0) -> str:
        """Where it listens, by its own word."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for line in self.log(number).splitlines():
                if "service.starting" in line:
                    return str(json.loads(line)["urls"][0])
            time.sleep(0.05)
        raise AssertionError(self.log(number)[-3000:])

    def until_ready(self, number: int = -1, within: float = 90.0) -> dict[str, Any]:
        address, deadline = self.url(number), time.monotonic() + within
        while time.monotonic() < deadline:
            # It says where it listens before it does.
            with suppress(httpx.TransportError):
                answer = httpx.get(f"{address}/readyz", trust_env=False, verify=False, timeout=60)
                if answer.status_code == 200:
                    return dict(answer.json())
            time.sleep(0.1)
        raise AssertionError(self.log(number)[-3000:])

    def until_dead(self, process: Program, within: float = 60.0) -> int:
        try:
            return process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.log()[-3000:]) from None

    def kill_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)


async def publish(kafka: str, topic: Topic, batch: Sequence[Delivered[WriteCommand]]) -> None:
    """Puts commands on the topic as the mapper does."""
    async with plain_producer(kafka) as producer:
        for item in batch:
            command = item.message
            key = f"{command.sync}:{command.entity}:{command.record}".encode()
            await producer.send_and_wait(
                topic.name, command.model_dump_json().encode(), key=key, headers=list(item.record.headers)
            )
