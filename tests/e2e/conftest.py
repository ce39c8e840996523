"""One road for each module of the end-to-end tests: what goes wrong in one module is not the next one's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack

# Stories for the night alone (`tests/__main__.py`).
_STORIES = ["test_killed_load.py", "test_books_crm_small.py", "test_company.py"]
collect_ignore = [] if "KILLED_ACCOUNT_CUSTOMERS" in os.environ else _STORIES
# The first test of a module opens its road as well, which a busy machine takes minutes for.
TIMEOUT_S = 480


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """A road on which nothing has travelled yet."""
    with opened(tmp_path_factory.mktemp("road") / "home", stack, database_server, database_template) as road:
        yield road
