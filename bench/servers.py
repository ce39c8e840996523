"""Servers and roads for a measurement: the same real ones that the end-to-end tests use, with a database that waits for its disk."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from millrace.demo import connect_books, connect_mailchimp
from tests.e2e.opening import STEPS, JoinStep, opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack, infrastructure, running

# Both accounts are connected, and no sync joins them yet.
ACCOUNTS: Sequence[JoinStep] = (connect_books, connect_mailchimp)


@contextmanager
def servers() -> Iterator[LocalStack]:
    """Servers of their own, or those of MILLRACE_TEST_STACK=<home>."""
    reused = os.environ.get("MILLRACE_TEST_STACK")
    if reused:
        yield running(Path(reused))
        return
    print("Starting Kafka, PostgreSQL and Valkey for the measurement ...", file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder,
        infrastructure(Path(folder) / "home") as stack,
    ):
        yield stack


@contextmanager
def road_on(stack: LocalStack, steps: Sequence[JoinStep] = STEPS) -> Iterator[Road]:
    """A road with nothing on it, in a database of its own; every service runs once, and its settings are those that it has without any."""
    server = Server.of(stack)
    template = asyncio.run(server.template())
    asyncio.run(server.set_passwords(template))
    with (
        tempfile.TemporaryDirectory(prefix="millrace-road-") as folder,
        opened(Path(folder) / "home", stack, server, template, steps) as road,
    ):
        yield road
