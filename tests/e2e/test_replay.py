"""Whole topics are read again from their first record: everything is judged once more, and nothing is written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from common.contracts.messages import WriteCommand
from common.contracts.topics import commands
from tests.e2e.opening import mapping_changed
from tests.e2e.road import Mark, Road
from tests.e2e.stories import Story
from tests.e2e.vendors import hash_of

CHANGES, COMMANDS = "changes.zoho-books", commands("mailchimp")
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
    _left_comes_where_another_was(road)
    yield road


def _left_comes_where_another_was(road: Road) -> None:
    """A customer moves on; one who had left gets the old address: what one of them may be sent depends on what became of the other."""
    moves = road.customer_created("old@again.example")
    left = road.customer_created("left@again.example")
    road.wait_for_member("old@again.example")
    road.wait_for_member("left@again.example")
    road.wait_until_settled()
    road.audience.person("unsubscribe", "left@again.example")
    for record, email in ((moves, "new@again.example"), (left, "old@again.example")):
        road.wait_until_settled()
        time.sleep(1.1)  # a new second of the vendor, so that the edit is newer by its own stamp
        road.books.person_edited(record, email)
    road.wait_for_member("old@again.example", status="unsubscribed")
    road.wait_until_settled()


class TestReplay:
    def test_of_all_changes_judges_each_again_and_writes_nothing(self, converged: Road) -> None:
        road, mark = converged, converged.mark()
        before = _seen(road, 0)
        assert road.topics.count(CHANGES) == len(before) > CUSTOMERS
        for _ in range(TIMES):
            # Who asks whether a record is gone asks once more, and the answers are new records.
            assert road.replay_topic(CHANGES) >= len(before)
            road.wait_until_settled()
        assert _written(road, mark) == []
        seen = _seen(road, mark.journal)
        assert all(seen[place] == TIMES for place in before), "each record has a row for each time that it was read"
        assert road.wrong(mark) == []

    def test_of_all_commands_ends_unchanged_or_superseded_and_writes_nothing(self, converged: Road) -> None:
        road, mark = converged, converged.mark()
        newest = {
            row["record"]: row["revision"] for row in road.sql.rows("select record, revision from flow.work_item")
        }
        for _ in range(TIMES):
            assert road.replay_topic(COMMANDS.name) >= len(newest)
            road.wait_until_settled()
        assert _written(road, mark) == []
        told = road.sql.rows("select record, revision, step, details ->> 'at' as at from flow.journal where id > $1 and revision is not null", mark.journal)  # fmt: skip
        ended = Counter((row["record"], row["revision"]) for row in told if row["step"] in ("unchanged", "skipped"))
        assert all(ended[record, revision] == TIMES for record, revision in newest.items())
        # A command may be there twice, of any revision: each place on the topic is told of, but those of the newest.
        passed_over = Counter(row["at"] for row in told if row["step"] == "superseded")
        assert passed_over == dict.fromkeys(_older(road, newest), TIMES)
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
        assert _written(road, mark) == []


def _written(road: Road, since: Mark) -> list[str]:
    """What was written, each with the whole story of the records that wrote it: why was it?"""
    found = [f"{call['method']} {call['path']} {call['applied']}" for call in road.writes_since(since)]
    applied = road.sql.rows(
        "select distinct record from flow.journal where id > $1 and step = 'applied'", since.journal
    )
    for one in applied if found else ():
        keys = {row["target_key"] for row in road.journal_of(one["record"]) if row["target_key"]}
        found += [f"  {_line(row)}" for row in road.sql.rows(_STORY, one["record"], list(keys))]
    return found


def _older(road: Road, newest: Mapping[str, int]) -> set[str]:
    """Where on the topic the commands are that another has followed."""
    found = [(one, WriteCommand.model_validate_json(one.value)) for one in road.topics.records(COMMANDS)]
    return {f"{one.topic}/{one.partition}@{one.offset}" for one, told in found if told.revision < newest[told.record]}


def _line(row: Any) -> str:
    shown = (row["id"], row["at"], row["record"], row["revision"], row["step"], row["reason"], row["target_key"], row["details"], row["before"], row["after"])  # fmt: skip
    return " ".join(str(value) for value in shown)


# The record's own rows, and those of whoever else has had to do with its addresses.
_STORY = "select * from flow.journal where record = $1 or target_key = any($2) order by id"


def _other_tag(definition: dict[str, Any]) -> None:
    for row in definition["rows"]:
        if row["from"] == "status":
            row["transforms"] = [{"name": "tag_if", "arguments": {"equals": "inactive", "tag": "dormant"}}]


def _wait_for(road: Road, version: int) -> None:
    """Until every stored record was judged by this version."""
    judged = "select count(*) from flow.remap where mapping_version = $1 and finished_at is not null"
    road.until(lambda: road.sql.value(judged, version), f"version {version} has judged everything")


def _seen(road: Road, since: int) -> Counter[str]:
    """How often the mapper judged the record at each place of the topic; what the audience tells has places in a topic of its own."""
    rows = road.sql.rows(
        "select details ->> 'at' as place from flow.journal where id > $1 and step = any($2) and details ->> 'at' like $3",
        since, list(JUDGED), f"{CHANGES}/%",
    )  # fmt: skip
    return Counter(row["place"] for row in rows)
