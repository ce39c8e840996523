"""A webhook of the sandbox's audience, with `sources.api` on: what it tells reaches the writer late, doubled and shuffled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.bus.handler import Delivered
from common.bus.record import RawRecord
from common.contracts.ids import ConnectionId, VendorName
from common.contracts.messages import ChangeEvent, Version
from common.contracts.topics import changes
from common.state.pool import transaction
from common.state.trouble import DatabaseTrouble, trouble_of
from tests.support.writing import LIST, TRACE, World
from vendors.mailchimp import events
from writing.target_events import TargetEventHandler

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
CHIMP = ConnectionId("chimp")


class AudienceHook:
    """Hears everything that the audience tells."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(seed)
        self.heard: list[Delivered[ChangeEvent]] = []
        self._waiting: list[Delivered[ChangeEvent]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
        body = await reader.readexactly(length)
        if body:
            one = event(body)
            self.heard.append(one)
            # Some twice.
            self._waiting += [one] * self._chance.choice((1, 1, 1, 2))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    async def tell(self, stopping: asyncio.Event) -> None:
        """Hands on what has come, in any order, a part of it later."""
        targets, clock = self._world.vendor.targets, self._world.clock
        handler = TargetEventHandler(changes("mailchimp"), "events", targets, clock, wake=lambda: None)
        while not stopping.is_set() or self._waiting:
            self._chance.shuffle(self._waiting)
            most = len(self._waiting) if stopping.is_set() else self._chance.randint(0, len(self._waiting))
            batch = [self._waiting.pop() for _ in range(min(most, 200))]
            if batch and not await self._stored(handler, batch):
                self._waiting += batch
            await asyncio.sleep(0.02)

    async def _stored(self, handler: TargetEventHandler, batch: list[Delivered[ChangeEvent]]) -> bool:
        """As a consumer does: a database that is away, or busy for longer than a lock is waited for, has the batch again."""
        try:
            async with transaction(self._world.pool) as tx:
                await handler.store(batch, tx)
        except Exception as error:
            if trouble_of(error) is not DatabaseTrouble.AWAY:
                raise
            return False
        return True


@asynccontextmanager
async def listening(world: World, seed: int = 1) -> AsyncIterator[AudienceHook]:
    """From now on until the block ends; everything that was heard is handed on by then."""
    hook, stopping = AudienceHook(world, seed), asyncio.Event()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    all_of = dict.fromkeys(("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"), True)
    wanted = {"url": url, "events": all_of, "sources": {"user": True, "admin": True, "api": True}}
    made = await asyncio.to_thread(world.call, "POST", f"/lists/{LIST}/webhooks", json=wanted)
    made.raise_for_status()
    journal_entries = asyncio.create_task(hook.tell(stopping))
    try:
        yield hook
    finally:
        stopping.set()
        await journal_entries
        await asyncio.to_thread(world.call, "DELETE", f"/lists/{LIST}/webhooks/{made.json()['id']}")
        server.close()
        await server.wait_closed()


def event(body: bytes) -> Delivered[ChangeEvent]:
    """As the gateway and the normaliser would hand it on."""
    read = events.read(body)
    version = Version(stamp=read.fired_at, settled=False)
    fields = dict(read.fields)
    told = ChangeEvent(
        id=ChangeEvent.derive_id(CHIMP, read.entity, read.record, version, "hook", fields), connection=CHIMP,
        vendor=VendorName("mailchimp"), entity=read.entity, record=read.record, kind="changed", version=version, coverage="hook",
        fields=fields, observed_at=read.fired_at, via="webhook",
    )  # fmt: skip
    return Delivered(told, RawRecord("changes.mailchimp", 0, 0, b"k", b"", (("traceparent", TRACE.encode()),), 0))
