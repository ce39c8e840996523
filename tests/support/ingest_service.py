"""Ingest as a process that can be stopped and killed, with a stand-in for the token-broker that knows webhook secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.support.database import Database
from tests.support.local_stack import LocalStack
from tests.support.programs import Program, start

SECRET = "TestSecret1234567"
QUERY = "entity=contact&event=edited"


@dataclass
class SecretBroker:
    """Where it is, and what it was asked."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def secret_broker(*connections: str) -> Iterator[SecretBroker]:
    """Knows the one secret of those connections and nobody else's."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            made.asked.append(name)
            found = name in connections
            body = json.dumps({"secrets": [{"secret": SECRET}]} if found else {"title": "unknown"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        # A flood comes many at a time; beyond the backlog a connection waits a second for its next try.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Answers)
    made = SecretBroker(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def signature(body: bytes, query: str = QUERY, secret: str = SECRET) -> str:
    """As Zoho Books signs: the sorted pairs of the query, then the body."""
    pairs = "".join(sorted(pair.replace("=", "", 1) for pair in query.split("&") if pair))
    return hmac.new(secret.encode(), pairs.encode() + body, hashlib.sha256).hexdigest()


@dataclass
class IngestService:
    """`python -m ingest`, as often as a test starts it."""

    stack: LocalStack
    database: Database
    broker_url: str
    folder: Path
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
            "MILLRACE_HOME": str(self.folder),
            "MILLRACE_TOKEN_BROKER_URL": self.broker_url,
            "MILLRACE_SERVICE_KEY_PATH": str(key),
            **settings,
        }
        with self._log().open("wb") as log:
            process = start("ingest", environment=environment, output=log, folder=self.folder)
        self.processes.append(process)
        return process

    def log(self) -> str:
        return self._log().read_text()

    def _log(self) -> Path:
        return self.folder / "ingest.log"

    def url(self, within: float = 40.0) -> str:
        """Where it listens, by its own word."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            # The last line may still be on its way.
            for line in self.log().rpartition("\n")[0].splitlines():
                if "service.starting" in line:
                    return str(json.loads(line)["urls"][0])
            time.sleep(0.05)
        raise AssertionError(self.log()[-3000:])

    def until_ready(self, within: float = 60.0) -> str:
        address, deadline = self.url(), time.monotonic() + within
        while time.monotonic() < deadline:
            # It says where it listens before it does.
            with suppress(httpx.TransportError):
                if self._asked(address).status_code == 200:
                    return address
            time.sleep(0.1)
        raise AssertionError(self.log()[-3000:])

    def readiness(self) -> dict[str, Any]:
        found: dict[str, Any] = self._asked(self.url()).json()
        return found

    def _asked(self, address: str) -> httpx.Response:
        """Its checks have seconds to answer; it has as long as a busy machine takes besides."""
        return httpx.get(f"{address}/readyz", trust_env=False, verify=False, timeout=60)

    def end(self, within: float = 40.0) -> int:
        self.processes[-1].send_signal(signal.SIGTERM)
        try:
            return self.processes[-1].wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.log()[-3000:]) from None

    def kill_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)
