"""The only place of the command that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode

CHECKOUT = Path(__file__).resolve().parents[3]
DEFAULT_PORTS = (18300, 18399)
SERVER_VARIABLES = frozenset({"PATH", "HOME", "USER", "TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME", "JAVA_TOOL_OPTIONS"})


@dataclass(frozen=True)
class StackSettings:
    """What the user's environment says about the local stack."""

    home: Path
    cache: Path
    ports: tuple[int, int] = DEFAULT_PORTS
    jar_repository: str | None = None
    database_url: str | None = field(default=None, repr=False)
    kafka_bootstrap_servers: str | None = None
    redis_url: str | None = field(default=None, repr=False)
    demo: bool = True
    testing: bool = False
    extra_services: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> StackSettings:
        given = dict(os.environ if environment is None else environment)
        testing = given.get("MILLRACE_TEST") == "1"
        extra = given.get("MILLRACE_TEST_SERVICES") if testing else None
        return cls(
            home=_home(given),
            cache=_cache(given),
            ports=_ports(given.get("MILLRACE_PORT_RANGE")),
            jar_repository=given.get("MILLRACE_JAR_REPOSITORY") or None,
            database_url=given.get("DATABASE_URL") or None,
            kafka_bootstrap_servers=given.get("KAFKA_BOOTSTRAP_SERVERS") or None,
            redis_url=given.get("REDIS_URL") or None,
            demo=given.get("NO_DEMO", "") in ("", "0"),
            testing=testing,
            extra_services=Path(extra) if extra else None,
            environment=given,
        )

    def for_servers(self) -> dict[str, str]:
        """What Kafka, PostgreSQL and Valkey may see: not the user's PG* or KAFKA_* variables, which they would obey."""
        return {name: value for name, value in self.environment.items() if name in SERVER_VARIABLES}


def _home(given: Mapping[str, str]) -> Path:
    named = given.get("MILLRACE_HOME")
    return Path(named).expanduser().absolute() if named else CHECKOUT / ".millrace"


def _cache(given: Mapping[str, str]) -> Path:
    base = given.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "millrace"


def _ports(text: str | None) -> tuple[int, int]:
    if not text:
        return DEFAULT_PORTS
    first, _, last = text.partition("-")
    if first.isdigit() and last.isdigit() and 1024 <= int(first) <= int(last) <= 65535:
        return int(first), int(last)
    raise CommandError(
        f"MILLRACE_PORT_RANGE={text} is not a range of ports.",
        "Write it as first-last between 1024 and 65535, for example 20000-20099.",
        ExitCode.USAGE,
    )
