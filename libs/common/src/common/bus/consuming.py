"""A consumer as a service makes it: of one handler, and of what every service has."""

from __future__ import annotations

from typing import TypeVar

from common.bus.batch import Origin
from common.bus.connection import KafkaAddress
from common.bus.consumer import BatchConsumer
from common.bus.handler import Handler
from common.bus.limits import ConsumerLimits
from common.bus.trace import MessagingTrace
from common.runtime import Runtime, SettingsT
from common.state.dead_letters import Stage
from common.state.pool import Pool
from common.version import version

M = TypeVar("M")


def consumer_of(
    runtime: Runtime[SettingsT],
    pool: Pool,
    trace: MessagingTrace,
    handler: Handler[M],
    stage: Stage,
    *,
    stores_places: bool = False,
) -> BatchConsumer[M]:
    """`stage` is where a dead letter says that its record stopped; `stores_places`: R27, the group begins where the database says."""
    return BatchConsumer(
        handler,
        address=KafkaAddress.of(runtime.settings),
        pool=pool,
        origin=Origin(runtime.service, version(), stage),
        metrics=runtime.metrics,
        now=runtime.clock.now,
        trace=trace,
        limits=ConsumerLimits.of(runtime.settings),
        stores_places=stores_places,
    )
