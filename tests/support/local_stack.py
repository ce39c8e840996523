"""Starts a real Kafka, PostgreSQL and Valkey for the tests; they die with the test session, however it ends."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.jars import JarStore
from millrace.stack.state import StackState, read_state

START_SECONDS = 150
STOP_SECONDS = 120


@dataclass(frozen=True)
class LocalStack:
    """Addresses of running servers. `kafka` is host:port, the others are URLs."""

    home: Path
    kafka: str
    postgres_url: str
    valkey_url: str


@contextmanager
def infrastructure(home: Path) -> Iterator[LocalStack]:
    """The three servers in a home of their own, on ports that no ordinary stack uses."""
    JarStore.at(StackSettings.from_environment().cache, os.environ.get("MILLRACE_JAR_REPOSITORY")).fetch(
        lambda *_: None
    )
    Home(home).create()
    supervisor = start_supervisor(home, "--scope", "infrastructure", "--with-parent")
    try:
        yield addresses(home, wait_until_up(home, supervisor))
    finally:
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        try:
            supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            raise


def sync(stack: LocalStack, *, on: bool) -> None:
    """Whether the database waits for its disk. Tests kill processes and not the machine, and what was committed survives those in the
    system's memory; only what measures the product's time has to wait as the product does."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _sync(stack.postgres_url, "on" if on else "off")).result()


async def _sync(postgres_url: str, wanted: str) -> None:
    link = await asyncpg.connect(postgres_url)
    try:
        await link.execute(f"alter system set fsync = {wanted}")
        await link.execute("select pg_reload_conf()")
    finally:
        await link.close()


def start_supervisor(home: Path, *options: str, **environment: str) -> subprocess.Popen[bytes]:
    given = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")
    clean = {name: value for name, value in os.environ.items() if name not in given}
    own = {"MILLRACE_HOME": str(home), "MILLRACE_PORT_RANGE": free_range(), **environment}
    with Home(home).log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "millrace.stack.serve", *options],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**clean, **own},
            start_new_session=True,
        )


def wait_until_up(home: Path, supervisor: subprocess.Popen[bytes]) -> StackState:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = read_state(Home(home))
        if state is not None and state.pid == supervisor.pid and state.phase == "up":
            return state
        if supervisor.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the stack in {home} did not start: {_why(home)}")


def addresses(home: Path, state: StackState) -> LocalStack:
    parts = {name: unit.facts for name, unit in state.units.items()}
    superuser = f"millrace_admin:{(home / 'secrets/postgres/admin').read_text()}"
    postgres = f"postgresql://{superuser}@{parts['postgres']['address']}/postgres"
    return LocalStack(home, parts["kafka"]["address"], postgres, parts["valkey"]["url"])


def running(home: Path) -> LocalStack:
    """The addresses of a stack that somebody started before the tests."""
    state = read_state(Home(home))
    if state is None or state.supervisor is None or not state.supervisor.alive() or state.phase != "up":
        raise AssertionError(f"no stack runs in {home}")
    return addresses(home, state)


def free_range(width: int = 40) -> str:
    """A range in which some ports are certainly free; two sessions that draw the same one still share it in peace."""
    for _ in range(100):
        first = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", first))
            except OSError:
                continue
            return f"{first}-{first + width - 1}"
    raise AssertionError("no free port between 20000 and 32000")


def _why(home: Path) -> str:
    state = read_state(Home(home))
    return (state.failure if state else "") or Home(home).log("supervisor").read_text(errors="replace")[-2000:]
