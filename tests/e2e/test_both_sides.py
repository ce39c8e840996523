"""What happens in an audience behind our back, with every webhook lost: read back, compared, put right, through every service."""

from __future__ import annotations

from pathlib import Path

import pytest

from millrace.api_client import TOKEN_FILE
from millrace.demo import SYNC
from tests.e2e.road import Road
from tests.e2e.vendors import hash_of
from tests.support.shell import Shell

READ_BACK_EVERY_S = 900.0


@pytest.fixture
def shell(road: Road, tmp_path: Path) -> Shell:
    return Shell(tmp_path, road.fleet.one("console").url, road.home.secrets / TOKEN_FILE)


class TestBehindOurBack:
    def test_a_withdrawal_whose_webhook_was_lost_is_known_after_a_quarter_of_an_hour(self, road: Road) -> None:
        road.customer_created("left@both.example", first="Ida")
        road.wait_for_member("left@both.example", FNAME="Ida")
        road.wait_until_quiet()
        with road.fault("mailchimp", "webhook_lost"):
            road.audience.person("unsubscribe", "left@both.example")
        road.advance(READ_BACK_EVERY_S)
        known = "select seen ->> 'standing' = 'unsubscribed' from flow.target_record where key = 'left@both.example'"
        road.until(lambda: road.sql.value(known), "the withdrawal is known", within=60)

    def test_what_another_application_edits_by_api_is_known_then_too(self, road: Road) -> None:
        """No webhook tells of it (decision 43)."""
        road.customer_created("edited@both.example", first="Ida")
        road.wait_for_member("edited@both.example", FNAME="Ida")
        road.wait_until_quiet()
        member = f"/lists/{road.audience.id}/members/{hash_of('edited@both.example')}"
        road.advance(10)
        assert road.audience.call("PATCH", member, json={"merge_fields": {"FNAME": "Queen"}}).is_success
        doubtful = "select doubtful from flow.target_record where key = 'edited@both.example'"
        road.wait_until_quiet()
        assert not road.sql.value(doubtful)
        road.advance(READ_BACK_EVERY_S)
        road.until(lambda: road.sql.value(doubtful), "the edit is known", within=60)
        # Others compare both sides of the same road.
        assert road.audience.call("PATCH", member, json={"merge_fields": {"FNAME": "Ida"}}).is_success

    def test_what_drifted_is_found_and_put_right_and_nothing_is_left(self, road: Road, shell: Shell) -> None:
        road.customer_created("drift@both.example", first="Ida")
        road.wait_for_member("drift@both.example", FNAME="Ida")
        road.wait_until_quiet()
        with road.fault("mailchimp", "webhook_lost"):
            road.audience.person("profile", "drift@both.example", merge_fields={"FNAME": "Queen"})
        road.advance(10)
        (found,) = shell.told("sync", "reconcile", SYNC, "--repair")
        assert (found["drifted"], found["fields"], found["repaired"]) == (1, {"merge.FNAME": 1}, 1)
        road.wait_for_member("drift@both.example", FNAME="Ida")
        road.advance(10)
        mark = road.mark()
        (again,) = shell.told("sync", "reconcile", SYNC)
        assert (again["drifted"], again["repaired"], road.writes_since(mark)) == (0, 0, [])
        assert "0 drifted" in shell.run("sync", "show", SYNC).stdout
