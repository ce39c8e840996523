"""The webhook of an application over real HTTP and a real quarantine: each event reaches its company once, whatever it came with."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from common.bus.producer import Landed, Outgoing
from common.clock import FixedClock
from common.contracts.ids import ConnectionId, VendorName
from common.contracts.messages import Receipt
from common.failures import Transient
from common.http_server import HttpServer
from common.secret import Secret
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest.app_receipts import AppReceipts
from ingest.configured import ConfiguredIds
from ingest.gateway import Gateway, HookBounds
from ingest.quarantine import Quarantine
from ingest.receipt_keeper import Keepers
from tests.support.app_hooks import COMPANIES, SIGNATURE, VERIFIER, event, signed
from tests.support.database import Database
from vendors.vendor import HookRequest

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Topics:
    """The producer, as far as the keeper sees it; of a batch that fails a part has arrived."""

    def __init__(self) -> None:
        self.sent: list[Receipt] = []
        self.away = False

    async def send_all(self, messages: Sequence[Outgoing], *, deadline: float) -> Sequence[Landed]:
        taken = messages[: len(messages) // 2] if self.away else messages
        self.sent += [Receipt.model_validate_json(one.value) for one in taken]
        if self.away:
            raise Transient("BROKER_UNAVAILABLE", "away")
        return [Landed(0, 0)] * len(messages)


class Secrets:
    """The token-broker, as far as the gateway sees it."""

    def __init__(self) -> None:
        self.of_apps = {"app:companies": (Secret(VERIFIER),)}

    async def of(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        return self.of_apps.get(connection)

    refetched = of


class Front:
    """A gateway for the companies."""

    def __init__(self, pool: Pool, owner: Pool) -> None:
        self.owner = owner
        self.pool, self.topics, self.secrets, self.counts = pool, Topics(), Secrets(), Counter[str]()
        self.heard = Counter[str]()
        self.database_away = False
        clock, kept = FixedClock(NOW), Quarantine(pool)
        vendors = {COMPANIES.name: COMPANIES}

        async def keep(connection: str, vendor: str, request: HookRequest, reason: str, size: int) -> None:
            if self.database_away:
                raise ConnectionRefusedError
            await kept.keep(connection, vendor, request, reason, NOW, size)

        def count(_: str, outcome: str, events: int) -> None:
            self.counts[outcome] += events

        def heard(_: VendorName, connection: ConnectionId, __: HookRequest) -> None:
            self.heard[connection] += 1

        found = ConfiguredIds(pool, ConfigurationReader(), vendors)
        apps = AppReceipts(self.topics, found, keep, heard, count, clock)
        gateway = Gateway(
            vendors, self.secrets, Keepers(apps, apps), keep, clock, HookBounds(100_000, 30.0), "https://hooks.example", lambda *_: None
        )  # fmt: skip
        self.server = HttpServer(gateway, "127.0.0.1", 0)
        self.http = httpx.AsyncClient(trust_env=False, verify=False, timeout=60)

    async def post(self, events: Sequence[object], signature: str = "") -> int:
        body = json.dumps(events).encode()
        return await self.bytes(body, signature or signed(body))

    async def bytes(self, body: bytes, signature: str) -> int:
        url = f"{self.server.url}/hooks/companies/app"
        return (await self.http.post(url, content=body, headers={SIGNATURE: signature})).status_code

    async def connect(self, connection: str, company: str) -> None:
        async with transaction(self.owner) as tx:
            await tx.execute(
                """insert into core.connection (id, vendor, name, state, details, created_at, updated_at)
                   values ($1, 'companies', $1, 'active', $2, $3, $3)""",
                connection, {"realm": company}, NOW,
            )  # fmt: skip

    async def quarantined(self) -> list[Any]:
        async with transaction(self.pool) as tx:
            return list(await tx.fetch("select * from flow.quarantine order by id"))

    def told(self) -> dict[str, set[str]]:
        """Which events each connection was told, by different receipts."""
        found: dict[str, dict[str, str]] = {}
        for one in self.topics.sent:
            found.setdefault(one.connection, {})[one.id] = json.loads(one.body)["id"]
        assert all(len(set(events.values())) == len(events) for events in found.values())
        return {connection: set(events.values()) for connection, events in found.items()}


@pytest.fixture
async def front(database: Database) -> AsyncIterator[Front]:
    pool = await open_pool(database.url("service"), name="app-hooks", size=2)
    owner = await open_pool(database.owner_url, name="owner", size=1)
    started = Front(pool, owner)
    await started.server.start()
    for connection, company in (("one", "11"), ("two", "22"), ("two-again", "22")):
        await started.connect(connection, company)
    try:
        yield started
    finally:
        with contextlib.suppress(httpx.TransportError):
            await started.http.aclose()
        await started.server.stop(1.0)
        await close_pool(pool)
        await close_pool(owner)


class TestEvents:
    async def test_each_reaches_its_company_once_though_bodies_are_mixed_doubled_and_shuffled(
        self, front: Front
    ) -> None:
        events = [event(company, number) for company in ("11", "22", "99") for number in range(20)]
        chance = random.Random(15)
        for _ in range(6):
            body = chance.choices(events, k=15) + chance.sample(events, 15)
            assert await front.post(body) == 200
        assert await front.post(events[::-1]) == 200
        ids = {company: {event(company, number)["id"] for number in range(20)} for company in ("11", "22")}
        assert front.told() == {"one": ids["11"], "two": ids["22"], "two-again": ids["22"]}
        assert all(receipt.verified_by == "signature" for receipt in front.topics.sent)
        # Within a body nothing is told twice.
        assert front.heard.total() == len(front.topics.sent) == front.counts["kept"]

    async def test_those_of_a_company_that_nobody_connected_are_kept_apart_and_counted(self, front: Front) -> None:
        assert await front.post([event("99", 1), event("11", 1), event("99", 2), {"id": "x"}]) == 200
        assert front.told() == {"one": {"11-1"}}
        stranger, nameless = await front.quarantined()
        assert (stranger["connection"], stranger["reason"]) == (
            "app:companies:unknown",
            "no connection is of the account 99",
        )
        assert [json.loads(line)["id"] for line in bytes(stranger["body"]).splitlines()] == ["99-1", "99-2"]
        assert nameless["reason"] == "it does not say of which account it is"
        assert (front.counts["unknown_account"], front.counts["kept"]) == (3, 1)

    async def test_a_company_connected_a_moment_ago_is_known(self, front: Front) -> None:
        assert await front.post([event("33", 1)]) == 200
        await front.connect("three", "33")
        assert await front.post([event("33", 1), event("33", 2)]) == 200
        assert front.told() == {"three": {"33-1", "33-2"}}

    async def test_what_is_signed_and_unreadable_holds_nothing_up(self, front: Front) -> None:
        assert await front.bytes(b"no json", signed(b"no json")) == 200
        (kept,) = await front.quarantined()
        assert (kept["body"], kept["reason"]) == (b"no json", "The body is no JSON.")
        assert front.topics.sent == []


class TestRefusals:
    async def test_not_one_that_is_forged_is_kept(self, front: Front) -> None:
        body = json.dumps([event("11", 1)]).encode()
        wrong = [
            signed(body, "guessed"),
            signed(body, ""),
            signed(body + b" "),
            signed(body)[:-1],
            "x",
            signed(body).swapcase(),
        ]
        assert [await front.bytes(body, one) for one in wrong] == [401] * len(wrong)
        assert front.topics.sent == []
        assert {row["connection"] for row in await front.quarantined()} == {"app:companies"}

    async def test_before_a_secret_was_entered_nothing_is_believed_and_what_came_is_kept(self, front: Front) -> None:
        front.secrets.of_apps = {}
        assert await front.post([event("11", 1)]) == 401
        (kept,) = await front.quarantined()
        assert kept["reason"] == "no secret of the application is known yet"

    async def test_while_the_broker_is_away_the_vendor_comes_again_and_then_all_is_there_once(
        self, front: Front
    ) -> None:
        events = [event("11", number) for number in range(8)]
        front.topics.away = True
        assert [await front.post(events) for _ in range(3)] == [503] * 3
        front.topics.away = False
        assert await front.post(events) == 200
        assert front.told() == {"one": {one["id"] for one in events}}

    async def test_what_cannot_be_kept_for_want_of_a_database_comes_again(self, front: Front) -> None:
        front.database_away = True
        assert await front.post([event("99", 1)]) == 503
        # Of companies that are known nothing has to be asked.
        assert await front.post([event("11", 1)]) == 200

    @pytest.mark.parametrize("path", ["one", "11", "app/x", ""])
    async def test_there_is_no_other_address(self, front: Front, path: str) -> None:
        answer = await front.http.post(f"{front.server.url}/hooks/companies/{path}", content=b"[]")
        assert (answer.status_code, await front.quarantined()) == (404, [])
