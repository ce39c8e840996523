"""Fixtures for all tests: one real Kafka, PostgreSQL and Valkey for the session, started when first asked for."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.order import Schedule, arrange
from tests.support.database import (  # noqa: F401
    database,
    database_server,
    database_template,
    databases,
    empty_database,
)
from tests.support.local_stack import LocalStack, infrastructure, running, sync


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Real servers on free ports in a home of their own; MILLRACE_TEST_STACK=<home> reuses running ones."""
    reused = os.environ.get("MILLRACE_TEST_STACK")
    if reused:
        yield running(Path(reused))
        return
    with infrastructure(tmp_path_factory.mktemp("stack") / "home") as started:
        sync(started, on=False)
        yield started


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Schedule:
    return Schedule(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays to the end: to look through it for what may go was a third of collecting, and part of each later look."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    arrange(items)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A skip hides a missing service, so a run with one has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} tests were skipped; a test runs or is not there.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
