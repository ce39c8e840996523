"""Runs one service: settings, telemetry, health, signals, drain and the exit codes a supervisor relies on.

0 after a clean stop, 75 when the start failed and may work later, 78 for a bad configuration, 1 after a crash.
A service's `main.py` gives `run` a function that builds it; the context it returns is the service's life.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop

from common import failpoints, telemetry
from common.environment import ConfigurationError
from common.http_server import Front, HttpServer
from common.runtime import Build, Runtime, SettingsT
from common.settings import load

EXIT_STOPPED = 0
EXIT_CRASHED = 1
EXIT_TRY_LATER = 75
EXIT_BAD_CONFIGURATION = 78

DRAIN_S = 25.0
# Kept back from the drain for what comes after it: the last answers, the last spans, the exit.
_AFTER_DRAIN_S = 2.0


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
    runtime = Runtime.of(service, settings)
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


def _servers(runtime: Runtime[SettingsT]) -> list[HttpServer]:
    """The public server first: it is also the first to close."""
    settings = runtime.settings
    servers = [HttpServer(runtime.front, settings.host, settings.port)]
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
    if runtime.front.mounted:
        # Requests are answered while what they need is still there; probes go on elsewhere or are not needed.
        await servers[0].stop(DRAIN_S / 2)
    leave.set()
    if not started:
        life.cancel()
    await asyncio.wait({life}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    if not life.done():
        runtime.log.error("service.drain_timed_out", after_s=DRAIN_S - _AFTER_DRAIN_S)
        runtime.crashes.append("drain")
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
    return EXIT_CRASHED if runtime.crashes else EXIT_STOPPED


def _stop_on_signals(runtime: Runtime[SettingsT]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stopping.set)


def _refuse(service: str, error: ConfigurationError) -> int:
    for problem in error.problems:
        sys.stderr.write(f"{service}: {problem}\n")
    return EXIT_BAD_CONFIGURATION
