"""Receipts become change events or reads by id, and reads become change events: on a real database, with the wire in hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from common import failpoints
from common.bus.batch import BatchRunner, Origin
from common.bus.connection import KafkaAddress
from common.bus.handler import Delivered
from common.bus.producer import Outgoing
from common.bus.record import RawRecord
from common.bus.republishing import republisher
from common.bus.topics_admin import create_topics
from common.bus.trace import MessagingTrace
from common.clock import FixedClock
from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, EventId, RecordId, VendorName
from common.contracts.messages import ChangeEvent, Receipt
from common.failures import Failure, RateLimited, Rejected, Transient, Unauthorised
from common.http.call import Call, VendorAnswer
from common.state import gates, read_requests
from common.state.configuration import ConfigurationReader
from common.state.dead_letters import DeadLetters, LetterFilter, StoredLetter
from common.state.pool import Pool, close_pool, open_pool, transaction
from common.state.read_requests import ReadRequest
from ingest.normaliser import ReceiptHandler
from ingest.reader import LEASE, Reader
from mapper.state import AskedFor, RecordState, merge
from tests.support.database import Database
from tests.support.local_stack import LocalStack
from tests.support.statements import CountedPool
from vendors.registry import TOPICS, vendor_named

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def contact(record: str = "46", at: datetime = NOW, **more: Any) -> dict[str, Any]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+0000")
    return {
        "contact_id": record,
        "contact_name": "Ana",
        "contact_type": "customer",
        "email": "ana@ex.org",
        "last_modified_time": stamp,
        **more,
    }


def receipt(body: bytes, *, query: str = "event=edited", verified_by: str = "signature") -> Delivered[Receipt]:
    message = Receipt(
        id=EventId("r"), connection=ConnectionId("books"), vendor=VendorName("zoho-books"), received_at=NOW, method="POST", path="/",
        query=query, headers=(("content-type", "application/json"),), body=body, verified_by=verified_by,
    )  # fmt: skip
    record = RawRecord(
        "receipts.zoho-books", 0, 0, b"k", message.model_dump_json().encode(), (("traceparent", TRACE.encode()),), 0
    )
    return Delivered(message, record)


@dataclass
class Wire:
    """The topic, the door and the vendor behind it."""

    sent: list[tuple[ChangeEvent, dict[str, str]]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], VendorAnswer] = lambda call: body(contact(call.path["id"]))
    woken: int = 0

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        self.sent += [
            (ChangeEvent.model_validate_json(m.value), {n: v.decode() for n, v in m.headers}) for m in messages
        ]

    def wake(self) -> None:
        self.woken += 1

    def open(self, profile: Any, connection: Connection) -> Wire:
        return self

    async def call(self, call: Call) -> VendorAnswer:
        self.calls.append(call)
        return self.answer(call)


def body(found: dict[str, Any], date: datetime = NOW + timedelta(minutes=1)) -> VendorAnswer:
    return VendorAnswer(200, {}, json.dumps({"code": 0, "contact": found}).encode(), date, "", 0.01)


def refusing(failure: Failure) -> Callable[[Call], VendorAnswer]:
    def answer(call: Call) -> VendorAnswer:
        raise failure

    return answer


@dataclass
class Ingest:
    pool: Pool
    wire: Wire
    clock: FixedClock
    handler: ReceiptHandler
    reader: Reader

    async def handle(self, *items: Delivered[Receipt]) -> list[ChangeEvent]:
        before = len(self.wire.sent)
        async with transaction(self.pool) as tx:
            await self.handler.store(items, tx)
        await self.handler.after([item for item in items if item.failure is None])
        return [event for event, _ in self.wire.sent[before:]]

    async def ask(self, reason: str, record: str = "46") -> None:
        request = ReadRequest(
            ConnectionId("books"), Entity("customer"), RecordId(record), reason, self.clock.now(), TRACE
        )
        async with transaction(self.pool) as tx:
            await read_requests.ask(tx, [request], self.clock.now())

    async def open_requests(self) -> list[Any]:
        async with transaction(self.pool) as tx:
            return list(await tx.fetch("select * from flow.read_request order by record"))


@pytest.fixture
async def ingest(database: Database) -> AsyncIterator[Ingest]:
    owner = await open_pool(database.owner_url, name="owner", size=1)
    async with transaction(owner) as tx:
        await tx.execute(
            "insert into core.connection (id, vendor, name, state, created_at, updated_at) values ('books', 'zoho-books', 'books', 'active', $1, $1)",
            NOW,
        )
    await close_pool(owner)
    pool = await open_pool(database.url("service"), name="ingest", size=3)
    wire, clock, vendor = Wire(), FixedClock(NOW), vendor_named("zoho-books")
    assert vendor.source is not None
    handler = ReceiptHandler(vendor, vendor.source, wire, wire, clock)
    yield Ingest(pool, wire, clock, handler, Reader(pool, wire, wire, ConfigurationReader(), clock))
    await close_pool(pool)


class TestReceiptHandler:
    async def test_a_signed_webhook_is_a_change_event(self, ingest: Ingest) -> None:
        (event,) = await ingest.handle(receipt(json.dumps({"contact": contact()}).encode()))
        assert (event.kind, event.coverage, event.via, event.version.settled) == ("changed", "hook", "webhook", False)
        assert event.receipt == "r"
        assert await ingest.open_requests() == []

    async def test_a_thin_one_is_a_read_that_wakes_the_reader(self, ingest: Ingest) -> None:
        assert (
            await ingest.handle(receipt(json.dumps({"contact": contact()}).encode(), verified_by="path-secret")) == []
        )
        (request,) = await ingest.open_requests()
        assert (request["reason"], request["traceparent"]) == ("detail", TRACE)
        assert ingest.wire.woken == 1

    async def test_an_unreadable_one_is_rejected_and_its_neighbours_go_on(self, ingest: Ingest) -> None:
        bad, good = receipt(b"\xff"), receipt(json.dumps({"contact": contact()}).encode())
        assert len(await ingest.handle(bad, good)) == 1
        assert bad.failure is not None
        assert bad.failure.code == "ZB_WEBHOOK_UNREADABLE"

    async def test_the_same_receipt_twice_is_the_same_event(self, ingest: Ingest) -> None:
        item = receipt(json.dumps({"contact": contact()}).encode())
        (one,) = await ingest.handle(item)
        (two,) = await ingest.handle(item)
        assert one.id == two.id


class TestTransactions:
    async def test_a_batch_that_stores_nothing_has_none(self, ingest: Ingest) -> None:
        taken = CountedPool(ingest.pool)
        told = [receipt(json.dumps({"contact": contact(str(n))}).encode()) for n in range(50)]
        await runner(ingest, taken).run([item.record for item in told])
        assert len(ingest.wire.sent) == 50
        assert taken.times == 0

    async def test_what_has_to_be_asked_or_cannot_be_read_is_stored_in_one(self, ingest: Ingest) -> None:
        taken = CountedPool(ingest.pool)
        thin = receipt(json.dumps({"contact": contact()}).encode(), verified_by="path-secret")
        await runner(ingest, taken).run([thin.record, receipt(b"\xff").record, RawRecord("receipts.zoho-books", 0, 9, b"k", b"?", (), 0)])  # fmt: skip
        assert taken.times == 1
        assert len(await ingest.open_requests()) == 1
        async with transaction(ingest.pool) as tx:
            letters = await DeadLetters(tx).find(LetterFilter())
        assert len(letters) == 2


def runner(ingest: Ingest, pool: Any) -> BatchRunner[Receipt]:
    return BatchRunner(
        ingest.handler, pool, Origin("ingest", "0", "normalise"), now=ingest.clock.now, trace=MessagingTrace(),
        on_letters=lambda _: None,
    )  # fmt: skip


class TestReader:
    async def test_publishes_what_it_read_with_the_trace_of_whoever_asked(self, ingest: Ingest) -> None:
        await ingest.ask("detail")
        assert await ingest.reader.step()
        ((event, headers),) = ingest.wire.sent
        assert (event.via, event.coverage, event.version.settled) == ("read", "detail", True)
        assert headers["traceparent"] == TRACE
        assert await ingest.open_requests() == []

    async def test_gone_is_a_deletion(self, ingest: Ingest) -> None:
        gone = Rejected("ZB_NOT_FOUND", "gone", vendor_status=404)
        gone.vendor_date = NOW
        ingest.wire.answer = refusing(gone)
        await ingest.ask("deletion")
        await ingest.reader.step()
        assert [(e.kind, e.coverage) for e, _ in ingest.wire.sent] == [("deleted", "gone")]

    async def test_an_unsettled_answer_does_not_settle_a_dispute(self, ingest: Ingest) -> None:
        ingest.wire.answer = lambda call: body(contact(), date=NOW)
        await ingest.ask("unsettled")
        await ingest.reader.step()
        assert ingest.wire.sent == []
        assert not await ingest.reader.step()
        ingest.clock.advance(3)
        ingest.wire.answer = lambda call: body(contact(), date=NOW + timedelta(seconds=3))
        await ingest.reader.step()
        assert [e.version.settled for e, _ in ingest.wire.sent] == [True]

    async def test_waits_as_long_as_the_vendor_asks(self, ingest: Ingest) -> None:
        ingest.wire.answer = refusing(RateLimited("ZB_MINUTE_LIMIT", "slow down", retry_at=NOW + timedelta(minutes=2)))
        await ingest.ask("detail")
        await ingest.reader.step()
        (request,) = await ingest.open_requests()
        assert request["not_before"] == NOW + timedelta(minutes=2)
        assert request["lease"] is None

    async def test_one_failure_does_not_keep_the_others(self, ingest: Ingest) -> None:
        def answer(call: Call) -> VendorAnswer:
            if call.path.get("id") == "1":
                raise Transient("VENDOR_UNREACHABLE", "away")
            return body(contact(call.path.get("id", "")))

        ingest.wire.answer = answer
        await ingest.ask("detail", "1")
        await ingest.ask("detail", "2")
        await ingest.reader.step()
        assert [e.record for e, _ in ingest.wire.sent] == ["2"]
        assert [row["record"] for row in await ingest.open_requests()] == ["1"]

    async def test_one_connection_that_hangs_delays_no_other(self, ingest: Ingest, database: Database) -> None:
        owner = await open_pool(database.owner_url, name="owner", size=1)
        async with transaction(owner) as tx:
            await tx.execute(
                """
                insert into core.connection (id, vendor, name, state, created_at, updated_at)
                select 'c' || n, 'zoho-books', 'c' || n, 'active', $1, $1 from generate_series(1, 50) n
                """,
                NOW,
            )
        await close_pool(owner)
        opened, hangs = ingest.wire.call, asyncio.Event()

        async def call(one: Call) -> VendorAnswer:
            if one.path["id"] == "hangs":
                await hangs.wait()
            elif one.path["id"] == "odd":
                raise RuntimeError("vendor code broke")
            return await opened(one)

        ingest.wire.call = call  # type: ignore[method-assign]
        asks = [
            ReadRequest(
                ConnectionId(f"c{n}"),
                Entity("customer"),
                RecordId({1: "hangs", 2: "odd"}.get(n, f"r{n}")),
                "detail",
                NOW,
            )
            for n in range(1, 51)
        ]
        async with transaction(ingest.pool) as tx:
            await read_requests.ask(tx, asks, NOW)
        stopping = asyncio.Event()
        running = asyncio.create_task(ingest.reader.run(stopping))
        # Longer than a lease: a turn that a busy database has sent away comes again.
        async with asyncio.timeout(60):
            while len(ingest.wire.sent) < 48:  # noqa: ASYNC110 - the wire tells nobody
                await asyncio.sleep(0.01)
            await ingest.ask("detail", "later")
            ingest.reader.wake()
            while len(ingest.wire.sent) < 49:  # noqa: ASYNC110 - nor now
                await asyncio.sleep(0.01)
            # What was sent is stored a moment later; a stop in between would rightly leave it to be read again.
            while {row["record"] for row in await ingest.open_requests()} != {"hangs"}:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.01)
        assert not running.done()
        stopping.set()
        await asyncio.wait_for(running, 10)
        # Our code breaks on that one for ever: it is a dead letter, not a request.
        assert {row["record"] for row in await ingest.open_requests()} == {"hangs"}

    async def test_a_turn_that_takes_too_long_costs_its_records_no_attempt_and_comes_in_smaller_ones(
        self, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ingest.reader.TURN_S", 0.05)

        async def hangs(one: Call) -> VendorAnswer:
            await asyncio.Event().wait()
            raise AssertionError

        ingest.wire.call = hangs  # type: ignore[method-assign]
        for record in ("1", "2", "3"):
            await ingest.ask("detail", record)
        for _ in range(20):
            async with transaction(ingest.pool) as tx:
                await tx.execute("update flow.read_request set not_before = $1", NOW)
            assert await ingest.reader.step()
        found = await ingest.open_requests()
        assert [(row["attempts"], row["lease"]) for row in found] == [(0, None)] * 3
        assert len({row["not_before"] for row in found}) == 3
        assert min(row["not_before"] for row in found) > NOW

    async def test_what_is_asked_again_while_it_is_answered_stays(self, ingest: Ingest) -> None:
        await ingest.ask("detail")
        async with transaction(ingest.pool) as tx:
            token, (request,) = await read_requests.lease(tx, NOW, count=5, within=timedelta(seconds=60))
        await ingest.ask("deletion")
        async with transaction(ingest.pool) as tx:
            await read_requests.answered(tx, token, [request])
        assert [row["reason"] for row in await ingest.open_requests()] == ["deletion"]
        assert await ingest.reader.step()

    async def test_a_read_that_died_is_taken_again_after_its_lease(self, ingest: Ingest) -> None:
        await ingest.ask("detail")
        async with transaction(ingest.pool) as tx:
            await read_requests.lease(tx, NOW, count=5, within=timedelta(seconds=-1))
        assert await ingest.reader.step()
        assert await ingest.open_requests() == []

    async def test_who_lives_keeps_what_it_reads_and_who_died_holds_it_for_seconds(
        self, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert timedelta(seconds=15) >= LEASE
        monkeypatch.setattr("ingest.reader.RENEW_S", 0.0)

        async def hangs(one: Call) -> VendorAnswer:
            await asyncio.Event().wait()
            raise AssertionError

        ingest.wire.call = hangs  # type: ignore[method-assign]
        await ingest.ask("detail")
        reading = asyncio.create_task(ingest.reader.run(asyncio.Event()))
        leased: set[datetime] = set()
        async with asyncio.timeout(30):
            while len(leased) < 3:
                (request,) = await ingest.open_requests()
                leased |= {request["lease_until"]} - {None}
                ingest.reader.wake()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        async with transaction(ingest.pool) as tx:
            _, taken = await read_requests.lease(tx, NOW, count=5, within=LEASE)
            assert taken == []
            await tx.execute("update flow.read_request set lease_until = lease_until - $1::interval", LEASE)
            _, taken = await read_requests.lease(tx, NOW, count=5, within=LEASE)
            assert len(taken) == 1

    async def test_a_gated_connection_is_left_alone(self, ingest: Ingest, database: Database) -> None:
        owner = await open_pool(database.owner_url, name="owner", size=1)
        async with transaction(owner) as tx:
            await tx.execute(
                "insert into core.gate (connection, reason, set_at) values ('books', 'needs_reauth', $1)", NOW
            )
        await close_pool(owner)
        await ingest.ask("detail")
        assert not await ingest.reader.step()
        assert len(await ingest.open_requests()) == 1


LOST = Transient("VENDOR_TIMEOUT", "no answer in time")


class TestUnread:
    """Issue 9, 18: what cannot be read ends as a dead letter, and what is not the record's fault costs no attempt."""

    async def letters(self, ingest: Ingest) -> list[StoredLetter]:
        async with transaction(ingest.pool) as tx:
            return await DeadLetters(tx).find(LetterFilter(state=None))

    async def fail(self, ingest: Ingest, failure: Failure, *, ping: Failure | None = None, times: int = 1) -> None:
        def answer(call: Call) -> VendorAnswer:
            if "id" in call.path:
                raise failure
            if ping is not None:
                raise ping
            return VendorAnswer(200, {}, b"{}", NOW, "", 0.01)

        ingest.wire.answer = answer
        for _ in range(times):
            await ingest.reader.step()
            ingest.clock.advance(3600)

    async def test_a_refused_read_is_a_dead_letter_at_once(self, ingest: Ingest) -> None:
        await ingest.ask("detail")
        told = {
            "vendor_status": 400,
            "vendor_code": "1002",
            "vendor_words": "No such thing.",
            "vendor_request_id": "q1",
        }
        await self.fail(ingest, Rejected("ZB_REFUSED", "refused", **told))  # type: ignore[arg-type]
        ((stored),) = await self.letters(ingest)
        letter = stored.letter
        assert {name: getattr(letter, name) for name in told} == told
        assert (letter.group, letter.topic, letter.partition, letter.code) == (
            "reader", "changes.zoho-books", -1, "ZB_REFUSED",
        )  # fmt: skip
        change = ChangeEvent.model_validate_json(letter.value or b"")
        assert (change.kind, change.record, letter.key) == ("asked", "46", b"books:customer:46")
        assert await ingest.open_requests() == []

    async def test_one_that_keeps_failing_ends_after_twelve_attempts(self, ingest: Ingest) -> None:
        await ingest.ask("detail")
        await self.fail(ingest, LOST, times=11)
        assert await self.letters(ingest) == []
        await self.fail(ingest, LOST)
        assert [one.letter.code for one in await self.letters(ingest)] == ["VENDOR_TIMEOUT"]
        assert await ingest.open_requests() == []

    async def test_a_refusal_of_the_grant_blames_no_record_at_once(self, ingest: Ingest) -> None:
        await ingest.ask("detail")
        await self.fail(ingest, Rejected("CALL_NOT_PERMITTED", "a scope is missing", vendor_status=401))
        assert await self.letters(ingest) == []
        assert [row["attempts"] for row in await ingest.open_requests()] == [1]

    async def test_asked_again_it_is_a_new_request_and_one_letter(self, ingest: Ingest) -> None:
        for _ in range(2):
            await ingest.ask("detail")
            await self.fail(ingest, Rejected("ZB_REFUSED", "refused", vendor_status=400))
        ((stored),) = await self.letters(ingest)
        assert stored.attempts == 2
        async with transaction(ingest.pool) as tx:
            await DeadLetters(tx).close([stored.id], "discarded", by="me", reason="known", at=NOW)
        await ingest.ask("detail")
        assert [row["attempts"] for row in await ingest.open_requests()] == [0]
        await self.fail(ingest, Rejected("ZB_REFUSED", "refused", vendor_status=400))
        assert [one.state for one in await self.letters(ingest)] == ["discarded", "open"]

    @pytest.mark.parametrize(
        "failure",
        [
            RateLimited("ZB_MINUTE_LIMIT", "slow down"),
            Unauthorised("ZB_UNAUTHORISED", "who are you"),
            Transient("TOKEN_BROKER_UNAVAILABLE", "away"),
            Transient("QUOTA_UNAVAILABLE", "away"),
            Transient("VENDOR_UNREACHABLE", "away"),
        ],
        ids=lambda one: one.code,
    )
    async def test_what_is_nobodys_fault_costs_no_attempt(self, ingest: Ingest, failure: Failure) -> None:
        await ingest.ask("detail")
        await self.fail(ingest, failure, times=14)
        assert [row["attempts"] for row in await ingest.open_requests()] == [0]
        assert await self.letters(ingest) == []

    async def test_a_vendor_that_is_away_closes_its_gate_and_a_probe_opens_it(
        self, ingest: Ingest, database: Database
    ) -> None:
        await ingest.ask("detail")
        await self.fail(ingest, LOST, ping=LOST, times=14)
        assert await self.gates(ingest) == ["vendor_away"]
        reads = [call for call in ingest.wire.calls if "id" in call.path]
        assert len(reads) == 1
        assert [row["attempts"] for row in await ingest.open_requests()] == [0]
        ingest.wire.answer = lambda call: body(contact())
        owner = await open_pool(database.owner_url, name="owner", size=1)
        async with transaction(owner) as tx:
            await tx.execute("update flow.vendor_probe set due_at = '-infinity'")
        await close_pool(owner)
        await ingest.reader.probe()
        assert await self.gates(ingest) == []
        assert await ingest.reader.step()
        assert await ingest.open_requests() == []

    async def test_a_refused_account_closes_its_gate_and_the_record_waits(self, ingest: Ingest) -> None:
        await ingest.ask("detail")
        await self.fail(ingest, Rejected("ZB_REFUSED", "the plan ended", vendor_status=403, about="account"), times=3)
        assert await self.gates(ingest) == ["refused"]
        assert len([call for call in ingest.wire.calls if "id" in call.path]) == 1
        assert [row["attempts"] for row in await ingest.open_requests()] == [0]
        assert await self.letters(ingest) == []

    async def gates(self, ingest: Ingest) -> list[str]:
        async with transaction(ingest.pool) as tx:
            return [row["reason"] for row in await tx.fetch("select reason from core.gate")]

    async def test_the_gate_of_one_place_holds_no_reads(self, ingest: Ingest) -> None:
        async with transaction(ingest.pool) as tx:
            await gates.refuse(tx, "books", "list-1", "ZB_REFUSED", "gone", NOW)
        await ingest.ask("detail")
        assert await ingest.reader.step()

    @pytest.mark.parametrize("point", ["reader.after_lease", "reader.after_answer", "reader.after_produce"])
    async def test_a_break_anywhere_costs_the_lease_and_no_letter_twice(self, ingest: Ingest, point: str) -> None:
        await ingest.ask("detail")
        with failpoints.armed(f"{point}=raise:RuntimeError*1"):
            await ingest.reader.step()
        assert len(await ingest.open_requests()) == 1
        async with transaction(ingest.pool) as tx:
            await tx.execute("update flow.read_request set lease_until = '-infinity'")
        await self.fail(ingest, Rejected("ZB_REFUSED", "refused", vendor_status=400))
        assert [one.attempts for one in await self.letters(ingest)] == [1]

    async def test_retried_on_a_real_kafka_the_mapper_asks_and_it_is_read(
        self, ingest: Ingest, stack: LocalStack
    ) -> None:
        await ingest.ask("detail")
        await self.fail(ingest, Rejected("ZB_REFUSED", "refused", vendor_status=400))
        ((stored),) = await self.letters(ingest)
        address = KafkaAddress(stack.kafka)
        await create_topics(address, TOPICS)
        async with republisher(address) as kafka:
            await kafka.send(stored)
        consumer = AIOKafkaConsumer(
            "changes.zoho-books", bootstrap_servers=stack.kafka, auto_offset_reset="earliest", group_id=None
        )
        await consumer.start()
        try:
            async with asyncio.timeout(60):
                async for message in consumer:
                    if message.value == stored.letter.value and message.key == stored.letter.key:
                        break
        finally:
            await consumer.stop()
        change = ChangeEvent.model_validate_json(message.value)
        for known in (RecordState(), RecordState(deleted=True, existence_at=NOW)):
            assert merge(known, change).ask is AskedFor.DELETION
