"""The console as a real process beside a real token-broker and the sandbox, and its callers."""

from __future__ import annotations

import os
import secrets
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tests.support.broker import NO_TLS, Broker, Browser
from tests.support.broker_world import World
from tests.support.local_stack import LocalStack
from tests.support.ports import free_port
from tests.support.programs import Program, start

STARTS_WITHIN_S = 90.0
PREFIX = "/api/v1"
# The roads of the journeys have one of their own too.
VALKEY_DATABASE = 8


@dataclass
class Console:
    """One replica; `broker` is the token-broker it asks."""

    world: World
    broker: Broker
    redis_url: str
    kafka: str = "127.0.0.1:1"
    port: int = 0
    process: Program | None = None
    log: Path = Path()
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False, verify=NO_TLS))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_path(self) -> Path:
        return self.world.home / "secrets" / "console-api.token"

    def start(self, *, ready: bool = True, **more: str) -> Console:
        self.port = self.port or free_port()
        self.log = self.world.home / f"console-{self.port}.log"
        if not self.token_path.exists():
            self.token_path.write_text(secrets.token_urlsafe(32))
            self.token_path.chmod(0o600)
        with self.log.open("ab") as output:
            self.process = start("console", environment=self._environment() | more, output=output)
        if ready:
            self._wait_until_ready()
        return self

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "OTEL_"))}
        vendors = {name: value for name, value in self.world.environment().items() if name.endswith("_BASE_URL")}
        return {
            **clean,
            **vendors,
            "DATABASE_URL": self.world.database.url("console"),
            "REDIS_URL": self.redis_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "MILLRACE_HOME": str(self.world.home),
            "MILLRACE_TOKEN_BROKER_URL": self.broker.url,
            "MILLRACE_SERVICE_KEY_PATH": str(self.world.home / "secrets" / "console.key"),
            "MILLRACE_API_TOKEN_PATH": str(self.token_path),
            "PORT": str(self.port),
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False, verify=NO_TLS).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the console did not start: {self.log.read_text()[-3000:]}")

    def died(self, within_s: float = 60.0) -> int:
        """The exit code of a process that is to end by itself."""
        assert self.process is not None
        code = self.process.wait(within_s)
        self.process = None
        return code

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.died()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token_path.read_text()}"}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request as a caller with the right token makes it."""
        headers = {**self.headers(), **more.pop("headers", {})}
        return self.client.request(method, f"{self.url}{PREFIX}{path}", headers=headers, **more)

    def told(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The document of an answer with this status."""
        answer = self.ask(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    # --- what people do -----------------------------------------------------------------------------------------------------

    def add_books(self, name: str, **more: object) -> dict[str, Any]:
        """Begins a Books connection in Europe."""
        body = {"vendor": "zoho-books", "name": name, "site": "eu", "place": self.organisation, **more}
        return dict(self.told("POST", "/connections", 201, json=body))

    def add_mailchimp(self, name: str, **more: object) -> dict[str, Any]:
        body = {"vendor": "mailchimp", "name": name, "api_key": self.world.account("mailchimp")["api_key"], **more}
        return dict(self.told("POST", "/connections", 201, json=body))

    def connect_books(self, name: str) -> str:
        """The whole way; the connection's id."""
        begun = self.add_books(name)
        assert Browser().consent(begun["road"]["start_url"]).status_code == 200
        connection = str(begun["connection"]["id"])
        assert self.told("GET", f"/connections/{connection}/road?wait_s=10")["state"] == "connected"
        return connection

    @property
    def organisation(self) -> str:
        return str(self.world.account("zoho-books")["organization_id"])

    def wait_for(self, connection: str, state: str, within_s: float = 60.0) -> dict[str, Any]:
        """Until the connection is in this state; nobody but the console itself does anything for it."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            answer = self.ask("GET", f"/connections/{connection}")
            if (answer.json().get("state") if answer.status_code == 200 else "deleted") == state:
                return dict(answer.json())
            time.sleep(0.1)
        raise AssertionError(f"{connection} is not {state} within {within_s} s: {answer.text}")


@pytest.fixture(scope="module")
def meters(stack: LocalStack) -> str:
    """Where the consoles of a module count calls. An earlier module asked the same organisation, and its clock may have been far ahead:
    what it counted would be used for minutes."""
    url = f"{stack.valkey_url.rpartition('/')[0]}/{VALKEY_DATABASE}"
    with redis.Redis.from_url(url) as emptied:
        emptied.flushdb()
    return url


@pytest.fixture(scope="module")
def console(world: World, broker: Broker, stack: LocalStack, meters: str) -> Iterator[Console]:
    """One console for all tests of a module."""
    started = Console(world, broker, meters, stack.kafka).start()
    yield started
    started.kill()


@pytest.fixture
def own_console(own_world: World, stack: LocalStack, meters: str) -> Iterator[Console]:
    """A console with a broker and a vault for one test alone, not started yet."""
    made = Console(own_world, own_world.broker(), meters, stack.kafka)
    yield made
    made.kill()


@pytest.fixture
def called() -> str:
    """A name that no other test uses."""
    return f"books {uuid.uuid4().hex[:8]}"
