"""Everything goes wrong at the vendors, one fault at a time and all at once; in the end the audience is what Books says it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e.road import Road
from tests.e2e.stories import Story

CUSTOMERS = 16
Fault = Mapping[str, Any]
GHOSTS: list[Fault] = [
    {"vendor": "mailchimp", "kind": "half_commit", "share": 0.1, "seed": 1},
    {"vendor": "mailchimp", "kind": "reset_after", "share": 0.1, "seed": 2},
]
ERRORS: list[Fault] = [{"vendor": "mailchimp", "kind": "status", "status": 500, "share": 0.2, "seed": 3}]
STORM: list[Fault] = [{"vendor": "mailchimp", "kind": "storm_429", "share": 0.5, "count": 14, "seed": 4}]
LATE: list[Fault] = [{"vendor": "mailchimp", "kind": "late_commit", "share": 0.2, "seconds": 120, "seed": 5}]
HOOKS: list[Fault] = [
    {"vendor": "zoho-books", "kind": "webhook_double", "share": 0.3, "copies": 3, "seed": 6},
    {"vendor": "zoho-books", "kind": "webhook_late", "share": 0.2, "seconds": 40, "seed": 7},
    {"vendor": "zoho-books", "kind": "webhook_shuffle", "share": 0.5, "window": 8, "seconds": 2, "seed": 8},
]
RUNS = {"calm": [], "ghosts": GHOSTS, "errors": ERRORS, "storm": STORM, "late": LATE, "hooks": HOOKS,
        "all": [*GHOSTS, *ERRORS, *STORM, *LATE, *HOOKS]}  # fmt: skip


@pytest.mark.parametrize("run", RUNS)
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
