"""Builds the console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from common.health import NotReady
from common.http.forecast import Forecast
from common.http.meter import Meter, open_redis
from common.http.opening import open_door
from common.http.quota import QuotaReader
from common.runtime import Runtime
from common.service import run
from common.state.budget_floors import BudgetFloors
from common.state.drift import EVERY_S as DRIFT_EVERY_S
from common.state.drift import Drift
from common.state.migration import pending
from common.state.open_letters import EVERY_S as LETTERS_EVERY_S
from common.state.open_letters import OpenLetters
from common.state.pool import Pool, connection
from common.state.service_pool import service_pool
from common.state.upkeep import LOOK_EVERY_S, Upkeep, last_runs
from console.api import app
from console.api.access import TokenFile
from console.api.context import ApiContext
from console.api.once import Once
from console.broker import Broker
from console.notifying import Notifying, open_notifying
from console.settings import ConsoleSettings
from console.use_cases.activities import Activities
from console.use_cases.app_channels import AppChannels
from console.use_cases.applying import Applying
from console.use_cases.asked_runs import AskedRuns
from console.use_cases.bulk_reviews import BulkReviews
from console.use_cases.caretaker import EVERY_S, Caretaker
from console.use_cases.channels import ShownChannels
from console.use_cases.connecting import Connecting
from console.use_cases.connections import Connections
from console.use_cases.drafting import Drafting
from console.use_cases.gates import Gates
from console.use_cases.groups import Groups
from console.use_cases.hooks import Hooks
from console.use_cases.kinds import Kinds
from console.use_cases.letters import Letters
from console.use_cases.links import Links
from console.use_cases.missing import Missing
from console.use_cases.previews import Previews
from console.use_cases.privacy import PrivacyRequests
from console.use_cases.questions import Questions
from console.use_cases.quotas import Quotas
from console.use_cases.reconciling import AskedReconciliations
from console.use_cases.records import Records
from console.use_cases.removal import Removal
from console.use_cases.reviews import Reviews
from console.use_cases.runs import Runs
from console.use_cases.syncs import Syncs
from console.use_cases.trials import Trials
from console.use_cases.unhooking import Unhooking
from vendors.registry import VENDORS

if TYPE_CHECKING:
    from common.bus.connection import KafkaAddress
    from common.bus.republishing import Republisher

SERVICE = "console"


@asynccontextmanager
async def build(runtime: Runtime[ConsoleSettings]) -> AsyncIterator[None]:
    """The service's life: everything it starts ends with it."""
    settings, clock, log = runtime.settings, runtime.clock, runtime.log
    async with AsyncExitStack() as life:
        pool = await life.enter_async_context(service_pool(runtime))
        broker = await life.enter_async_context(aclosing(Broker(settings.token_broker_url, settings.service_key)))
        redis = await life.enter_async_context(aclosing(open_redis(settings.redis_url)))
        door = await life.enter_async_context(open_door(settings, pool, clock, runtime.metrics))
        connections, hooks = Connections(pool, broker, clock), Hooks(broker, settings.public_url)
        trials, drafting = Trials(pool, connections, door, VENDORS, clock), Drafting(pool, door, VENDORS)
        connecting = Connecting(pool, broker, trials, VENDORS, clock, log)
        removal = Removal(pool, broker, Unhooking(pool, drafting, hooks, clock, log), clock, log)
        syncs = Syncs(pool, drafting, hooks, clock)
        shown_runs = Runs(pool, syncs, clock, Forecast(Meter(redis, clock)))
        telling = await life.enter_async_context(open_notifying(runtime, pool, broker))
        context = ApiContext(
            token=TokenFile(settings.api_token_path),
            once=Once(pool),
            broker=broker,
            connections=connections,
            connecting=connecting,
            trials=trials,
            kinds=Kinds(connections, drafting),
            gates=Gates(pool, connections, trials, clock),
            quotas=Quotas(connections, QuotaReader(Meter(redis, clock), BudgetFloors(pool), clock), VENDORS),
            removal=removal,
            syncs=syncs,
            applying=Applying(pool, drafting, hooks, clock),
            previews=Previews(pool, syncs, drafting, clock),
            channels=ShownChannels(pool, broker, VENDORS, settings.public_url, clock),
            app_channels=AppChannels(pool, broker, VENDORS, settings.public_url),
            runs=shown_runs,
            asked_runs=AskedRuns(pool, shown_runs, clock),
            missing=Missing(pool, syncs, clock),
            reconciliations=AskedReconciliations(pool, syncs, clock),
            records=Records(pool),
            activities=Activities(pool),
            links=Links(pool, clock),
            questions=Questions(pool, clock),
            reviews=Reviews(pool, Links(pool, clock), clock),
            bulk_reviews=BulkReviews(pool, clock),
            letters=Letters(pool, lambda: _republisher(settings), clock),
            groups=Groups(lambda: _kafka(settings)),
            telling=telling,
            privacy=PrivacyRequests(pool, clock),
            last_runs=lambda: last_runs(pool),
        )
        runtime.mount(app.build(context))
        _keep_up(runtime, pool, telling, Caretaker(pool, connecting, removal, clock, log))
        yield


def _keep_up(runtime: Runtime[ConsoleSettings], pool: Pool, telling: Notifying, caretaker: Caretaker) -> None:
    """Old rows go, one process at a time, and figures, notifications and health are told."""
    runtime.health.add("database", lambda: _ready(pool))
    runtime.every("caretaker", EVERY_S, caretaker.step)
    telling.start(runtime)
    _tell_figures(runtime, pool)
    retention, log = runtime.settings.retention, runtime.log
    upkeep = Upkeep(pool, runtime.clock, retention, runtime.metrics, log, by="console")
    runtime.every("upkeep", LOOK_EVERY_S, partial(upkeep.look, runtime.stopping))


def _tell_figures(runtime: Runtime[ConsoleSettings], pool: Pool) -> None:
    """What the database knows of everybody, for the metrics of one process."""
    runtime.every("open letters", LETTERS_EVERY_S, OpenLetters(pool, runtime.metrics).count)
    runtime.every("drift", DRIFT_EVERY_S, Drift(pool, runtime.metrics).tell)


def _kafka(settings: ConsoleSettings) -> KafkaAddress:
    # Imported when somebody asks Kafka: its client is no part of an ordinary request, nor of the start.
    from common.bus.connection import KafkaAddress

    return KafkaAddress.of(settings)


def _republisher(settings: ConsoleSettings) -> AbstractAsyncContextManager[Republisher]:
    from common.bus.republishing import republisher

    return republisher(_kafka(settings))


async def _ready(pool: Pool) -> str | None:
    async with connection(pool) as link:
        missing = await pending(link)
    if missing:
        raise NotReady(f"the database needs {', '.join(missing)}: run python -m common.state.migrate")
    return None


def main() -> int:
    """Runs the service until SIGTERM."""
    return run(SERVICE, ConsoleSettings, build)
