"""Whole topics are read again from their first record: everything is judged once more, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.opening import mapping_changed
from tests.e2e.road import Road
from tests.e2e.stories import Story
from tests.e2e.vendors import hash_of

TIMES = 3
CUSTOMERS = 16
JUDGED = ("received", "duplicate", "stale", "asked")


@pytest.fixture(scope="module")
def converged(road: Road) -> Iterator[Road]:
    """A road on which much has happened and nothing is on its way."""
    story = Story(road, "again").begin(CUSTOMERS)
    road.wait_until_settled()
    story.people_leave().go_on()
    road.wait_until_settled()
    yield road


class TestReplay:
    def test_of_all_changes_judges_each_again_and_writes_nothing(self, converged: Road) -> None:
        road, mark = converged, converged.mark()
        before = _seen(road, 0)
        for _ in range(TIMES):
            moved = road.replay_topic("changes.zoho-books")
            assert moved >= len(before) > CUSTOMERS
            road.wait_until_settled()
        assert road.writes_since(mark) == []
        seen = _seen(road, mark.journal)
        assert all(seen[place] == TIMES for place in before), "each record has a row for each time that it was read"
        assert road.wrong(mark) == []

    def test_of_all_commands_ends_unchanged_or_superseded_and_writes_nothing(self, converged: Road) -> None:
        road, mark = converged, converged.mark()
        newest = {
            row["record"]: row["revision"] for row in road.sql.rows("select record, revision from flow.work_item")
        }
        for _ in range(TIMES):
            assert road.replay_topic("commands.mailchimp") >= len(newest)
            road.wait_until_settled()
        assert road.writes_since(mark) == []
        told = road.sql.rows("select record, revision, step from flow.journal where id > $1 and revision is not null", mark.journal)  # fmt: skip
        ended = Counter((row["record"], row["revision"]) for row in told if row["step"] in ("unchanged", "skipped"))
        assert all(ended[record, revision] == TIMES for record, revision in newest.items())
        passed_over = Counter(row["record"] for row in told if row["step"] == "superseded")
        assert sum(passed_over.values()) == TIMES * (road.topics.count("commands.mailchimp") - len(newest))
        assert road.wrong(mark) == []


class TestChangedMapping:
    def test_writes_exactly_the_members_whose_document_it_changes(self, converged: Road) -> None:
        road, mark = converged, converged.mark()
        inactive = {hash_of(one["email"]) for one in road.books.customers() if one["status"] == "inactive"}
        active = [one for one in road.audience.members().values() if one["status"] == "subscribed"]
        assert inactive and len(active) > len(inactive)
        _wait_for(road, mapping_changed(road, _other_tag))
        road.wait_until_settled()
        changed = {applied["id"] for call in road.writes_since(mark) for applied in call["applied"]}
        assert changed and changed <= inactive
        assert {hash_of(email) for email, one in road.audience.members().items()
                if "dormant" in {tag["name"] for tag in one["tags"]}} == changed  # fmt: skip

    def test_that_changes_nothing_writes_nothing(self, converged: Road) -> None:
        road, mark = converged, converged.mark()
        _wait_for(road, mapping_changed(road, lambda definition: definition["rows"].reverse()))
        road.wait_until_settled()
        assert road.writes_since(mark) == []


def _other_tag(definition: dict[str, Any]) -> None:
    for row in definition["rows"]:
        if row["from"] == "status":
            row["transforms"] = [{"name": "tag_if", "arguments": {"equals": "inactive", "tag": "dormant"}}]


def _wait_for(road: Road, version: int) -> None:
    """Until every stored record was judged by this version."""
    judged = "select count(*) from flow.remap where mapping_version = $1 and finished_at is not null"
    road.until(lambda: road.sql.value(judged, version), f"version {version} has judged everything")


def _seen(road: Road, since: int) -> Counter[str]:
    """How often the mapper judged the record at each place of the topic."""
    rows = road.sql.rows(
        "select details ->> 'at' as place from flow.journal where id > $1 and step = any($2)", since, list(JUDGED)
    )
    return Counter(row["place"] for row in rows)
