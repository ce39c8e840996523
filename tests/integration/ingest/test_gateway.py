"""The gateway over real HTTP, real Kafka and a real quarantine: what is accepted, what is refused, and what the vendor hears."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from common.clock import FixedClock
from common.contracts.ids import ConnectionId
from common.contracts.messages import Receipt
from common.contracts.topics import Topic
from common.failures import Rejected, Transient
from common.http_server import HttpServer
from common.secret import Secret
from common.state.channels import HeardSubject
from common.state.pool import Pool, close_pool, open_pool, transaction
from ingest.deliveries import Deliveries
from ingest.gateway import Gateway, HookBounds
from ingest.quarantine import KEPT_BYTES, KEPT_PER_CONNECTION, Quarantine
from ingest.receipt_keeper import Keepers, ReceiptKeeper
from ingest.secrets import SecretsAway
from tests.support import forging
from tests.support.database import Database
from vendors.registry import VENDORS
from vendors.vendor import HookRequest

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECRET = "TestSecret1234567"
BODY = json.dumps(
    {"contact": {"contact_id": "46", "contact_name": "Ana", "last_modified_time": "2026-05-04T10:11:12+0200"}}
).encode()
PATH = "/hooks/zoho-books/books"
QUERY = "entity=contact&event=edited"


@dataclass
class Topics:
    """The producer, as far as the gateway sees it."""

    sent: list[tuple[str, str, Receipt, dict[str, str]]] = field(default_factory=list)
    away: bool = False
    takes: int = 2**30

    async def send(
        self, topic: Topic, key: str, value: bytes, headers: list[tuple[str, bytes]], *, deadline: float
    ) -> None:
        if self.away:
            raise Transient("BROKER_UNAVAILABLE", "away")
        if len(value) > self.takes:
            raise Rejected("MESSAGE_TOO_LARGE", "The message is larger than Kafka accepts.")
        named = {name: header.decode() for name, header in headers}
        self.sent.append((topic.name, key, Receipt.model_validate_json(value), named))


@dataclass
class Broker:
    """The token-broker, as far as the gateway sees it."""

    secrets: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"books": (SECRET,)})
    newer: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: bool = False

    async def of(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        self.asked.append(connection)
        if self.away:
            raise SecretsAway
        return self._secrets(self.secrets.get(connection))

    async def refetched(self, connection: ConnectionId) -> tuple[Secret, ...] | None:
        return self._secrets(self.newer.get(connection, self.secrets.get(connection)))

    def _secrets(self, found: Sequence[str] | None) -> tuple[Secret, ...] | None:
        return None if found is None else tuple(Secret(one) for one in found)


class Front:
    """A gateway listening on a free port; `patience_s` is how long a body may take to come."""

    def __init__(self, pool: Pool, patience_s: float = 30.0) -> None:
        self.pool, self.topics, self.broker, self.outcomes = pool, Topics(), Broker(), list[str]()
        self.deliveries = Deliveries(FixedClock(NOW))
        kept, self.database_away = Quarantine(pool), False

        async def keep(connection: str, vendor: str, request: HookRequest, reason: str, size: int) -> None:
            if self.database_away:
                raise ConnectionRefusedError
            await kept.keep(connection, vendor, request, reason, NOW, size)

        one = ReceiptKeeper(self.topics, self.deliveries.note, FixedClock(NOW))
        gateway = Gateway(
            VENDORS, self.broker, Keepers(one, one), keep, FixedClock(NOW), HookBounds(100_000, patience_s), "https://hooks.example",
            lambda system, outcome, seconds: self.outcomes.append(outcome),
        )  # fmt: skip
        self.server = HttpServer(gateway, "127.0.0.1", 0)
        self.http = httpx.AsyncClient(trust_env=False, verify=False, timeout=60)

    async def post(
        self, body: bytes = BODY, *, query: str = QUERY, secret: str = SECRET, path: str = PATH, **headers: str
    ) -> httpx.Response:
        pairs = "".join(sorted(pair.replace("=", "", 1) for pair in query.split("&") if pair))
        signature = hmac.new(secret.encode(), pairs.encode() + body, hashlib.sha256).hexdigest()
        sent = {
            "content-type": "application/json",
            "x-zoho-webhook-signature": signature,
            "authorization": "Bearer canary",
        } | headers
        return await self.http.post(f"{self.server.url}{path}?{query}", content=body, headers=sent)

    async def quarantined(self) -> list[Any]:
        async with transaction(self.pool) as tx:
            return list(await tx.fetch("select * from flow.quarantine order by id"))


@contextlib.asynccontextmanager
async def listening(database: Database, **patience: float) -> AsyncIterator[Front]:
    pool = await open_pool(database.url("service"), name="gateway", size=2)
    started = Front(pool, **patience)
    await started.server.start()
    try:
        yield started
    finally:
        await started.http.aclose()
        await started.server.stop(1.0)
        await close_pool(pool)


@pytest.fixture
async def front(database: Database) -> AsyncIterator[Front]:
    async with listening(database) as started:
        yield started


class TestGateway:
    async def test_keeps_the_bytes_before_it_answers(self, front: Front) -> None:
        answer = await front.post()
        assert (answer.status_code, answer.content) == (200, b"")
        ((topic, key, receipt, headers),) = front.topics.sent
        assert (topic, key) == ("receipts.zoho-books", "books:customer:46")
        assert (receipt.body, receipt.query, receipt.verified_by) == (BODY, QUERY, "signature")
        assert headers["ce_subject"] == "customer/46"
        assert front.outcomes == ["accepted"]

    async def test_notes_when_it_was_last_told_something_that_was_verified(self, front: Front) -> None:
        await front.post(secret="somebody's")
        assert front.deliveries.take() == {}
        await front.post()
        assert front.deliveries.take() == {HeardSubject(ConnectionId("books"), "customer"): NOW}

    async def test_keeps_no_credential_of_the_request(self, front: Front) -> None:
        await front.post()
        assert "canary" not in front.topics.sent[0][2].model_dump_json()

    async def test_every_receipt_has_a_trace(self, front: Front) -> None:
        await front.post()
        await front.post()
        one, two = (sent[3]["traceparent"] for sent in front.topics.sent)
        assert one[3:35] != two[3:35]

    async def test_the_same_bytes_again_are_the_same_receipt(self, front: Front) -> None:
        await front.post()
        await front.post()
        assert front.topics.sent[0][2].id == front.topics.sent[1][2].id

    async def test_an_unreadable_body_of_the_right_sender_is_kept_too(self, front: Front) -> None:
        assert (await front.post(b"\xff\x00 no json")).status_code == 200
        assert front.topics.sent[0][1].startswith("books:unknown:")

    async def test_a_wrong_signature_is_quarantined_and_not_processed(self, front: Front) -> None:
        answer = await front.post(secret="WrongSecret1234")
        assert (answer.status_code, answer.json()["code"]) == (401, "WEBHOOK_UNVERIFIED")
        assert front.topics.sent == []
        (kept,) = await front.quarantined()
        assert (kept["body"], kept["reason"], kept["connection"]) == (BODY, "the signature does not fit", "books")

    async def test_a_refusal_waits_until_the_bytes_can_be_kept(self, front: Front) -> None:
        front.database_away = True
        answer = await front.post(secret="WrongSecret1234")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    async def test_quarantine_keeps_a_bounded_number_of_bounded_bodies(self, front: Front) -> None:
        for n in range(KEPT_PER_CONNECTION + 5):
            await front.post(
                b"%d" % n + b"x" * (KEPT_BYTES if n > KEPT_PER_CONNECTION else 1), secret="WrongSecret1234"
            )
        kept = await front.quarantined()
        assert len(kept) == KEPT_PER_CONNECTION
        assert max(len(row["body"]) for row in kept) == KEPT_BYTES
        assert kept[-1]["size"] > KEPT_BYTES

    async def test_an_unknown_connection_is_refused_and_nothing_is_kept(self, front: Front) -> None:
        assert (await front.post(path="/hooks/zoho-books/nobody")).status_code == 404
        assert await front.quarantined() == []

    @pytest.mark.parametrize(
        "path",
        ["/", "/hooks", "/hooks/zoho-books", "/hooks/nobody/books", "/hooks/zoho-books/..", "/hooks/zoho-books/a/b/c"],
    )
    async def test_an_address_that_is_none_is_refused(self, front: Front, path: str) -> None:
        assert (await front.post(path=path)).status_code == 404

    async def test_a_secret_rotated_a_moment_ago_is_accepted(self, front: Front) -> None:
        front.broker.newer = {"books": ("NewSecret123456", SECRET)}
        assert (await front.post(secret="NewSecret123456")).status_code == 200

    async def test_both_secrets_are_accepted_during_a_rotation(self, front: Front) -> None:
        front.broker.secrets = {"books": ("NewSecret123456", SECRET)}
        assert [(await front.post(secret=one)).status_code for one in ("NewSecret123456", SECRET)] == [200, 200]

    @pytest.mark.parametrize("what", ["broker", "topics"])
    async def test_asks_the_vendor_to_come_again_when_something_is_away(self, front: Front, what: str) -> None:
        (front.broker if what == "broker" else front.topics).away = True
        answer = await front.post()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["code"] == "WEBHOOK_NOT_KEPT"
        assert front.topics.sent == []

    async def test_refuses_a_body_by_its_announced_length(self, front: Front) -> None:
        assert (await front.post(b"x" * 100_001)).status_code == 413

    async def test_keeps_the_first_part_of_a_body_that_is_too_large(self, front: Front) -> None:
        with contextlib.suppress(httpx.TransportError):
            assert (await front.post(b"abc" + b"x" * 99_998)).status_code == 413
        (kept,) = await front.quarantined()
        assert (len(kept["body"]), kept["body"][:4], kept["size"]) == (KEPT_BYTES, b"abcx", 100_001)
        assert kept["reason"] == "the body is too large"
        assert front.topics.sent == []

    async def test_keeps_the_first_part_of_a_body_of_unknown_length(self, front: Front) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield b"y" * 10_000

        with contextlib.suppress(httpx.TransportError):
            assert (await front.http.post(f"{front.server.url}{PATH}", content=chunks())).status_code == 413
        (kept,) = await front.quarantined()
        assert len(kept["body"]) == KEPT_BYTES
        assert kept["size"] > 100_000

    async def test_a_body_of_exactly_the_limit_is_kept(self, front: Front) -> None:
        assert (await front.post(b"x" * 100_000)).status_code == 200

    async def test_a_body_too_large_for_an_unknown_connection_leaves_nothing(self, front: Front) -> None:
        with contextlib.suppress(httpx.TransportError):
            answer = await front.post(b"x" * 100_001, path="/hooks/zoho-books/nobody")
            assert answer.status_code == 404
        assert await front.quarantined() == []

    async def test_what_kafka_never_takes_is_quarantined_and_not_asked_for_again_for_ever(self, front: Front) -> None:
        front.topics.takes = 50_000
        answer = await front.post(b"x" * 60_000)
        assert (answer.status_code, answer.json()["code"]) == (413, "WEBHOOK_TOO_LARGE")
        (kept,) = await front.quarantined()
        assert (kept["size"], kept["reason"]) == (60_000, "The message is larger than Kafka accepts.")

    async def test_an_id_that_can_be_none_is_asked_of_nobody(self, front: Front) -> None:
        for name in ("x" * 65, "%C3%A9", "a.b"):
            assert (await front.post(path=f"/hooks/zoho-books/{name}")).status_code == 404
        assert front.broker.asked == []

    async def test_refuses_a_body_that_never_ends(self, front: Front) -> None:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 50_000
                await asyncio.sleep(0)

        # The sender may hear 413 or only that the line is closed: it is still sending when it is told.
        with contextlib.suppress(httpx.TransportError):
            assert (await front.http.post(f"{front.server.url}{PATH}", content=endless())).status_code == 413
        assert front.outcomes == ["rejected"]

    async def test_does_not_wait_for_a_slow_body(self, database: Database) -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(5)
            yield b"y"

        async with listening(database, patience_s=0.5) as front:
            with contextlib.suppress(httpx.TransportError):
                assert (await front.http.post(f"{front.server.url}{PATH}", content=slow())).status_code == 408
            assert front.outcomes == ["rejected"]

    async def test_never_answers_gone(self, front: Front) -> None:
        statuses = {
            (await front.http.request(method, f"{front.server.url}{PATH}")).status_code
            for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD")
        }
        assert statuses == {405}


class TestForgedShop:
    async def test_not_one_of_two_hundred_is_kept_as_a_receipt(self, front: Front) -> None:
        front.broker.secrets["shop"] = (f"demo.myshopify.com:{forging.SECRET}",)
        address = f"{front.server.url}/hooks/shopify/shop"
        headers = {"x-shopify-topic": "orders/create", "x-shopify-shop-domain": "demo.myshopify.com"}

        async def post(body: bytes, signature: str) -> int:
            sent = {**headers, "x-shopify-hmac-sha256": signature.encode()}
            return (await front.http.post(address, content=body, headers=sent)).status_code

        statuses = [await post(body, signature) for body, signature in forging.forged(200, seed=2)]
        assert (set(statuses), front.topics.sent) == ({401}, [])
        assert await post(forging.BODY, forging.signed(forging.BODY)) == 200
        assert len(front.topics.sent) == 1
