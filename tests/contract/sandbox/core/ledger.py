"""A vendor small enough to see through: `POST /rows` adds one, and everything the core promises shows on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.app import Sandbox
from sandbox.clock import Clock
from sandbox.core import Core
from sandbox.deliveries import Deliveries
from sandbox.delivery import Attempt, Delivery
from sandbox.faults import Faults
from sandbox.limits import Concurrency, Window, window_mode
from sandbox.operators import Operators
from sandbox.registry import Vendors
from sandbox.server import server_for
from sandbox.simulator import Answer, Applied, Reading, Request, Ticket
from sandbox.zoho_accounts.grants import ZohoGrants

PREFIX = "/ledger/v1"
OPERATOR = "operator-token"


@dataclass(slots=True)
class Place(Ticket):
    taken: bool = False


class Ledger:
    """Keeps rows; answers `Bearer alive` until it is revoked; sends one webhook per row to `hook` when there is one."""

    vendor = "ledger"

    def __init__(self, core: Core) -> None:
        self.core = core
        self.rows: list[str] = []
        self.alive = True
        self.hook = ""
        self.schedule: tuple[float, ...] = (0.0,)
        self.window, self.places = Window(1000), Concurrency(100)
        self.heard: list[Attempt] = []
        self.dues: list[datetime] = []
        core.operators.add(self.vendor, "demo", OPERATOR)

    def owns(self, path: str) -> str | None:
        return PREFIX if path == PREFIX or path.startswith(f"{PREFIX}/") else None

    def admit(self, request: Request) -> Answer | Ticket:
        route = f"{request.method} /rows" if len(request.segments) < 2 else f"{request.method} /rows/{{id}}"
        if request.operator:
            return Place("demo", route)
        if request.headers.get("authorization") != "Bearer alive" or not self.alive:
            return Answer.json(401, {"error": "unauthorised"}, "demo", route)
        if not self.window.take(request.now.timestamp()) or not self.places.enter():
            return self.throttled(request, Ticket("demo", route))
        return Place("demo", route, taken=True)

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        if request.method != "POST":
            return Answer.json(200, {"rows": self.rows, "padding": "x" * 5000})
        row = request.body.decode()
        self.rows.append(row)
        if self.hook:
            self.core.deliveries.send(
                Delivery(self.vendor, "demo", "h1", self.hook, "POST", {}, row.encode(), self.schedule, topic="row")
            )
        answer = Answer.json(201, {"row": row})
        answer.applied = [Applied("row", row, "create")]
        return answer

    def leave(self, ticket: Ticket) -> None:
        if isinstance(ticket, Place) and ticket.taken:
            self.places.leave()

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        return Answer.json(429, {"error": "slow down"}, ticket.account, ticket.route)

    def revoke(self, request: Request) -> None:
        self.alive = False

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        self.heard.append(attempt)
        return attempt.status != 410

    def accounts(self) -> list[dict[str, object]]:
        return [{"vendor": self.vendor, "name": "demo", "base_url": f"{{base}}{PREFIX}", "operator_token": OPERATOR}]

    def meters(self, now: datetime) -> list[Reading]:
        return [Reading("demo", "calls a minute", self.window.used(now.timestamp()), self.window.limit)]

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        if account != "demo":
            raise ValueError(f"no account {account}")
        self.rows = [f"{seed}-{n}" for n in range(size)]
        return {"rows": size}

    def state(self, account: str | None) -> dict[str, object]:
        if account not in (None, "demo"):
            raise KeyError(account)
        return {"rows": self.rows}

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        if "window_mode" in wanted:
            self.window.mode = window_mode(wanted["window_mode"])
        if "limit" in wanted:
            self.window.limit = int(str(wanted["limit"]))
        if "places" in wanted:
            self.places.limit = int(str(wanted["places"]))
        return {"limit": self.window.limit, "window_mode": self.window.mode, "places": self.places.limit}

    def reset(self) -> None:
        self.rows, self.alive, self.hook = [], True, ""
        self.window, self.places = Window(1000), Concurrency(100)

    def dump(self) -> object:
        return self.rows

    def load(self, dumped: object) -> None:
        assert isinstance(dumped, list)
        self.rows = dumped

    def due(self, now: datetime) -> None:
        self.dues.append(now)


def build(home: Path, snapshot_s: float = 3600.0) -> tuple[Sandbox, Ledger]:
    """A sandbox in which the ledger is the only vendor."""
    clock, faults, vendors = Clock(home), Faults(), Vendors()
    core = Core(home, clock, faults, Deliveries(clock, faults, vendors.named), Operators(), ZohoGrants())
    ledger = Ledger(core)
    vendors.all.append(ledger)
    return Sandbox(core, vendors, snapshot_s), ledger


@asynccontextmanager
async def served(app: Sandbox) -> AsyncIterator[str]:
    """The application behind the sandbox's own server, in this process; its address."""
    import asyncio

    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = server_for(app, "127.0.0.1", 0, lambda host, port: address.set_result(f"http://{host}:{port}"))
    running = asyncio.create_task(server._serve())
    try:
        yield await asyncio.wait_for(address, 10)
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, 20)
