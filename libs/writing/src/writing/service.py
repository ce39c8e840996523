"""A writer service, whole: a service's `main.py` names its vendors, and everything else is built here.

In: the commands of each vendor, and what its targets tell of themselves. Out: calls to the vendor. What a batch says is durable with
its transaction, and with it the place where the next one begins (R27); what a call is about is durable before it is made (R2, R3).

Each vendor has consumers, a queue and a worker of its own, and groups named after it: it may move to another service.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from common.bus.consumer import BatchConsumer
from common.bus.consuming import consumer_of
from common.bus.handler import Handler
from common.bus.trace import MessagingTrace
from common.contracts.topics import changes, commands
from common.http.door import Door
from common.http.opening import open_door
from common.http.settings import DoorSettings
from common.runtime import Build, Runtime
from common.service import run
from common.state.pool import Pool
from common.state.service_pool import service_pool
from vendors.vendor import Vendor
from writing.assembly import Writer, assemble
from writing.intake import CommandHandler
from writing.reconciler import Reconciler
from writing.target_events import TargetEventHandler
from writing.worker import Worker

SHARED_CONNECTIONS, CONNECTIONS_A_VENDOR = 4, 12

S = TypeVar("S", bound=DoorSettings)


def run_writer(service: str, settings: type[S], vendors: Sequence[Vendor]) -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    return run(service, settings, build_with(vendors))


def build_with(vendors: Sequence[Vendor]) -> Build[S]:
    """How the service is built that writes to these vendors."""

    def build(runtime: Runtime[S]) -> AbstractAsyncContextManager[None]:
        return _service(runtime, vendors)

    return build


@contextlib.asynccontextmanager
async def _service(runtime: Runtime[S], vendors: Sequence[Vendor]) -> AsyncIterator[None]:
    """The service's life: everything it starts ends with it."""
    trace, size = MessagingTrace.of_process(), SHARED_CONNECTIONS + CONNECTIONS_A_VENDOR * len(vendors)
    async with contextlib.AsyncExitStack() as life:
        pool = await life.enter_async_context(service_pool(runtime, size=size))
        door = await life.enter_async_context(open_door(runtime.settings, pool, runtime.clock, runtime.metrics))
        ends = [end for vendor in vendors for end in _start(runtime, pool, door, trace, vendor)]
        yield
        # A call that is under way is brought to its end; what takes longer than the drain is settled by a look later.
        await asyncio.wait(ends)


def _start(
    runtime: Runtime[S], pool: Pool, door: Door, trace: MessagingTrace, vendor: Vendor
) -> Iterator[asyncio.Task[None]]:
    """Everything of one vendor; the tasks that a stop waits for."""
    stopping, name = runtime.stopping, vendor.name
    writer = assemble(
        vendor, pool, runtime.clock, door, runtime.metrics, service=runtime.service, at_once=vendor.writes_at_once
    )
    # Nothing comes of a batch but what it stores; waking the worker is a courtesy.
    consumers = [
        (one.topic.name, consumer_of(runtime, pool, trace, one, "write", stores_places=True))
        for one in _handlers(runtime, vendor, writer)
    ]
    for topic, consumer in consumers:
        yield runtime.spawn(consumer.run(stopping), topic)
        runtime.health.add(topic, consumer.ready)
    yield runtime.spawn(_work(writer.worker, [consumer for _, consumer in consumers], stopping), f"worker of {name}")
    yield runtime.spawn(writer.worker.listen(stopping), f"listener of {name}")
    if vendor.listings:
        yield _keep_comparing(runtime, pool, door, vendor)
    runtime.spawn(writer.lease_renewer.run(stopping), f"lease renewer of {name}")


def _keep_comparing(runtime: Runtime[S], pool: Pool, door: Door, vendor: Vendor) -> asyncio.Task[None]:
    """The writer lives on without it: it compares, and others write."""
    reconciler = Reconciler(vendor, pool, door, runtime.clock, runtime.stopping)
    return runtime.keep(f"reconciler of {vendor.name}", reconciler.run, reconciler.look)


def _handlers(runtime: Runtime[S], vendor: Vendor, writer: Writer) -> Iterator[Handler[Any]]:
    """Commands become work items; what targets tell changes what is known of their records, and never produces."""
    group, clock = f"writer-{vendor.name}", runtime.clock
    yield CommandHandler(
        commands(vendor.name), group, vendor.targets, clock=clock, metrics=runtime.metrics, wake=writer.worker.wake
    )
    if vendor.source is not None:
        yield TargetEventHandler(
            changes(vendor.name), f"{group}-events", vendor.targets, clock, wake=writer.worker.wake
        )


async def _work(worker: Worker, consumers: Iterable[BatchConsumer[Any]], stopping: asyncio.Event) -> None:
    """R27: nothing is written on the word of a database before it was compared with what Kafka was told."""
    placed: asyncio.Future[Any] = asyncio.gather(*(consumer.placed() for consumer in consumers))
    stopped: asyncio.Future[Any] = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({placed, stopped}, return_when=asyncio.FIRST_COMPLETED)
    placed.cancel()
    stopped.cancel()
    await worker.run(stopping)
