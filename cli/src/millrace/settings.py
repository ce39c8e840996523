"""The only place of the command that reads the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode

CHECKOUT = Path(__file__).resolve().parents[3]
DEFAULT_PORTS = (18300, 18399)
MOST_PROCESSES = 16
OWN_NAMES = frozenset({"MILLRACE_PORT_RANGE", "MILLRACE_SCALE", "MILLRACE_TEST_SERVICES"})
NAMES_FILE = CHECKOUT / "libs/common/src/common/settings_schema.json"
GIVEN = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL")
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
    scale: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, scale: Sequence[str] = ()) -> StackSettings:
        """`scale` is what the command line says of it, instead of the environment."""
        given = dict(os.environ if environment is None else environment)
        if scale:
            # The supervisor, a process of its own, reads it there.
            given["MILLRACE_SCALE"] = ",".join(scale)
        _refuse_unknown(given)
        testing = given.get("MILLRACE_TEST") == "1"
        extra = given.get("MILLRACE_TEST_SERVICES") if testing else None
        return cls(
            home=_home(given),
            cache=_cache(given),
            ports=_ports(given.get("MILLRACE_PORT_RANGE")),
            jar_repository=given.get("MILLRACE_JAR_REPOSITORY") or None,
            database_url=_secret(given, "DATABASE_URL"),
            kafka_bootstrap_servers=given.get("KAFKA_BOOTSTRAP_SERVERS") or None,
            redis_url=_secret(given, "REDIS_URL"),
            demo=given.get("NO_DEMO", "") in ("", "0"),
            testing=testing,
            extra_services=Path(extra) if extra else None,
            scale=_scale(given.get("MILLRACE_SCALE", "")),
            environment=given,
        )

    def for_servers(self) -> dict[str, str]:
        """What Kafka, PostgreSQL and Valkey may see: not the user's PG* or KAFKA_* variables, which they would obey."""
        return {name: value for name, value in self.environment.items() if name in SERVER_VARIABLES}

    def for_services(self) -> dict[str, str]:
        """What our own processes inherit: everything, but what only this command reads and what it tells them anew."""
        answered = {*GIVEN, *(f"{name}_FILE" for name in GIVEN), "NO_DEMO"}
        return {n: value for n, value in self.environment.items() if n not in OWN_NAMES and n not in answered}


def keeping_bytecode(folder: Path) -> dict[str, str]:
    """The environment of a Python that compiles each module once.

    Who wants no bytecode beside the sources has none there: it lies in a folder of its own.
    """
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"PYTHONPYCACHEPREFIX": str(folder), **given}


def take_over(environment: Mapping[str, str]) -> None:
    """From now on this process has that environment and no other."""
    os.environ.clear()
    os.environ.update(environment)


def _refuse_unknown(given: Mapping[str, str]) -> None:
    """A name that nobody reads is a typing error, and its default would be a surprise."""
    known = known_names()
    for name in sorted(given):
        if name.startswith("MILLRACE_") and name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.7)
            remedy = (
                f"Did you mean {close[0]}?" if close else "Remove it; `millrace config schema` lists every setting."
            )
            raise CommandError(f"{name} is not a setting of Millrace.", remedy, ExitCode.USAGE)


def known_names() -> frozenset[str]:
    schema = json.loads(NAMES_FILE.read_text())["properties"]
    files = {f"{name}_FILE" for name, entry in schema.items() if entry.get("writeOnly")}
    return frozenset({*schema, *files, *OWN_NAMES})


def _secret(given: Mapping[str, str], name: str) -> str | None:
    path = given.get(f"{name}_FILE")
    if not path:
        return given.get(name) or None
    try:
        return Path(path).read_text().strip()
    except OSError as refused:
        raise CommandError(
            f"{name}_FILE names {path}, which cannot be read: {refused.strerror}.", code=ExitCode.USAGE
        ) from refused


def _home(given: Mapping[str, str]) -> Path:
    named = given.get("MILLRACE_HOME")
    return Path(named).expanduser().absolute() if named else CHECKOUT / ".millrace"


def _cache(given: Mapping[str, str]) -> Path:
    base = given.get("XDG_CACHE_HOME")
    home = Path(given["HOME"]) if given.get("HOME") else Path.home()
    return (Path(base) if base else home / ".cache") / "millrace"


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


def _scale(text: str) -> dict[str, int]:
    """`mapper=2,ingest=3`; the last word on a service counts."""
    scale = {}
    for word in filter(None, map(str.strip, text.split(","))):
        found = re.fullmatch(r"([a-z][a-z0-9-]*)=(\d{1,3})", word)
        if found is None or not 1 <= int(found[2]) <= MOST_PROCESSES:
            raise CommandError(
                f"{word!r} does not say how often a service runs.",
                f"Write it as --scale mapper=2, with 1 to {MOST_PROCESSES} processes; several with several --scale.",
                ExitCode.USAGE,
            )
        scale[found[1]] = int(found[2])
    return scale
