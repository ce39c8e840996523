"""Webhooks that somebody takes away come back by themselves, and what nobody told us meanwhile arrives, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from millrace.demo import SYNC
from tests.e2e.road import Mark, Road

EVERY_S = 600
FIRST_S = 60
WITHIN_S = 40.0
EVENTS = ["created", "deleted", "edited"]
ELSEWHERE = {"url": "http://127.0.0.1:9/hooks/elsewhere"}


class Settings:
    """The organisation's webhooks and rules, and what its people do to ours."""

    def __init__(self, road: Road) -> None:
        self.road = road

    def working(self) -> list[str]:
        """The events that are told to us, by rules that are on."""
        stored: Any = self.road.sandbox.get("state/zoho-books", account="demo")
        organisation = stored["accounts"]["demo"]
        ours = {h["webhook_id"]: h["url"] for h in organisation["webhooks"] if "/hooks/zoho-books/" in h["url"]}
        on = [hook for rule in organisation["workflows"] if rule["is_active"] for hook in rule["webhook_ids"]]
        return sorted(ours[hook].rpartition("event=")[2] for hook in on if hook in ours)

    def all(self) -> tuple[int, int]:
        """Webhooks and rules, whoever made them."""
        return len(self._listed("webhooks")), len(self._listed("workflows"))

    def deleted(self) -> None:
        for rule in self._listed("workflows"):
            self.road.books.told("DELETE", f"/settings/workflows/{rule['workflow_id']}")
        for hook in self._listed("webhooks"):
            self.road.books.told("DELETE", f"/settings/webhooks/{hook['webhook_id']}")

    def switched_off(self) -> None:
        for rule in self._listed("workflows"):
            self.road.books.told("POST", f"/settings/workflows/{rule['workflow_id']}/inactive")

    def led_elsewhere(self) -> None:
        for hook in self._listed("webhooks"):
            self.road.books.told("PUT", f"/settings/webhooks/{hook['webhook_id']}", ELSEWHERE)

    def told_us(self, record: str, since: Mark) -> list[Any]:
        """Webhooks of the record that were sent to us and not elsewhere."""
        return [one for one in self.road.deliveries_of(record, since) if "/hooks/zoho-books/" in one["url"]]

    def audiences(self) -> list[str]:
        """Our webhooks of the audience, by their ids."""
        stored: Any = self.road.sandbox.get("state/mailchimp", account="demo")
        hooks = stored["accounts"]["demo"]["audiences"][self.road.audience.id]["webhooks"]
        return [id for id, hook in hooks.items() if "/hooks/mailchimp/" in hook["url"]]

    def _listed(self, kind: str) -> list[Any]:
        found: list[Any] = self.road.books.told("GET", f"/settings/{kind}")[kind]
        return found


@pytest.fixture
def settings(road: Road) -> Settings:
    """The first audit has been, and a customer has travelled."""
    found = Settings(road)
    road.customer_created("first@alder.example")
    road.wait_for_member("first@alder.example")
    road.advance(FIRST_S)
    road.until(
        lambda: road.sql.value("select count(*) from flow.channel where state = 'kept'") == 2, "two audits", WITHIN_S
    )
    found.deleted()
    road.advance(EVERY_S)
    road.until(lambda: found.working() == EVENTS, "the webhooks are there", WITHIN_S)
    road.wait_until_settled()
    return found


@pytest.mark.timeout(240)
class TestChannels:
    @pytest.mark.parametrize("what", [Settings.deleted, Settings.switched_off, Settings.led_elsewhere])
    def test_what_somebody_took_away_is_back_within_ten_minutes_and_the_gap_arrives(
        self, road: Road, settings: Settings, what: Callable[[Settings], None]
    ) -> None:
        what(settings)
        assert settings.working() == []
        since = road.mark()
        emails = [f"{what.__name__}{number}@gap.example" for number in range(4)]
        records = [road.customer_created(email) for email in emails]
        road.advance(EVERY_S)
        for email in emails:
            road.wait_for_member(email, WITHIN_S)
        road.until(lambda: settings.working() == EVENTS, "the webhooks are back", WITHIN_S)
        assert not [one for record in records for one in settings.told_us(record, since)]
        live = road.customer_created(f"{what.__name__}@live.example")
        road.wait_for_member(f"{what.__name__}@live.example")
        assert settings.told_us(live, since)
        road.wait_until_settled()
        assert road.wrong(since) == []
        applied = road.sql.rows(
            "select record, count(*) as times from flow.journal where id > $1 and step = 'applied' and record = any($2::text[]) group by record",
            since.journal, records,
        )  # fmt: skip
        assert {row["record"]: row["times"] for row in applied} == dict.fromkeys(records, 1)

    def test_one_that_is_killed_in_the_middle_of_an_audit_leaves_no_double(
        self, road: Road, settings: Settings
    ) -> None:
        settings.deleted()
        road.fleet.stop("ingest")
        (doomed,) = road.fleet.start("ingest", MILLRACE_FAILPOINTS="channels.after_write=kill@3")
        road.advance(EVERY_S)
        assert doomed.died(WITHIN_S) != 0
        assert settings.all() != (0, 0)
        road.sql.execute("update flow.channel set lease_until = now() where lease_until > now()")
        road.fleet.start("ingest")
        road.until(lambda: settings.working() == EVENTS, "the webhooks are back", WITHIN_S)
        road.until(lambda: settings.all() == (3, 3), "and no double is there", WITHIN_S)

    def test_an_audiences_webhook_that_was_deleted_comes_back_with_a_key_that_fits(
        self, road: Road, settings: Settings
    ) -> None:
        (hook,) = settings.audiences()
        assert road.audience.call("DELETE", f"/lists/{road.audience.id}/webhooks/{hook}").is_success
        road.advance(EVERY_S)
        road.until(lambda: settings.audiences() not in ([], [hook]), "the webhook is back", WITHIN_S)
        heard = (
            "select count(*) from flow.channel_subject where subject = $1 and heard_at is not null and heard_at > $2"
        )
        (before,) = road.sql.rows(
            "select audited_at from flow.channel join core.connection on id = connection where vendor = 'mailchimp'"
        )
        road.until(
            lambda: road.sql.value("select count(*) from flow.channel where state = 'kept'") == 2, "audited", WITHIN_S
        )
        road.audience.person("unsubscribe", "first@alder.example")
        road.until(lambda: road.sql.value(heard, road.audience.id, before["audited_at"]), "it was heard", WITHIN_S)

    def test_a_sync_that_is_switched_off_is_called_no_more_and_one_that_goes_on_is(
        self, road: Road, settings: Settings
    ) -> None:
        with road.console() as console:
            console.post(f"/syncs/{SYNC}/disable")
            road.until(lambda: settings.all() == (0, 0) and not settings.audiences(), "nobody calls us", WITHIN_S)
            console.post(f"/syncs/{SYNC}/resume")
        assert settings.working() == EVENTS and len(settings.audiences()) == 1
