"""One road for each module of the end-to-end tests: what goes wrong in one module is not the next one's."""

from collections.abc import Iterator

import pytest

from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """A road on which nothing has travelled yet."""
    with opened(tmp_path_factory.mktemp("road") / "home", stack, database_server, database_template) as road:
        yield road
