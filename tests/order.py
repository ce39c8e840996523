"""Which tests run alone, which go first, and which stay together: the order is what makes all workers end at about the same time."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

# What measures time or memory. Everything else waits for conditions, and bears company.
ALONE = (
    "tests/contract/sandbox/core/test_scale.py",
    "tests/contract/sandbox/*/test_speed.py",
    "tests/e2e/test_pace.py",
    "tests/e2e/test_many_orders.py",
    "tests/integration/console/test_scale.py",
    "tests/integration/console/test_scale_of_pairs.py",
    "tests/integration/http/test_four_processes.py",
    "tests/integration/writing/test_saturation.py",
)
# By `pytest --durations`: a file that takes a minute and comes last is waited for by everybody.
LONGEST_FIRST = (
    "tests/chaos/storm/test_storm.py",
    "tests/chaos/test_road_kills.py",
    "tests/chaos/rules/test_rules_are_kept.py",
    "tests/chaos/ledger/",
    "tests/chaos/books/",
    "tests/chaos/sides/",
    "tests/contract/deployment/test_taking_a_vendor_out.py",
    "tests/chaos/writer/",
    "tests/chaos/token_broker/test_killed_refresh.py",
    "tests/e2e/",
    "tests/integration/stack/",
    "tests/integration/ingest/test_secrets.py",
    "tests/integration/console/test_crashes.py",
    "tests/integration/writing/test_consent_property.py",
    "tests/integration/http/test_budget.py",
    "tests/integration/writing/",
    "tests/integration/token_broker/",
    "tests/integration/console/",
    "tests/integration/bus/",
    "tests/integration/",
    "tests/chaos/",
)
# Files whose parameters share nothing that would be dear to make twice.
APART = ("tests/contract/deployment/test_taking_a_vendor_out.py", "tests/chaos/storm/test_storm.py")


def alone(root: Path) -> list[str]:
    """The files of what runs alone: to collect all the others only to leave them out takes as long as some of these."""
    return [file for file in _files(root) if any(_is(file, one) for one in ALONE)]


def in_a_browser(root: Path) -> list[str]:
    """The files that have such a test; which of their tests are, the mark says."""
    return [file for file in _files(root) if "mark.browser" in (root / file).read_text()]


def arrange(items: list[pytest.Item]) -> None:
    """Marks what runs alone, and sorts; those of one file keep their order."""
    for item in items:
        if any(_is(item.nodeid, one) for one in ALONE):
            item.add_marker("alone")
    items.sort(key=_turn)


class Schedule(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests stay with one worker, but for those that are apart."""

    def _split_scope(self, nodeid: str) -> str:
        place = _place(nodeid)
        return place + nodeid[nodeid.rindex("[") :] if place in APART and nodeid.endswith("]") else place


def workers(cores: int) -> Sequence[str]:
    """One more than there are cores: most tests wait most of the time. What comes first in the collection begins first."""
    return ("-n", str(cores + 1), "--dist", "loadfile", "--no-loadscope-reorder")


def _files(root: Path) -> list[str]:
    return sorted(str(file.relative_to(root)) for file in root.glob("tests/**/test_*.py"))


def _place(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _is(nodeid: str, named: str) -> bool:
    return fnmatchcase(_place(nodeid), f"{named}*")


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, first in enumerate(LONGEST_FIRST) if _is(item.nodeid, first)), len(LONGEST_FIRST))
