"""One stack with a test-only service for the tests of a module, and fresh homes for those that break things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Millrace, with_service

# A busy machine takes minutes to start a stack, and some tests start two.
TIMEOUT_S = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Millrace]:
    """A stack that runs; each test leaves it running."""
    home = tmp_path_factory.mktemp("running") / "home"
    millrace = Millrace(home, with_service(home))
    millrace.up()
    yield millrace
    millrace.run("down")
    assert millrace.processes() == []


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Millrace]:
    """A home that does not exist yet; whatever a test starts in it is stopped."""
    millrace = Millrace(tmp_path / "home")
    yield millrace
    if (tmp_path / "home" / "stack.json").exists():
        millrace.run("down")
    assert millrace.processes() == []
