"""Builds the mapper: a consumer for each source's changes, the republisher, and the job of new mapping versions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

from common.bus.connecting import producing
from common.bus.consuming import consumer_of
from common.bus.trace import MessagingTrace
from common.contracts.topics import changes
from common.journal import make_months
from common.runtime import Runtime
from common.service import run
from common.state.configuration import ConfigurationReader
from common.state.listening import CONFIGURATION, listen
from common.state.pool import Pool, transaction
from common.state.service_pool import service_pool
from common.state.upkeep import LOOK_EVERY_S, Upkeep
from mapper import activity_news, deal_choosing, fact_clock, pair_settling, redaction, remap
from mapper import publisher as publishing
from mapper.activity_news import ActivityNews
from mapper.deal_choosing import DealChoosing
from mapper.fact_clock import FactClock
from mapper.handlers import ChangeHandler
from mapper.mapping.definitions import source_vendors
from mapper.mappings import Mappings
from mapper.pair_settling import PairSettling
from mapper.publisher import Publisher
from mapper.redaction import Redaction
from mapper.remap import Remapper
from mapper.settings import MapperSettings
from vendors.registry import vendor_named

SERVICE = "mapper"
A_DAY_S = 86_400.0


@contextlib.asynccontextmanager
async def build(runtime: Runtime[MapperSettings]) -> AsyncIterator[None]:
    """The service's life: everything it starts ends with it."""
    settings = runtime.settings
    trace = MessagingTrace.of_process()
    async with contextlib.AsyncExitStack() as life:
        pool = await life.enter_async_context(service_pool(runtime))
        producer = await life.enter_async_context(producing(runtime, trace))
        configuration, mappings = ConfigurationReader(), Mappings()
        publisher = Publisher(pool, producer, configuration)
        remapper = Remapper(pool, runtime.clock, configuration, mappings, publisher)
        handlers = [_handler(runtime, vendor, configuration, mappings, publisher) for vendor in source_vendors()]
        # What was stored and not published is published by the republisher.
        consumers = {
            one.topic.name: consumer_of(runtime, pool, trace, one, "map", stores_places=True) for one in handlers
        }
        ends = [runtime.spawn(consumer.run(runtime.stopping), name) for name, consumer in consumers.items()]
        for name, consumer in consumers.items():
            runtime.health.add(name, consumer.ready)
        runtime.every("republisher", publishing.EVERY_S, publisher.republish, calm_s=publishing.CALM_S)
        configured = asyncio.Event()
        runtime.every("remapper", remap.EVERY_S, remapper.step, woken=configured, calm_s=remap.CALM_S)
        runtime.spawn(listen(pool, [CONFIGURATION], configured.set, runtime.stopping), "listener")
        settling = PairSettling(pool, runtime.clock, configuration, mappings, publisher)
        runtime.every("pairs", pair_settling.EVERY_S, settling.step)
        facts = FactClock(pool, runtime.clock, configuration, mappings, publisher)
        runtime.every("facts", fact_clock.EVERY_S, facts.step)
        news = ActivityNews(pool, runtime.clock, configuration, mappings, publisher)
        runtime.every("activity", activity_news.EVERY_S, news.step)
        choosing = DealChoosing(pool, runtime.clock, configuration, mappings, publisher)
        runtime.every("deals", deal_choosing.EVERY_S, choosing.step)
        runtime.every("redaction", redaction.EVERY_S, Redaction(pool, runtime.clock).step, calm_s=redaction.CALM_S)
        runtime.every("journal months", A_DAY_S, partial(_make_months, runtime, pool))
        upkeep = Upkeep(pool, runtime.clock, settings.retention, runtime.metrics, runtime.log, by="mapper")
        runtime.every("upkeep", LOOK_EVERY_S, partial(upkeep.look, runtime.stopping))
        yield
        await asyncio.wait(ends)


def _handler(
    runtime: Runtime[MapperSettings],
    vendor: str,
    configuration: ConfigurationReader,
    mappings: Mappings,
    publisher: Publisher,
) -> ChangeHandler:
    source = vendor_named(vendor).source
    assert source is not None, f"a template reads from {vendor}, which has no source"
    return ChangeHandler(
        changes(vendor),
        clock=runtime.clock,
        configuration=configuration,
        mappings=mappings,
        publisher=publisher,
        settle=source.settles_after,
    )


async def _make_months(runtime: Runtime[MapperSettings], pool: Pool) -> None:
    """Makes the journal's partitions ahead of time; a day late is nothing, because the catch-all takes every row."""
    async with transaction(pool) as tx:
        await make_months(tx, runtime.clock.now())


def main() -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    return run(SERVICE, MapperSettings, build)
