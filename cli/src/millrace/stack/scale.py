"""How many processes a service runs as: at `mapper=2` there are `mapper` and `mapper-2`, which share partitions and claims.

A second process and not a second thread, because one process uses one core.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.stack.services import Service

FIRST_PORT = 18360
"""Behind the ports of the declared services, so that no replica takes the place of one of them."""


def scaled(services: Sequence[Service], scale: Mapping[str, int]) -> tuple[Service, ...]:
    """The services with their replicas behind them; refuses what does not exist or has to be alone."""
    _refuse_others(services, scale)
    replicas = [
        replace(service, name=f"{service.name}-{number}", replica_of=service.name, port=FIRST_PORT, migrations=None)
        for service in services
        for number in range(2, scale.get(service.name, 1) + 1)
    ]
    return (*services, *replicas)


def processes_of(service: str, names: Iterable[str]) -> list[str]:
    """The names under which a service runs: itself and its replicas; a replica's own name is that one alone."""
    replica = re.compile(re.escape(service) + r"(-\d+)?")
    return [name for name in names if replica.fullmatch(name)]


def refuse_another(wanted: Mapping[str, int], names: Collection[str]) -> None:
    """A stack that runs is not scaled under its work: it is stopped and started, and loses nothing by that."""
    for service, count in wanted.items():
        there = len(processes_of(service, names))
        if there != count:
            runs = "does not run" if there == 0 else f"runs {there} time{'s' if there > 1 else ''}"
            raise CommandError(
                f"The stack is up already, and {service} {runs} in it, not {count}.",
                "`millrace down`, then the same command again; nothing is lost meanwhile.",
                ExitCode.CONFLICT,
            )


def _refuse_others(services: Sequence[Service], scale: Mapping[str, int]) -> None:
    able = [service.name for service in services if service.scales]
    for name in scale:
        if name not in able:
            known = any(service.name == name for service in services)
            why = "runs as one process" if known else "is no service of this stack"
            raise CommandError(
                f"{name} {why}.", f"Those that run several times are {', '.join(able) or 'none'}.", ExitCode.USAGE
            )
