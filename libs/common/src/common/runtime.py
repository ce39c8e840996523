"""What a service is built from: its settings, clock, health, metrics and log, its tasks, and the loops and parts among them.

A task whose crash the service cannot survive is spawned, a loop of steps is `every`, and what the service can do without for a while
is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from opentelemetry.trace import Tracer
from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from common import telemetry
from common.clock import Clock, clock_for
from common.health import Check, Health
from common.http_server import Front
from common.keeping import KeptPart, Rests, Work
from common.loops import LONGEST_S, Loop, Step
from common.metrics import Metrics
from common.settings import ServiceSettings
from common.version import BuildVersion, built_from, checkout_commit, version

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Build = Callable[["Runtime[SettingsT]"], AbstractAsyncContextManager[None]]


@dataclass(slots=True, eq=False)
class Runtime(Generic[SettingsT]):
    """What a service is built from; `stopping` is set when it must finish what it does and take nothing new."""

    service: str
    settings: SettingsT
    clock: Clock
    health: Health
    metrics: Metrics
    tracer: Tracer
    log: FilteringBoundLogger
    stopping: asyncio.Event
    front: Front
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    crashes: list[str] = field(default_factory=list)
    """The tasks that crashed: the service ends, and not cleanly."""

    @classmethod
    def of(cls, service: str, settings: SettingsT) -> Runtime[SettingsT]:
        """Everything that a service has before it is built."""
        built_from(settings.commit)
        metrics = Metrics()
        metrics.build(version(), settings.commit or checkout_commit())
        health = Health(BuildVersion(service, settings.commit, settings.stack_id), metrics)
        return cls(
            service=service,
            settings=settings,
            clock=clock_for(settings),
            health=health,
            metrics=metrics,
            tracer=telemetry.tracer(),
            log=telemetry.logger(service),
            stopping=asyncio.Event(),
            front=Front(health, with_health=settings.internal_port is None),
        )

    def spawn(self, coro: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Starts a task that belongs to the service; if it crashes, the service stops and exits non-zero."""
        task = asyncio.create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(
        self, name: str, work: Work, look: Check | None = None, *, rests: Rests | None = None
    ) -> asyncio.Task[None]:
        """Starts a part that the service can live without for a while: if it crashes, it alone is started again, with back-off.

        `work` makes a new life each time. `/readyz` tells how it stands, and stays as it is.
        """
        part = KeptPart(self.service, name, work, clock=self.clock, metrics=self.metrics, look=look, rests=rests)
        self.health.part(name, part.look)
        return self.spawn(part.keep(self.stopping), name)

    def every(
        self,
        name: str,
        seconds: float,
        step: Step,
        *,
        woken: asyncio.Event | None = None,
        longest_s: float = LONGEST_S,
        calm_s: float = 0.0,
    ) -> asyncio.Task[None]:
        """Starts a loop that belongs to the service: a step every so many seconds, longer while something is away or nothing is to do.

        `/readyz` tells of one that has waited for long, and stays as it is; what cannot be waited out ends the service.
        """
        loop = Loop(name, seconds, step, woken=woken, longest_s=longest_s, calm_s=calm_s)
        self.health.part(name, loop.look)
        return self.spawn(loop.run(self.stopping), name)

    def mount(self, app: ASGIApp) -> None:
        """Serves the service's own routes on PORT."""
        self.front.mount(app)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        self.crashes.append(task.get_name())
        self.log.error("service.task_crashed", task=task.get_name(), exc_info=task.exception())
        self.stopping.set()

    async def cancel_tasks(self) -> None:
        """Ends the tasks that are still running."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
