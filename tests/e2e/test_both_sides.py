"""What happens in an audience behind our back, with every webhook lost: read back, compared, put right, through every service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from millrace.api_client import TOKEN_FILE
from millrace.demo import DEMO_SYNC, SYNC, connect_books, connect_mailchimp
from tests.e2e.opening import opened
from tests.e2e.road import Road
from tests.support.database import Server
from tests.support.local_stack import LocalStack
from tests.support.shell import Shell

READ_BACK_EVERY_S = 900.0
# A hundredth of these is more than were altered.
CUSTOMERS, ALTERED = 4000, 37


@pytest.fixture(scope="module")
def road(
    tmp_path_factory: pytest.TempPathFactory, stack: LocalStack, database_server: Server, database_template: str
) -> Iterator[Road]:
    """With a sync that reads nothing but the list."""
    steps = (connect_books, connect_mailchimp)
    with opened(tmp_path_factory.mktemp("sides") / "home", stack, database_server, database_template, steps) as road:
        with road.console() as console:
            template = {"template": "zoho-books-to-mailchimp-basic", "place": road.audience.id}
            console.post("/syncs", {**DEMO_SYNC, **template})
        yield road


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
        road.until(lambda: road.sql.value(known), "the withdrawal is known")

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


class TestAWholeAccount:
    def test_of_which_thirty_seven_members_were_altered_has_exactly_these_found_and_put_right_under_the_cap(
        self, road: Road, shell: Shell
    ) -> None:
        road.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": CUSTOMERS, "seed": 11})
        shell.told("sync", "run", SYNC, "--full", "--wait", within=300)
        road.wait_until_quiet()
        before = {email: one for email, one in road.audience.members().items() if one["status"] == "subscribed"}
        altered = sorted(before)[:: len(before) // ALTERED][:ALTERED]
        with road.fault("mailchimp", "webhook_lost"):
            for email in altered:
                road.audience.person("profile", email, merge_fields={"FNAME": "Altered"})
        road.advance(10)
        mark = road.mark()
        (found,) = shell.told("sync", "reconcile", SYNC)
        assert found["cap"] >= ALTERED == found["drifted"] == found["repaired"]
        assert (found["fields"], found["missing"], found["state"]) == ({"merge.FNAME": ALTERED}, 0, "resting")
        road.wait_until_quiet()
        after = road.audience.members()
        assert {email: after[email]["merge_fields"] for email in before} == {
            e: one["merge_fields"] for e, one in before.items()
        }
        assert len(road.writes_since(mark)) == ALTERED
        road.advance(10)
        (again,) = shell.told("sync", "reconcile", SYNC)
        assert (again["drifted"], again["missing"], len(road.writes_since(mark))) == (0, 0, ALTERED)
