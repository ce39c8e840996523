"""One writer without Kafka on a real database and the real sandbox: commands go in, members come out."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.clock import Clock, OffsetClock
from common.contracts.connections import Connection
from common.contracts.ids import CommandId, ConnectionId, Entity, RecordId, SyncId
from common.contracts.messages import Lane, WriteCommand
from common.contracts.topics import commands
from common.failures import RateLimited
from common.http.door import Door
from common.http.profile import Limit
from common.http.tokens import Token
from common.metrics import Metrics
from common.secret import Secret
from common.state.pool import Pool, close_pool, open_pool, transaction
from tests.support.legs import ONE_LEG
from tests.support.pace import hurried
from tests.support.patience import patient
from tests.support.sandbox import SandboxProcess
from vendors import mailchimp, zoho_books
from vendors.mailchimp.client import MailchimpProfile
from vendors.vendor import Vendor, connection_of
from writing.assembly import Writer, assemble
from writing.intake import CommandHandler
from writing.lease_renewer import LEASE

# Longer than any test has work to do meanwhile, and shorter than the vendor's own patience.
HELD_S = 60.0
LIST, STRICT = "a6b5da1054", "d0b1e09711"
TABLES = """flow.work_item, flow.target_lease, flow.target_owner, flow.pair, flow.target_record, flow.write_intent, flow.audit, flow.target_event,
            flow.vendor_probe, flow.recheck, flow.activity, flow.activity_due, flow.merged_record, flow.deferred_call, flow.reconciliation, flow.reconcile_met, flow.reconcile_difference, flow.run,
            flow.run_record, flow.run_count, flow.run_source, flow.poll,
            flow.journal, core.connection, core.sync, core.leg, core.mapping_version"""
# At one moment: a sweep makes rows of what is to be checked again.
AT_WORK = """select from flow.work_item where not state = any($1::text[])
             union all select from flow.recheck limit 1"""
# Of a row that somebody works on: its call is not over, or its answer not stored.
ON_ITS_WAY = """select exists (select from flow.write_intent i join flow.work_item w using (sync, entity, record)
                                where i.state = 'sent' and w.state = 'leased')"""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Key:
    """The API key of the sandbox's demo account, as the token-broker would give it."""

    def __init__(self, key: str) -> None:
        self.secret = Secret(key)

    async def token(self, connection: ConnectionId) -> Token:
        return Token(self.secret, 1, datetime(9999, 1, 1, tzinfo=UTC))

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        from common.failures import Unauthorised

        raise Unauthorised("NEEDS_REAUTH", "reconnect")


class Places:
    """Eight places, as the budget would give them; remembers the lane of each call."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(8)
        self.lanes: list[str] = []

    async def admit(self, connection: Connection, limits: tuple[Limit, ...], priority: str, *, hold_s: float, deadline: float, cost: int = 1) -> Any:  # fmt: skip
        await self._free.acquire()
        self.lanes.append(priority)
        return _Place(self._free)

    async def throttled(self, limits: tuple[Limit, ...], failure: RateLimited) -> RateLimited:
        return failure


class _Place:
    waited_s = 0.0

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free

    def answered(self, told: object = None) -> None:
        self._free.release()

    unanswered = unused = answered


@dataclass
class World:
    """A writer, its database and its vendor."""

    pool: Pool
    owner: Pool
    sandbox: SandboxProcess
    account: dict[str, Any]
    clock: Clock
    lease: timedelta = LEASE
    vendor: Vendor = mailchimp.VENDOR
    revisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: Places = field(default_factory=Places)
    offset: int = 0

    # --- the writer

    def door(self) -> Door:
        return Door(
            Key(self.account["api_key"]), self.places, self.clock, {"mailchimp": f"{self.sandbox.base_url}/mailchimp"}
        )

    def writer(self, door: Door) -> Writer:
        return assemble(
            self.vendor, self.pool, self.clock, door, Metrics(), service="writer-mailchimp", at_once=8, lease=self.lease
        )

    @asynccontextmanager
    async def running(self, executors: int = 1) -> AsyncIterator[None]:
        """Executors at work until the block ends, hurried; an error of theirs is the test's."""
        with hurried():
            async with self.running_as_in_production(executors):
                yield

    @asynccontextmanager
    async def running_as_in_production(self, executors: int = 1) -> AsyncIterator[None]:
        """The same with the pauses that a service has between two looks."""
        stopping, door = asyncio.Event(), self.door()
        writers = [self.writer(door) for _ in range(executors)]
        tasks = [asyncio.create_task(w.worker.run(stopping)) for w in writers]
        beats = [asyncio.create_task(w.lease_renewer.run(stopping)) for w in writers]
        listeners = [asyncio.create_task(w.worker.listen(stopping)) for w in writers]
        try:
            yield
        except BaseException:
            # A call that a test holds would keep who has failed waiting for as long as the vendor's own patience lasts.
            self.answers()
            raise
        finally:
            stopping.set()
            for one in writers:
                one.worker.wake()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for beat in (*beats, *listeners):
                beat.cancel()
            await asyncio.gather(*beats, *listeners, return_exceptions=True)
            await door.aclose()
            for error in ended:
                if isinstance(error, BaseException):
                    raise error

    def lags(self, seconds: float) -> None:
        """The vendor's reads lag for so long behind its writes: whoever looks on after a step is not overtaken by the next."""
        profile = MailchimpProfile()
        profile.read_lag = timedelta(seconds=seconds)
        self.vendor = replace(self.vendor, profile=profile)

    # --- what is joined

    async def connect(self, name: str, vendor: Vendor, **learnt: str) -> None:
        """A connection; `learnt` is what a trial has found out."""
        details = {"dc": "us6", "login_id": "1", **learnt} if vendor is mailchimp.VENDOR else learnt
        account = vendor.account(connection_of(vendor.name, name, **details))
        await self.execute(
            """insert into core.connection (id, vendor, name, state, details, account, created_at, updated_at)
               values ($1, $2, $1, 'active', $3, $4, $5, $5)""",
            name, vendor.name, details, account, self.clock.now(),
        )  # fmt: skip

    async def join(self, sync: str, source: str = "books", target: str = "chimp", place: str = LIST) -> None:
        """A sync of customers."""
        await self.execute(
            """insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)
               values ($1, $1, 't', $2, $3, 'active', $4, $4)""",
            sync, source, target, self.clock.now(),
        )  # fmt: skip
        await self.execute(ONE_LEG, place)

    # --- wishes

    def command(
        self, record: str, email: str = "", *, sync: str = "s1", revision: int | None = None, lane: Lane = Lane.LIVE,
        how: str = "", tag: str = "inactive", skip: str = "", keep: str = "", replay: str = "", tags: Sequence[str] | None = None,
        place: str = LIST, trace: str = "", rank: int = 0, source: str = "books", target: str = "chimp", leg: str = "customer", **merge: Any,
    ) -> Delivered[WriteCommand]:  # fmt: skip
        if revision is None:
            self.revisions[sync, f"{leg}:{record}"] += 1
        number = revision or self.revisions[sync, f"{leg}:{record}"]
        document: dict[str, Any] = {"how": how} | ({"tag": tag} if how == "tag" else {})
        if keep:
            document = {}
        elif not how:
            document = {"email": email, **{f"merge.{name}": value for name, value in merge.items()}}
            document |= {"tags": list(tags)} if tags is not None else {}
        command = WriteCommand(
            id=CommandId(f"{record}-{number}"), sync=SyncId(sync), entity=Entity(leg), record=RecordId(record),
            source=ConnectionId(source), target=ConnectionId(target), place=place, revision=number, mapping_version=1,
            wish="keep" if keep else "absent" if how else "present", document=document, skip=skip or keep, lane=lane, happened_at=self.clock.now(), replay=replay,
            rank=rank,
        )  # fmt: skip
        self.offset += 1
        headers = (("traceparent", (trace or TRACE).encode()),)
        raw = RawRecord("commands.mailchimp", 0, self.offset, b"k", command.model_dump_json().encode(), headers, 0)
        return Delivered(command, raw)

    def intake(self) -> CommandHandler:
        return CommandHandler(
            commands("mailchimp"), "writer-mailchimp", self.vendor.targets, clock=self.clock, metrics=Metrics(), wake=lambda: None
        )  # fmt: skip

    async def store(self, *batch: Delivered[WriteCommand]) -> None:
        """The intake's transaction."""
        handler = self.intake()
        async with transaction(self.pool) as tx:
            await handler.store(batch, tx)
        await handler.after(batch)

    async def want(self, record: str, email: str = "", **more: Any) -> None:
        await self.store(self.command(record, email, **more))

    # --- what is so

    async def rows(self, query: str, *args: Any) -> list[Any]:
        async with transaction(self.owner) as tx:
            return list(await tx.fetch(query, *args))

    async def execute(self, query: str, *args: Any) -> None:
        async with transaction(self.owner) as tx:
            await tx.execute(query, *args)

    async def item(self, record: str, sync: str = "s1") -> Any:
        (row,) = await self.rows("select * from flow.work_item where record = $1 and sync = $2", record, sync)
        return row

    async def steps(self, record: str) -> list[str]:
        rows = await self.rows("select step from flow.journal where record = $1 order by id", record)
        return [row["step"] for row in rows]

    async def journal(self, record: str, step: str) -> list[Any]:
        return await self.rows("select * from flow.journal where record = $1 and step = $2 order by id", record, step)

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str, within: float = 60.0) -> None:
        deadline = time.monotonic() + patient(within)
        while not await condition():
            assert time.monotonic() < deadline, f"{what}; items: {await self._shown()}"
            await asyncio.sleep(0.03)

    async def quiet(self, *states: str, within: float = 60.0) -> None:
        """Until every row has come to rest; `states` are those that may rest besides the closed ones."""
        resting = ["done", "dead", "parked", *states]

        async def rests() -> bool:
            return not await self.rows(AT_WORK, resting)

        await self.until(rests, "the work did not come to rest", within)

    async def settled(self, *states: str, executors: int = 1, within: float = 60.0) -> None:
        """Runs executors until all is quiet."""
        async with self.running(executors):
            await self.quiet(*states, within=within)

    async def _shown(self) -> list[str]:
        rows = await self.rows("select record, state, code, attempts, message from flow.work_item limit 20")
        return [" ".join(str(value) for value in row) for row in rows]

    # --- the vendor

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """As the operator: outside every limit and fault."""
        address = f"{self.sandbox.base_url}/mailchimp/us6/3.0{path}"
        return httpx.request(method, address, headers={"authorization": f"Bearer {self.account['operator_token']}"}, timeout=60, verify=False, **more)  # fmt: skip

    def member(self, email: str, place: str = LIST) -> dict[str, Any]:
        digest = hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
        answer = self.call("GET", f"/lists/{place}/members/{digest}")
        found: dict[str, Any] = {} if answer.status_code == 404 else answer.json()
        return found

    def status(self, email: str, place: str = LIST) -> str:
        return str(self.member(email, place).get("status", "none"))

    def tags(self, email: str) -> list[str]:
        return sorted(tag["name"] for tag in self.member(email)["tags"])

    def audience(self, place: str = LIST) -> dict[str, dict[str, Any]]:
        answer = self.call("GET", f"/lists/{place}/members?count=1000")
        return {one["email_address"]: one for one in answer.json()["members"]}

    def person(self, action: str, email: str, **more: Any) -> None:
        self.sandbox.post("mailchimp/demo/people", {"action": action, "email": email, "audience": LIST, **more})

    def fault(self, kind: str, route: str = "*", **more: Any) -> None:
        self.sandbox.post("faults", {"vendor": "mailchimp", "route": route, "kind": kind, **more})

    def holds(self, route: str, **more: Any) -> None:
        """Calls of this route have no answer, and have done nothing, before it `answers`."""
        self.fault("latency", route, seconds=HELD_S, **more)

    async def is_held(self) -> bool:
        """Whether the vendor has such a call: what is stored of one that is about to be sent does not tell."""
        listed: Any = self.sandbox.get("faults")["faults"]
        return any(rule["hits"] for rule in listed if rule["kind"] == "latency")

    def answers(self) -> None:
        """What waits is done and answered, and no fault is in force any more."""
        self.sandbox.delete("faults?go=1")

    def answers_at(self, moment: datetime) -> None:
        """The same at this moment to come, which is then the vendor's stamp of it."""
        self.advance((moment - self.clock.now()).total_seconds())
        self.answers()

    def advance(self, seconds: float) -> None:
        self.sandbox.post("clock", {"advance_s": seconds})
        time.sleep(0.06)  # the product's clock looks at the file every 50 ms

    async def advance_between_calls(self, seconds: float) -> None:
        """The same while no call is on its way, for jumps over the horizon: it counts from the intent, and a call that is sent after such
        a jump would land when its look is over. In production nothing is sent so long after its intent (R3)."""
        await self.until(lambda: self._advanced(seconds), "calls are on their way all the time")

    async def _advanced(self, seconds: float) -> bool:
        try:
            async with transaction(self.owner) as tx:
                # Whoever is about to call locks its rows first.
                await tx.execute("lock table flow.work_item in exclusive mode nowait")
                if await tx.fetchval(ON_ITS_WAY):
                    return False
                self.advance(seconds)
                return True
        except asyncpg.LockNotAvailableError:
            return False

    def calls(self) -> list[dict[str, Any]]:
        listed: Any = self.sandbox.get("log", since=0)["calls"]
        return [call for call in listed if not call["operator"] and call["vendor"] == "mailchimp"]

    def routes(self) -> list[str]:
        return [call["route"] for call in self.calls()]

    def writes(self) -> list[str]:
        return [call["route"] for call in self.calls() if call["method"] != "GET"]

    def applied(self) -> Counter[tuple[str, str]]:
        """Which members the vendor has applied a write of ours to, and what it was."""
        found: Counter[tuple[str, str]] = Counter()
        for call in self.calls():
            for one in call["applied"]:
                # That a batch was handed in is no change of a member; its operations are, when they run.
                if one["op"] != "noop" and one["kind"] != "batch":
                    found[str(one["id"]), f"{one['kind']} {one['op']}"] += 1
        return found

    async def told(self) -> Counter[tuple[str, str]]:
        """The same as the journal tells it."""
        words = {
            "create": "member create",
            "archive": "member delete",
            "give": "member_tags update",
            "take": "member_tags update",
        }
        found: Counter[tuple[str, str]] = Counter()
        for row in await self.rows("select target_key, details from flow.journal where step = 'applied'"):
            action = row["details"]["action"].partition(":")[0]
            digest = hashlib.md5(row["target_key"].encode(), usedforsecurity=False).hexdigest()
            found[digest, words.get(action, "member update")] += 1
        return found


async def open_world(database: Any, sandbox: SandboxProcess) -> World:
    """A world with one connection of each side and two syncs into the first audience."""
    sandbox.post("reset")
    listed: Any = sandbox.get("accounts")["accounts"]
    account = next(one for one in listed if one["vendor"] == "mailchimp")
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    pool = await open_pool(database.url("service"), name="writer", size=8)
    world = World(pool, owner, sandbox, account, OffsetClock(sandbox.home))
    await world.execute(f"truncate {TABLES} cascade")
    await world.connect("books", zoho_books.VENDOR)
    await world.connect("chimp", mailchimp.VENDOR)
    for sync, place in (("s1", LIST), ("s2", LIST), ("strict", STRICT)):
        await world.join(sync, place=place)
    return world


async def close_world(world: World) -> None:
    await close_pool(world.pool)
    await close_pool(world.owner)
