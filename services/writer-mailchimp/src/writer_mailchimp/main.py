"""Builds the Mailchimp writer: the intake of its commands, the events of its target, and the worker that makes the calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from common.bus.batch import Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.handler import Handler
from common.bus.subscription import ConsumerLimits
from common.bus.trace import MessagingTrace
from common.http.opening import open_door
from common.runtime import Runtime
from common.service import run
from common.state.pool import Pool, close_pool, open_pool, watch
from common.version import version
from writer_mailchimp.handlers import SERVICE, on_command, on_target_event
from writer_mailchimp.settings import WriterMailchimpSettings
from writer_mailchimp.targets import CALLS_AT_ONCE, VENDOR
from writing.assembly import assemble
from writing.worker import Worker

POOL_SIZE = 16


@contextlib.asynccontextmanager
async def build(runtime: Runtime[WriterMailchimpSettings]) -> AsyncIterator[None]:
    """The service's life: everything it starts ends with it."""
    settings = runtime.settings
    trace = MessagingTrace.of_process()
    async with contextlib.AsyncExitStack() as life:
        pool = await open_pool(settings.database_url.reveal(), name=SERVICE, size=POOL_SIZE)
        life.push_async_callback(close_pool, pool)
        door = await life.enter_async_context(open_door(settings, pool, runtime.clock, runtime.metrics))
        writer = assemble(VENDOR, pool, runtime.clock, door, runtime.metrics, service=SERVICE, at_once=CALLS_AT_ONCE)
        handlers: list[Handler[Any]] = [
            on_command(runtime.clock, runtime.metrics, writer.worker.wake),
            on_target_event(runtime.clock),
        ]
        consumers = {handler.topic.name: _consumer(runtime, pool, trace, handler) for handler in handlers}
        ends = [runtime.spawn(consumer.run(runtime.stopping), name) for name, consumer in consumers.items()]
        for name, consumer in consumers.items():
            runtime.health.add(name, consumer.ready)
        ends.append(runtime.spawn(_work(writer.worker, consumers.values(), runtime.stopping), "worker"))
        ends.append(runtime.spawn(writer.worker.listen(runtime.stopping), "listener"))
        runtime.spawn(writer.lease_renewer.run(runtime.stopping), "lease renewer")
        runtime.spawn(watch(pool), "pool watch")
        yield
        # A call that is under way is brought to its end; what takes longer than the drain is settled by a look later.
        await asyncio.wait(ends)


def _consumer(
    runtime: Runtime[WriterMailchimpSettings], pool: Pool, trace: MessagingTrace, handler: Handler[Any]
) -> BatchConsumer[Any]:
    return BatchConsumer(
        handler,
        address=KafkaAddress.of(runtime.settings),
        pool=pool,
        origin=Origin(SERVICE, version(), "write"),
        metrics=runtime.metrics,
        now=runtime.clock.now,
        trace=trace,
        limits=ConsumerLimits.of(runtime.settings),
        # Nothing comes of a batch but what it stores; waking the worker is a courtesy.
        stores_places=True,
    )


async def _work(worker: Worker, consumers: Iterable[BatchConsumer[Any]], stopping: asyncio.Event) -> None:
    """R27: nothing is written on the word of a database before it was compared with what Kafka was told."""
    placed: asyncio.Future[Any] = asyncio.gather(*(consumer.placed() for consumer in consumers))
    stopped: asyncio.Future[Any] = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({placed, stopped}, return_when=asyncio.FIRST_COMPLETED)
    placed.cancel()
    stopped.cancel()
    await worker.run(stopping)


def main() -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    return run(SERVICE, WriterMailchimpSettings, build)
