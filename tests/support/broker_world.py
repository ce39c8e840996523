"""Fixtures of the broker's tests: the sandbox on the broker's clock, a vault of its own for each test, brokers that are ended."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from common.clock import OFFSET_FILE
from tests.support.broker import Broker, Browser, add_connection, prepare
from tests.support.database import Database, Databases, Server, lending
from tests.support.rotating_vendor import CLIENT_ID, CLIENT_SECRET, RotatingServer
from tests.support.sandbox import SandboxProcess
from token_broker.migrate import migrate_vault

# The product looks at the clock's offset this often; a moved clock is seen by everybody after it.
CLOCKS_LOOK_EVERY_S = 0.06


@dataclass
class World:
    """One vault, its vendors, and the brokers that were started on it."""

    home: Path
    database: Database
    sandbox: SandboxProcess | None = None
    rotating: RotatingServer | None = None
    brokers: list[Broker] = field(default_factory=list)

    @property
    def accounts(self) -> list[dict[str, Any]]:
        assert self.sandbox is not None
        found = self.sandbox.get("accounts")["accounts"]
        assert isinstance(found, list)
        return found

    def account(self, vendor: str, name: str = "demo") -> dict[str, Any]:
        return next(one for one in self.accounts if (one["vendor"], one["name"]) == (vendor, name))

    def environment(self) -> dict[str, str]:
        told: dict[str, str] = {}
        if self.sandbox is not None:
            books, audience = self.account("zoho-books"), self.account("mailchimp")
            by_dc = {one["dc"]: one["client_secret"] for one in self.accounts if one["vendor"] == "zoho-books"}
            told |= {
                "MILLRACE_ZOHO_BASE_URL": f"{self.sandbox.base_url}/zoho",
                "MILLRACE_ZOHO_CLIENT_ID": books["client_id"],
                "MILLRACE_ZOHO_CLIENT_SECRETS": ",".join(f"{dc}={secret}" for dc, secret in by_dc.items()),
                "MILLRACE_MAILCHIMP_BASE_URL": f"{self.sandbox.base_url}/mailchimp",
                "MILLRACE_MAILCHIMP_CLIENT_ID": audience["client_id"],
                "MILLRACE_MAILCHIMP_CLIENT_SECRET": audience["client_secret"],
                "MILLRACE_SHOPIFY_BASE_URL": f"{self.sandbox.base_url}/shopify",
                "MILLRACE_SHOPIFY_CLIENT_ID": self.account("shopify")["client_id"],
                "MILLRACE_SHOPIFY_CLIENT_SECRET": self.account("shopify")["client_secret"],
                "MILLRACE_QUICKBOOKS_BASE_URL": f"{self.sandbox.base_url}/quickbooks",
                "MILLRACE_QUICKBOOKS_CLIENT_ID": self.account("quickbooks")["client_id"],
                "MILLRACE_QUICKBOOKS_CLIENT_SECRET": self.account("quickbooks")["client_secret"],
            }
        if self.rotating is not None:
            told |= {
                "MILLRACE_ROTATING_BASE_URL": self.rotating.base_url,
                "MILLRACE_ROTATING_CLIENT_ID": CLIENT_ID,
                "MILLRACE_ROTATING_CLIENT_SECRET": CLIENT_SECRET,
            }
        return told

    def broker(self, *, start: bool = True, module: str = "", **more: str) -> Broker:
        module = module or ("token_broker" if self.rotating is None else "tests.support.rotating_broker")
        made = Broker(self.home, self.database, self.environment() | more, module)
        self.brokers.append(made)
        return made.start() if start else made

    def advance(self, seconds: float) -> None:
        """Time passes, for the vendor and for the brokers."""
        if self.sandbox is not None:
            self.sandbox.post("clock", {"advance_s": seconds})
            time.sleep(CLOCKS_LOOK_EVERY_S)
            return
        path = self.home / OFFSET_FILE
        before = float(path.read_text()) if path.exists() else 0.0
        fresh = path.with_suffix(".new")
        fresh.write_text(str(before + seconds))
        fresh.replace(path)
        time.sleep(CLOCKS_LOOK_EVERY_S)

    def connect_books(self, broker: Broker, name: str = "books", dc: str = "eu") -> str:
        """A Books connection, consented and chosen as a person would; returns the consent's id."""
        add_connection(self.database, name, "zoho-books")
        return self.connect_again(broker, name, dc)

    def connect_again(self, broker: Broker, name: str = "books", dc: str = "eu") -> str:
        """The same for a connection that exists."""
        asked = {"connection": name, "vendor": "zoho-books", "name": name, "site": dc}
        consent = broker.call("POST", "/v1/consents", json=asked).json()
        assert Browser().consent(consent["start_url"]).status_code == 200
        told = broker.call("GET", f"/v1/consents/{consent['id']}").json()
        if told["state"] == "choose":
            place = {"place": told["places"][0]["id"]}
            told = broker.call("POST", f"/v1/consents/{consent['id']}/place", json=place).json()
        assert told["state"] == "complete", told
        return str(consent["id"])

    def connect_rotating(self, broker: Broker, name: str = "rot") -> None:
        add_connection(self.database, name, "rotating")
        asked = {"connection": name, "vendor": "rotating", "name": name}
        consent = broker.call("POST", "/v1/consents", json=asked).json()
        browser = Browser()
        back = browser.get(browser.to_vendor(consent["start_url"])).headers["location"]
        assert browser.get(back).status_code == 200
        assert broker.call("GET", f"/v1/consents/{consent['id']}").json()["state"] == "complete"

    def token_calls(self) -> list[dict[str, Any]]:
        """What the sandbox's token endpoints were asked, exchanges among them."""
        assert self.sandbox is not None
        calls = self.sandbox.get("log", since=0)["calls"]
        assert isinstance(calls, list)
        return [call for call in calls if call["path"].endswith("/oauth/v2/token")]

    def end(self) -> None:
        for broker in self.brokers:
            broker.kill()
        if self.rotating is not None:
            self.rotating.close()


@pytest.fixture(scope="module")
def broker_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One sandbox for a module; its home is the brokers' home, so that both go by one clock."""
    process = SandboxProcess(tmp_path_factory.mktemp("broker-sandbox"), snapshot_seconds=60).start()
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture(scope="session")
def vaults(database_server: Server, database_template: str) -> Iterator[Databases]:
    """Databases with the vault's tables in them."""

    async def create(name: str) -> Database:
        created = await database_server.create(name, template=database_template)
        await migrate_vault(created.url("broker"))
        return created

    with lending(database_server, create) as lent:
        yield lent


@pytest.fixture(scope="module")
def world(broker_sandbox: SandboxProcess, vaults: Databases) -> Iterator[World]:
    """A vault with the sandbox's Zoho and Mailchimp for all tests of a module: each uses connections of its own."""
    with vaults() as lent:
        made = _with_sandbox(broker_sandbox, lent)
        yield made
        made.end()


@pytest.fixture(scope="module")
def broker(world: World) -> Broker:
    """One broker for all tests of a module."""
    return world.broker()


@pytest.fixture
def own_world(broker_sandbox: SandboxProcess, vaults: Databases) -> Iterator[World]:
    """A vault for one test alone."""
    with vaults() as lent:
        made = _with_sandbox(broker_sandbox, lent)
        yield made
        made.end()


@pytest.fixture
def name() -> str:
    """A connection that no other test has."""
    return f"c{uuid.uuid4().hex[:8]}"


def _with_sandbox(sandbox: SandboxProcess, database: Database) -> World:
    sandbox.delete("faults")
    # Consents outlive a reset, so the tests of a module together make more codes and grants than one person could.
    sandbox.post("limits", {"vendor": "zoho-accounts", "codes": 100_000, "per_user": 10_000})
    made = World(sandbox.home / uuid.uuid4().hex[:8], database, sandbox=sandbox)
    made.home.mkdir()
    (made.home / OFFSET_FILE).symlink_to(sandbox.home / OFFSET_FILE)
    prepare(database, made.home)
    return made


@pytest.fixture
def rotating_world(tmp_path: Path, vaults: Databases) -> Iterator[Callable[..., World]]:
    """Vaults with the rotating vendor, each with a clock of its own: `rotating_world(grace=True)`."""
    with ExitStack() as made:

        def make(*, grace: bool) -> World:
            database = made.enter_context(vaults())
            world = World(tmp_path / database.name, database, rotating=RotatingServer(grace=grace))
            made.callback(world.end)
            prepare(database, world.home)
            return world

        yield make


def read_lines(path: Path) -> list[dict[str, Any]]:
    """A log as documents."""
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def eventually(found: Callable[[], object], within_s: float = 60.0) -> None:
    """Waits for a condition, with an end."""
    deadline = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def served_again(world: World, broker: Broker, connection: str, seconds: float) -> None:
    """Until a token is served, each time after such a pause: a try that the vendor had refused just before it came back makes one more."""

    def served() -> bool:
        world.advance(seconds)
        return broker.token(connection).status_code == 200

    eventually(served)


def fault(world: World, kind: str, **more: object) -> None:
    """What becomes of the next calls of the token endpoint."""
    assert world.sandbox is not None
    world.sandbox.post("faults", {"vendor": "zoho-accounts", "kind": kind, "route": "POST /oauth/v2/token", **more})
