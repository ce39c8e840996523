"""The declared services: the one list that the supervisor, `compose.yaml` and the documentation agree on."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode

Role = Literal["service", "console", "broker"]

MIGRATIONS = "migrations"
TOPICS = "topics"
INFRASTRUCTURE = ("kafka", "postgres", "valkey")
NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Service:
    """One process of ours: what it runs, where it listens, what must be ready before it.

    In `environment`, `{port:name}` stands for the port of another service and `{home}` for the folder of the stack.
    """

    name: str
    module: str
    port: int
    role: Role = "service"
    needs: tuple[str, ...] = (TOPICS,)
    environment: Mapping[str, str] = field(default_factory=lambda: NO_ENVIRONMENT)
    migrations: str | None = None
    demo: bool = False


SERVICES: tuple[Service, ...] = ()


def declared(*, demo: bool, extra: Path | None = None) -> tuple[Service, ...]:
    """The services of this stack; `extra` names more of them in a file, for the tests of the stack itself."""
    chosen = tuple(service for service in SERVICES if demo or not service.demo)
    return chosen + (read_services(extra) if extra else ())


def read_services(path: Path) -> tuple[Service, ...]:
    try:
        tables = tomllib.loads(path.read_text())["service"]
        return tuple(Service(**{**table, "needs": tuple(table.get("needs", (TOPICS,)))}) for table in tables)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as wrong:
        raise CommandError(f"{path} does not declare services: {wrong}.", code=ExitCode.USAGE) from wrong
