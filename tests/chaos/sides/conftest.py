"""A road between the books and a CRM, on which nothing has travelled yet."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from millrace.demo import connect_books
from millrace.demo_crm import connect_crm, join_people
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack

STEPS = (connect_books, connect_crm, join_people)
# Stories for the night alone (`tests/__main__.py`).
collect_ignore = [
    file
    for file, how_many in (("test_ghosts.py", "CRM_GHOSTS"), ("test_lone_edits.py", "CRM_LONE_EDITS"))
    if how_many not in os.environ
]


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    folder = tmp_path_factory.mktemp("sides") / "home"
    # Who was killed is not waited for longer than needed.
    with opened(folder, stack, database_server, database_template, STEPS, KAFKA_SESSION_TIMEOUT_S="3") as road:
        road.fleet.start("writer-zoho")
        yield road
