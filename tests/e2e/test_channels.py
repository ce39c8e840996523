"""Webhooks that somebody takes away come back by themselves, and what nobody told us meanwhile arrives, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from millrace.demo import SYNC
from tests.e2e.road import Mark, Road
from tests.e2e.vendors import hash_of

EVERY_S = 600
FIRST_S = 60
# Longer than any test has to do between two audits.
UNDISTURBED = timedelta(minutes=3)
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

    def between_audits(self) -> None:
        """Time passes until no audit is under way, nor comes for minutes: one that is would mend half of what somebody is just doing."""
        self.road.until(lambda: self._rests() or self.road.advance(60), "a time between two audits", every=0.5)

    def _rests(self) -> bool:
        soon = datetime.fromisoformat(str(self.road.sandbox.get("clock")["now"])) + UNDISTURBED
        rests = "select count(*) = 2 from flow.channel where state = 'kept' and lease is null and next_at > $1"
        return bool(self.road.sql.value(rests, soon))

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
        return [id for id, hook in self._of_the_audience().items() if "/hooks/mailchimp/" in hook["url"]]

    def address_of(self, hook: str) -> str:
        found: str = self._of_the_audience()[hook]["url"]
        return found

    def _of_the_audience(self) -> dict[str, Any]:
        stored: Any = self.road.sandbox.get("state/mailchimp", account="demo")
        found: dict[str, Any] = stored["accounts"]["demo"]["audiences"][self.road.audience.id]["webhooks"]
        return found

    def took_audiences_away(self) -> list[str]:
        """Somebody deletes our webhooks of the audience; which they were."""
        found = self.audiences()
        for hook in found:
            assert self.road.audience.call("DELETE", f"/lists/{self.road.audience.id}/webhooks/{hook}").is_success
        return found

    def told_of_the_audience(self, since: Mark) -> list[tuple[str, str]]:
        """Webhooks of the audience that were sent to us: to which of the two, and the event."""
        listed: Any = self.road.sandbox.get("deliveries", since=since.deliveries)["deliveries"]
        ours = [one for one in listed if "/hooks/mailchimp/" in one["url"]]
        return [(one["url"].partition("tells=")[2], one["topic"]) for one in ours]

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
    found.between_audits()
    found.deleted()
    road.advance(EVERY_S)
    road.until(lambda: found.working() == EVENTS, "the webhooks are there")
    road.wait_until_settled()
    found.between_audits()
    return found


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
            road.wait_for_member(email)
        road.until(lambda: settings.working() == EVENTS, "the webhooks are back")
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
        assert doomed.died() != 0
        assert settings.all() != (0, 0)
        road.sql.execute("update flow.channel set lease_until = now() where lease_until > now()")
        road.fleet.start("ingest")
        road.until(lambda: settings.working() == EVENTS, "the webhooks are back")
        road.until(lambda: settings.all() == (3, 3), "and no double is there")

    def test_an_audiences_webhooks_that_were_deleted_come_back_with_keys_that_fit(
        self, road: Road, settings: Settings
    ) -> None:
        audited = (
            "select audited_at from flow.channel join core.connection on id = connection where vendor = 'mailchimp'"
        )
        before = road.sql.value(audited)
        hooks = settings.took_audiences_away()
        assert len(hooks) == 2
        road.advance(EVERY_S)
        road.until(lambda: len(settings.audiences()) == 2, "the webhooks are back")
        assert not set(settings.audiences()) & set(hooks)
        # The vendor tells their keys with the answers: what it sends before they are stored is read and not heard.
        road.until(lambda: road.sql.value(audited) > before, "their keys are stored")
        heard = (
            "select count(*) from flow.channel_subject where subject = $1 and heard_at is not null and heard_at > $2"
        )
        road.audience.person("unsubscribe", "first@alder.example")
        road.until(lambda: road.sql.value(heard, road.audience.id, before), "it was heard")

    def test_an_audience_that_told_everything_by_one_webhook_tells_by_two_and_not_of_us(
        self, road: Road, settings: Settings
    ) -> None:
        path = f"/lists/{road.audience.id}"
        address = settings.address_of(settings.audiences()[0]).partition("?")[0]
        settings.took_audiences_away()
        everything = dict.fromkeys(("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"), True)
        sources = dict.fromkeys(("user", "admin", "api"), True)
        body = {"url": address, "events": everything, "sources": sources}
        old = road.audience.call("POST", f"{path}/webhooks", json=body).json()["id"]
        road.advance(EVERY_S)
        road.until(lambda: old not in settings.audiences(), "the one of before is gone")
        road.until(lambda: len(settings.audiences()) == 2, "two are there instead")
        road.wait_until_settled()
        since = road.mark()
        for name in ("ours", "theirs"):
            road.customer_created(f"{name}@echo.example")
            road.wait_for_member(f"{name}@echo.example")
        road.wait_until_quiet()
        assert settings.told_of_the_audience(since) == [], "our own writes are not told"
        member = f"{path}/members/{hash_of('theirs@echo.example')}"
        assert road.audience.call("PATCH", member, json={"status": "unsubscribed"}).is_success
        road.audience.left.add("theirs@echo.example")
        consent = "select count(*) from flow.journal where id > $1 and step = 'consent' and target_key = $2"
        road.until(lambda: road.sql.value(consent, since.journal, "theirs@echo.example"), "their withdrawal is here")
        road.audience.person("unsubscribe", "ours@echo.example")
        road.until(lambda: road.sql.value(consent, since.journal, "ours@echo.example"), "the person's too")
        assert settings.told_of_the_audience(since) == [("withdrawals", "unsubscribe"), ("people", "unsubscribe")]
        road.wait_until_settled()
        assert road.wrong(since) == []
        told = "select count(*) from flow.activity where key = any($1::text[])"
        assert road.sql.value(told, ["ours@echo.example", "theirs@echo.example"]) == 2, "of us nothing is told"

    def test_a_sync_that_is_switched_off_is_called_no_more_and_one_that_goes_on_is(
        self, road: Road, settings: Settings
    ) -> None:
        with road.console() as console:
            console.post(f"/syncs/{SYNC}/disable")
            road.until(lambda: settings.all() == (0, 0) and not settings.audiences(), "nobody calls us")
            console.post(f"/syncs/{SYNC}/resume")
        assert settings.working() == EVENTS and len(settings.audiences()) == 2
