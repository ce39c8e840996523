"""The token-broker as real processes, and its callers, for tests that speak to it as the services do."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import asyncpg
import httpx

from tests.support.database import Database
from tests.support.ports import free_port
from tests.support.programs import Program, start
from token_broker.migrate import migrate_vault

STARTS_WITHIN_S = 90.0
# Everybody is on this machine; to read whom the system trusts takes longer than most calls here.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CALLERS = ("ingest", "writer-zoho", "writer-mailchimp", "writer-quickbooks", "console", "operator")


def prepare(database: Database, home: Path) -> None:
    """The vault's tables, and a key file for each caller, as the supervisor makes them."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate_vault(database.url("broker"))).result()
    folder = home / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in CALLERS:
        path = folder / f"{name}.key"
        if not path.exists():
            path.write_text(secrets.token_urlsafe(32))
            path.chmod(0o600)


@dataclass
class Broker:
    """One replica."""

    home: Path
    database: Database
    environment: Mapping[str, str] = field(default_factory=dict)
    module: str = "token_broker"
    port: int = 0
    process: Program | None = None
    log: Path = Path()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, ready: bool = True, **more: str) -> Broker:
        self.port = self.port or free_port()
        self.log = self.home / f"broker-{self.port}.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "OTEL_"))}
        environment = {
            **clean,
            "DATABASE_URL": self.database.url("broker"),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "MILLRACE_HOME": str(self.home),
            "PORT": str(self.port),
            **self.environment,
            **more,
        }
        with self.log.open("ab") as output:
            self.process = start(self.module, environment=environment, output=output)
        if ready:
            self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, verify=NO_TLS).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the broker did not start: {self.log.read_text()[-3000:]}")

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.process = None
        return code

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def died(self, within_s: float = 60.0) -> int:
        """The exit code of a process that is to end by itself."""
        assert self.process is not None
        code = self.process.wait(within_s)
        self.process = None
        return code

    def key(self, caller: str) -> str:
        return (self.home / "secrets" / f"{caller}.key").read_text().strip()

    def headers(self, caller: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key(caller)}"}

    def call(self, method: str, path: str, caller: str = "console", **more: Any) -> httpx.Response:
        headers = {**self.headers(caller), **more.pop("headers", {})}
        return httpx.request(method, f"{self.url}{path}", headers=headers, timeout=60, verify=NO_TLS, **more)

    def token(self, connection: str, caller: str = "ingest", **report: object) -> httpx.Response:
        return self.call("POST", f"/v1/tokens/{connection}", caller, json=report)


class Browser:
    """A person's browser: keeps cookies, follows one redirect at a time, fills in the vendor's consent page."""

    def __init__(self) -> None:
        self.client = httpx.Client(follow_redirects=False, timeout=60, verify=NO_TLS)

    def get(self, url: str) -> httpx.Response:
        return self.client.get(url)

    def to_vendor(self, start_url: str) -> str:
        """Opens the start address; returns where it sends us."""
        answer = self.get(start_url)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def decide(self, vendor_url: str, *, user: str = "", decision: str = "approve", **more: str) -> str:
        """Accepts or rejects on the vendor's page; returns the callback's address."""
        page = self.get(vendor_url)
        assert page.status_code == 200, page.text
        # A form without an address of its own goes where the page came from.
        action = re.search(r'action="([^"]+)"', page.text)
        users = re.findall(r'name="user" value="([^"]+)"|<option value="([^"]+)"', page.text)
        first = next((one or two for one, two in users), "")
        form = dict(parse_qsl(urlsplit(vendor_url).query)) | {"user": user or first, "decision": decision} | more
        answer = self.client.post(urljoin(vendor_url, action.group(1)) if action else vendor_url, data=form)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def consent(self, start_url: str, **choice: str) -> httpx.Response:
        """The whole way: start, accept, and back."""
        return self.get(self.decide(self.to_vendor(start_url), **choice))


def query(database: Database, sql: str, *values: object, role: str = "admin") -> list[Any]:
    """Rows, as the owner of the server sees them."""

    async def ask() -> list[Any]:
        link = await asyncpg.connect(database.admin_url if role == "admin" else database.url(role))  # type: ignore[arg-type]
        try:
            return list(await link.fetch(sql, *values))
        finally:
            await link.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask()).result()


def add_connection(database: Database, name: str, vendor: str) -> None:
    """A connection as the console would have made it, so that there are gates to close."""
    query(
        database,
        "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ($1, $2, $1, 'active', now(), now())",
        name,
        vendor,
    )


def gates(database: Database, connection: str) -> set[str]:
    return {row["reason"] for row in query(database, "select reason from core.gate where connection = $1", connection)}


def notifications(database: Database, connection: str) -> list[tuple[str, str]]:
    rows = query(database, "select kind, code from core.notification where connection = $1 order by id", connection)
    return [(row["kind"], row["code"]) for row in rows]
