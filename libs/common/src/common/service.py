"""Runs one service: settings, telemetry, health, signals, drain and the exit codes a supervisor relies on.

0 after a clean stop, 75 when the start failed and may work later, 78 for a bad configuration, 1 after a crash.
A service's `main.py` gives `run` a function that builds it; the context it returns is the service's life.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

import uvloop
from opentelemetry.trace import Tracer
from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from common import failpoints, telemetry
from common.clock import Clock, clock_for
from common.environment import ConfigurationError
from common.health import Check, Health
from common.http_server import Front, HttpServer
from common.keeping import Part, Rests, Work
from common.metrics import Metrics
from common.settings import ServiceSettings, load
from common.version import Version, checkout_commit, version

EXIT_STOPPED = 0
EXIT_CRASHED = 1
EXIT_TRY_LATER = 75
EXIT_BAD_CONFIGURATION = 78

DRAIN_S = 25.0
# Kept back from the drain for what comes after it: the last answers, the last spans, the exit.
_AFTER_DRAIN_S = 2.0

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
    _front: Front
    _tasks: set[asyncio.Task[None]]
    _crashes: list[str]

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
        part = Part(self.service, name, work, clock=self.clock, metrics=self.metrics, look=look, rests=rests)
        self.health.part(name, part.look)
        return self.spawn(part.keep(self.stopping), name)

    def mount(self, app: ASGIApp) -> None:
        """Serves the service's own routes on PORT."""
        self._front.mount(app)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        self._crashes.append(task.get_name())
        self.log.error("service.task_crashed", task=task.get_name(), exc_info=task.exception())
        self.stopping.set()

    @property
    def crashed(self) -> bool:
        """Whether a task of the service crashed."""
        return bool(self._crashes)

    async def cancel_tasks(self) -> None:
        """Ends the tasks that are still running."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)


def run(service: str, settings_cls: type[SettingsT], build: Build[SettingsT]) -> int:
    """Runs the service until SIGTERM and returns its exit code."""
    try:
        settings = load(settings_cls)
        failpoints.arm(settings, service)
    except ConfigurationError as error:
        return _refuse(service, error)
    tracing = telemetry.start(service, settings)
    try:
        return uvloop.run(_serve(service, settings, build))
    finally:
        tracing.stop()


async def _serve(service: str, settings: SettingsT, build: Build[SettingsT]) -> int:
    runtime = _runtime(service, settings)
    servers = _servers(runtime)
    try:
        for server in servers:
            await server.start()
    except OSError as error:
        runtime.log.error("service.port_taken", reason=str(error), remedy="set PORT to a free port, or 0")
        return EXIT_TRY_LATER
    runtime.log.info("service.starting", urls=[server.url for server in servers], settings=settings.redacted())
    _stop_on_signals(runtime)
    code = await _live(runtime, build, servers)
    runtime.log.info("service.stopped", exit_code=code)
    return code


def _runtime(service: str, settings: SettingsT) -> Runtime[SettingsT]:
    metrics = Metrics()
    metrics.build(version(), settings.commit or checkout_commit())
    health = Health(Version(service, settings.commit, settings.stack_id), metrics)
    return Runtime(
        service=service,
        settings=settings,
        clock=clock_for(settings),
        health=health,
        metrics=metrics,
        tracer=telemetry.tracer(),
        log=telemetry.logger(service),
        stopping=asyncio.Event(),
        _front=Front(health, with_health=settings.internal_port is None),
        _tasks=set(),
        _crashes=[],
    )


def _servers(runtime: Runtime[SettingsT]) -> list[HttpServer]:
    """The public server first: it is also the first to close."""
    settings = runtime.settings
    servers = [HttpServer(runtime._front, settings.host, settings.port)]
    if settings.internal_port is not None:
        servers.append(HttpServer(Front(runtime.health), settings.host, settings.internal_port))
    return servers


async def _live(runtime: Runtime[SettingsT], build: Build[SettingsT], servers: list[HttpServer]) -> int:
    leave = asyncio.Event()
    # One task enters and leaves the service's context: task groups and cancel scopes inside it demand that.
    life = asyncio.create_task(_life(runtime, build, leave), name="life")
    stop = asyncio.create_task(runtime.stopping.wait(), name="stopping")
    await asyncio.wait({life, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    started = runtime.health.has_started
    runtime.health.stopping()
    runtime.stopping.set()
    await _drain(runtime, life, leave, servers, started=started)
    return _exit_code(runtime, life, started=started)


async def _life(runtime: Runtime[SettingsT], build: Build[SettingsT], leave: asyncio.Event) -> None:
    async with build(runtime):
        runtime.health.started()
        runtime.log.info("service.started")
        await leave.wait()


async def _drain(
    runtime: Runtime[SettingsT],
    life: asyncio.Task[None],
    leave: asyncio.Event,
    servers: list[HttpServer],
    *,
    started: bool,
) -> None:
    deadline = asyncio.get_running_loop().time() + DRAIN_S - _AFTER_DRAIN_S
    if runtime._front.mounted:
        # Requests are answered while what they need is still there; probes go on elsewhere or are not needed.
        await servers[0].stop(DRAIN_S / 2)
    leave.set()
    if not started:
        life.cancel()
    await asyncio.wait({life}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    if not life.done():
        runtime.log.error("service.drain_timed_out", after_s=DRAIN_S - _AFTER_DRAIN_S)
        runtime._crashes.append("drain")
        life.cancel()
        await asyncio.wait({life}, timeout=0.5)
    await runtime.cancel_tasks()
    for server in servers:
        await server.stop(0.5)


def _exit_code(runtime: Runtime[SettingsT], life: asyncio.Task[None], *, started: bool) -> int:
    error = None if life.cancelled() or not life.done() else life.exception()
    if isinstance(error, ConfigurationError):
        return _refuse(runtime.service, error)
    if error is not None:
        runtime.log.error("service.crashed" if started else "service.start_failed", exc_info=error)
        return EXIT_CRASHED if started else EXIT_TRY_LATER
    return EXIT_CRASHED if runtime.crashed else EXIT_STOPPED


def _stop_on_signals(runtime: Runtime[SettingsT]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stopping.set)


def _refuse(service: str, error: ConfigurationError) -> int:
    for problem in error.problems:
        sys.stderr.write(f"{service}: {problem}\n")
    return EXIT_BAD_CONFIGURATION
