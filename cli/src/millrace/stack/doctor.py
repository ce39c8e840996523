"""Looks at the machine before anything is started, and says what would go wrong."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from millrace.errors import CommandError
from millrace.settings import CHECKOUT, StackSettings
from millrace.stack.home import Home
from millrace.stack.jars import JarStore
from millrace.stack.java import find_java
from millrace.stack.lifecycle import NEEDED_BYTES
from millrace.stack.ports import is_free
from millrace.stack.postgres import find_programs
from millrace.stack.status import look
from millrace.stack.valkey import server_program

Grade = Literal["ok", "warn", "error"]
OLDEST_PYTHON = (3, 11)
GIB = 2**30
PORTS_NEEDED = 4


@dataclass(frozen=True)
class Symptom:
    """One thing looked at."""

    subject: str
    grade: Grade
    words: str

    def document(self) -> dict[str, str]:
        return asdict(self)


def examine(settings: StackSettings) -> list[Symptom]:
    return [
        _python(),
        _system(),
        *_programs(settings),
        _jars(settings),
        *_topics(settings),
        _home(settings),
        _ports(settings),
        _memory(),
        _disk(settings),
        _clock(),
    ]


def _python() -> Symptom:
    good = sys.version_info >= OLDEST_PYTHON
    words = f"{platform.python_version()} at {sys.executable}"
    return Symptom("python", "ok" if good else "error", words if good else f"{words}; 3.11 or newer is needed")


def _system() -> Symptom:
    if Path("/proc/self/environ").exists():
        who = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
        return Symptom("system", "ok", f"{platform.system()} {platform.machine()} as {who}")
    return Symptom("system", "error", "the local stack needs Linux; elsewhere use `docker compose up`")


def _programs(settings: StackSettings) -> Iterator[Symptom]:
    environment = settings.environment
    wanted: tuple[tuple[str, str | None, Callable[[], str]], ...] = (
        ("java", settings.kafka_bootstrap_servers, lambda: _named(find_java(environment))),
        ("postgres", settings.database_url, lambda: _named(find_programs(environment))),
        ("valkey", settings.redis_url, lambda: str(server_program())),
    )
    for subject, given, find in wanted:
        if given:
            yield Symptom(subject, "ok", "not needed: you named a server of your own")
            continue
        try:
            yield Symptom(subject, "ok", find())
        except CommandError as missing:
            yield Symptom(subject, "error", f"{missing.message} {missing.remedy}")


def _named(found: object) -> str:
    where = getattr(found, "path", None) or getattr(found, "folder", None)
    return f"{getattr(found, 'version', '')} at {where}"


def _jars(settings: StackSettings) -> Symptom:
    if settings.kafka_bootstrap_servers:
        return Symptom("kafka", "ok", "not needed: you named a server of your own")
    store = JarStore.at(settings.cache, settings.jar_repository)
    missing = len(store.missing())
    words = f"{missing} of {len(store.jars)} jars will be fetched" if missing else f"all jars are in {store.folder}"
    return Symptom("kafka", "ok", f"{store.kafka_version}, {words}")


def _topics(settings: StackSettings) -> Iterator[Symptom]:
    """A Kafka of the user's own may take smaller messages than ours: large webhooks would be refused there."""
    if not settings.kafka_bootstrap_servers:
        return
    from aiokafka.errors import KafkaError

    from common.bus.topics_admin import topic_states
    from millrace.kafka_address import kafka_address
    from vendors.registry import TOPICS

    try:
        there = asyncio.run(topic_states(kafka_address(settings), [topic.name for topic in TOPICS]))
    except (CommandError, KafkaError, OSError, TimeoutError) as error:
        yield Symptom("topics", "error", f"Kafka does not tell of its topics: {type(error).__name__}")
        return
    small = [t for t in TOPICS if t.name in there and int(there[t.name].config["max.message.bytes"]) < t.max_bytes]
    words = ", ".join(f"{t.name} takes {there[t.name].config['max.message.bytes']}" for t in small)
    yield Symptom(
        "topics",
        "error" if small else "ok",
        f"{words} bytes a message; {small[0].max_bytes} are needed (max.message.bytes), or large webhooks are refused"
        if small
        else f"{len(there)} of {len(TOPICS)} are there and take messages that are large enough",
    )


def _home(settings: StackSettings) -> Symptom:
    home = Home(settings.home)
    try:
        found = look(home)
    except CommandError as broken:
        return Symptom("home", "error", f"{broken.message} {broken.remedy}")
    there = next(path for path in (home.root, *home.root.parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Symptom("home", "error", f"{there} cannot be written to; choose another folder with MILLRACE_HOME")
    return Symptom("home", "ok", f"{home.root}, stack is {found.state}")


def _ports(settings: StackSettings) -> Symptom:
    first, last = settings.ports
    free = sum(is_free(port) for port in range(first, last + 1))
    grade: Grade = "ok" if free >= PORTS_NEEDED else "error"
    return Symptom("ports", grade, f"{free} of {last - first + 1} free between {first} and {last}")


def _memory() -> Symptom:
    available = _meminfo().get("MemAvailable", 0)
    if available == 0:
        return Symptom("memory", "warn", "cannot be read here; 1 GB should be free")
    grade: Grade = "ok" if available >= GIB else "warn" if available >= GIB // 2 else "error"
    return Symptom("memory", grade, f"{available / GIB:.1f} GB available, 1 GB wanted")


def _meminfo() -> dict[str, int]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}


def _disk(settings: StackSettings) -> Symptom:
    there = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(there).free
    grade: Grade = "ok" if free >= 2 * GIB else "warn" if free >= NEEDED_BYTES else "error"
    return Symptom("disk", grade, f"{free / GIB:.1f} GB free for {settings.home}, 2 GB wanted")


def _clock() -> Symptom:
    """Signatures and tokens depend on it: it cannot be earlier than the files of this checkout."""
    newest = max(path.stat().st_mtime for path in CHECKOUT.glob("requirements*.lock"))
    now = time.time()
    if now < newest - 86400:
        return Symptom("clock", "error", f"{time.strftime('%Y-%m-%d %H:%M %Z')} is before this checkout was made")
    return Symptom("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S %Z"))
