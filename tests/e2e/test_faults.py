"""Everything goes wrong at the vendors, one fault at a time and all at once; in the end the audience is what Books says it is.

Whose faults leave something to be found out have a run of their own; those that are only waited for, and a calm one, have it by
FAULT_RUNS=calm,errors,storm, as in `make test-long`: here they are in the run that has all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import asyncpg
import pytest

from tests.e2e.road import Road
from tests.e2e.stories import Story
from tests.support.database import in_a_loop

CUSTOMERS = 16
Fault = Mapping[str, Any]
GHOSTS: list[Fault] = [
    {"vendor": "mailchimp", "kind": "half_commit", "share": 0.1, "seed": 1},
    {"vendor": "mailchimp", "kind": "reset_after", "share": 0.1, "seed": 2},
]
ERRORS: list[Fault] = [{"vendor": "mailchimp", "kind": "status", "status": 500, "share": 0.2, "seed": 3}]
STORM: list[Fault] = [{"vendor": "mailchimp", "kind": "storm_429", "share": 0.5, "count": 14, "seed": 4}]
LATE: list[Fault] = [{"vendor": "mailchimp", "kind": "late_commit", "share": 0.2, "seconds": 60, "seed": 5}]
HOOKS: list[Fault] = [
    {"vendor": "zoho-books", "kind": "webhook_double", "share": 0.3, "copies": 3, "seed": 6},
    {"vendor": "zoho-books", "kind": "webhook_late", "share": 0.2, "seconds": 40, "seed": 7},
    {"vendor": "zoho-books", "kind": "webhook_shuffle", "share": 0.5, "window": 8, "seconds": 2, "seed": 8},
]
RUNS = {"calm": [], "ghosts": GHOSTS, "errors": ERRORS, "storm": STORM, "late": LATE, "hooks": HOOKS,
        "all": [*GHOSTS, *ERRORS, *STORM, *LATE, *HOOKS]}  # fmt: skip
ASKED = os.environ.get("FAULT_RUNS", "ghosts,late,hooks,all").split(",")


@pytest.mark.parametrize("run", ASKED)
class TestFaults:
    def test_leave_the_audience_as_books_has_it_and_the_journal_true(self, road: Road, run: str) -> None:
        mark = road.mark()
        story = Story(road, run)
        with ExitStack() as faults:
            for fault in RUNS[run]:
                faults.enter_context(road.fault(**fault))
            story.begin(CUSTOMERS)
            road.wait_until_settled()
            story.people_leave().go_on()
            road.wait_until_settled()
        road.wait_until_settled()
        assert road.wrong(mark) == []


class TestDatabaseThatDropsItsConnections:
    def test_is_waited_for_by_everybody_and_nothing_is_lost(self, road: Road) -> None:
        mark, before = road.mark(), [one.process.pid for one in road.fleet.replicas]
        story = Story(road, "dropped").begin(CUSTOMERS // 2)
        for _ in range(4):
            _drop(road)
            time.sleep(0.4)
        story.go_on()
        _drop(road)
        road.wait_until_settled()
        assert road.wrong(mark) == []
        assert [one.process.pid for one in road.fleet.replicas if one.alive] == before


def _drop(road: Road) -> None:
    """As soon as there is a session to end: who lost the last ones needs a moment for new ones."""
    road.until(lambda: in_a_loop(_dropped(road.database.admin_url)), "a session of the services")


async def _dropped(admin_url: str) -> int:
    """Ends every session of the services, as a restart of the server does; says how many there were."""
    link = await asyncpg.connect(admin_url)
    try:
        ended = await link.fetch(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid() and application_name <> ''
            """
        )
        return len(ended)
    finally:
        await link.close()
