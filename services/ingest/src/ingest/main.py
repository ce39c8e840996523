"""Builds ingest: the gateway on the public port, a normaliser for each source, the reader of single records, the poller
of accounts, the keeper of webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

from common.bus.connecting import producing
from common.bus.consuming import consumer_of
from common.bus.kept import KeptConsumer
from common.bus.producer import Producer
from common.bus.trace import MessagingTrace
from common.http.broker import BrokerClient
from common.http.opening import open_door
from common.loops import Loop
from common.metric_register import INGEST_ACK, WEBHOOK_EVENTS, WEBHOOKS_RECEIVED
from common.runtime import Runtime
from common.service import run
from common.state.configuration import ConfigurationReader
from common.state.listening import listen
from common.state.pool import Pool
from common.state.read_requests import READS
from common.state.service_pool import service_pool
from ingest.app_receipts import AppReceipts
from ingest.channels import Channels
from ingest.configured import EVERY_S, ConfiguredIds
from ingest.deliveries import Deliveries
from ingest.gateway import Gateway, HookBounds
from ingest.hook_vault import HookVault
from ingest.months import Months
from ingest.normaliser import ReceiptHandler
from ingest.poller import Poller
from ingest.quarantine import Quarantine
from ingest.reader import Reader
from ingest.receipt_keeper import Keepers, ReceiptKeeper
from ingest.secrets import KnownSecrets
from ingest.settings import IngestSettings
from vendors.registry import VENDORS
from vendors.vendor import HookRequest

SERVICE = "ingest"


@contextlib.asynccontextmanager
async def build(runtime: Runtime[IngestSettings]) -> AsyncIterator[None]:
    """The service's life: everything it starts ends with it."""
    settings = runtime.settings
    trace = MessagingTrace.of_process()
    async with contextlib.AsyncExitStack() as life:
        pool = await life.enter_async_context(service_pool(runtime))
        producer = await life.enter_async_context(producing(runtime, trace))
        door = await life.enter_async_context(open_door(settings, pool, runtime.clock, runtime.metrics))
        reader = Reader(pool, door, producer, ConfigurationReader(), runtime.clock)
        ends = _keep_consumers(runtime, pool, trace, producer, reader)
        ends.append(runtime.keep("reader", partial(reader.run, runtime.stopping), reader.look))
        poller = Poller(pool, door, producer, ConfigurationReader(), runtime.clock)
        ends.append(runtime.keep("poller", partial(poller.run, runtime.stopping), poller.look))
        runtime.spawn(listen(pool, [READS], reader.wake, runtime.stopping), "listener")
        deliveries = Deliveries(runtime.clock)
        vault = BrokerClient(settings.token_broker_url, settings.service_key)
        life.push_async_callback(vault.aclose)
        channels = Channels(
            pool, door, partial(HookVault, vault), deliveries, ConfigurationReader(), runtime.clock, settings.public_url
        )
        ends.append(runtime.keep("channels", partial(channels.run, runtime.stopping), channels.look))
        # Ready means that webhooks can be taken: parts that rest are told there and take nobody off the load balancer.
        runtime.health.add("kafka", producer.ready)
        configured = ConfiguredIds(pool, ConfigurationReader(), VENDORS)
        ids = Loop("connections", EVERY_S, configured.read)
        ends.append(runtime.keep("connections", partial(ids.run, runtime.stopping), ids.look))
        months = Months(pool, ConfigurationReader(), runtime.clock, runtime.metrics)
        ends.append(runtime.keep("months", partial(months.run, runtime.stopping), months.look))
        secrets = KnownSecrets(settings.token_broker_url, settings.service_key, configured)
        life.push_async_callback(secrets.aclose)
        runtime.mount(_gateway(runtime, pool, producer, secrets, configured, deliveries))
        yield
        await asyncio.wait(ends)


def _keep_consumers(
    runtime: Runtime[IngestSettings], pool: Pool, trace: MessagingTrace, producer: Producer, reader: Reader
) -> list[asyncio.Task[None]]:
    """A normaliser for each vendor that tells us of changes; each is a part of its own."""
    ends = []
    for vendor in VENDORS.values():
        if vendor.source is None or (vendor.inbox or vendor.app_inbox) is None:
            continue
        handler = ReceiptHandler(vendor, vendor.source, producer, reader, runtime.clock)
        kept = KeptConsumer(partial(consumer_of, runtime, pool, trace, handler, "normalise"), runtime.stopping)
        ends.append(runtime.keep(handler.topic.name, kept.run, kept.look))
    return ends


def _gateway(
    runtime: Runtime[IngestSettings],
    pool: Pool,
    producer: Producer,
    secrets: KnownSecrets,
    configured: ConfiguredIds,
    deliveries: Deliveries,
) -> Gateway:
    settings, quarantine = runtime.settings, Quarantine(pool)

    async def keep(connection: str, vendor: str, request: HookRequest, reason: str, size: int) -> None:
        await quarantine.keep(connection, vendor, request, reason, runtime.clock.now(), size)

    def observe(system: str, outcome: str, seconds: float) -> None:
        runtime.metrics.count(WEBHOOKS_RECEIVED, system=system, outcome=outcome)
        runtime.metrics.observe(INGEST_ACK, seconds, system=system)

    def count(system: str, outcome: str, events: int) -> None:
        runtime.metrics.count(WEBHOOK_EVENTS, events, system=system, outcome=outcome)

    keepers = Keepers(
        ReceiptKeeper(producer, deliveries.note, runtime.clock),
        AppReceipts(producer, configured, keep, deliveries.note, count, runtime.clock),
    )
    return Gateway(
        VENDORS, secrets, keepers, keep, runtime.clock,
        HookBounds(settings.webhook_max_bytes, settings.webhook_read_timeout_s), settings.public_url or "", observe,
    )  # fmt: skip


def main() -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    return run(SERVICE, IngestSettings, build)
