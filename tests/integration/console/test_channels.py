"""Channels over the API and the command line: listed, audited on demand, set up by hand where a plan leaves it to a person."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.console.test_operations import Shell
from tests.support.console import Console
from tests.support.syncs import Joined, front_door, joined

__all__ = ["front_door", "joined"]

PATH = "/channels/{}"


@pytest.fixture
def shell(joined: Joined, tmp_path: Path) -> Shell:
    return Shell(tmp_path, joined.console.url, joined.console.token_path)


@pytest.fixture
def channel(joined: Joined) -> Iterator[str]:
    """The channel of the source, as ingest keeps it."""
    joined.apply("called")
    joined.rows(
        "insert into flow.channel (connection, next_at, state, base, audited_at, found, found_at)"
        " values ($1, now() + interval '1 hour', 'kept', $2, now(), array['webhook for customer created'], now())",
        joined.books, f"{joined.public_url}/hooks/zoho-books/{joined.books}",
    )  # fmt: skip
    joined.rows(
        "insert into flow.channel_subject (connection, subject, since) values ($1, 'customer', now())", joined.books
    )
    yield PATH.format(joined.books)
    joined.rows("delete from flow.channel")


def audience(joined: Joined) -> None:
    """The channel of the target, with one audience."""
    joined.rows("insert into flow.channel (connection, next_at) values ($1, now())", joined.chimp)
    joined.rows("insert into flow.channel_subject (connection, subject, since) values ($1, 'a1', now())", joined.chimp)


class TestList:
    def test_nothing_yet_says_what_comes_first(self, joined: Joined, shell: Shell) -> None:
        assert joined.console.told("GET", "/channels") == {"items": [], "next_cursor": None}
        assert "millrace sync apply" in shell.run("channel", "list").stdout
        assert shell.told("channel", "list") == {"items": [], "next_cursor": None}

    def test_tells_of_each_what_was_found_and_when_it_was_heard(
        self, joined: Joined, shell: Shell, channel: str
    ) -> None:
        (one,) = joined.console.told("GET", "/channels")["items"]
        assert one == joined.console.told("GET", channel)
        assert (one["name"], one["state"], one["found"], one["code"]) == (
            "books", "kept", ["webhook for customer created"], "",
        )  # fmt: skip
        assert [(it["subject"], it["wanted"], it["heard_at"]) for it in one["subjects"]] == [("customer", True, None)]
        lines = shell.run("channel", "list").stdout.splitlines()
        assert lines[1].split()[:2] == ["books", "kept"] and "never" in lines[1] and lines[1].endswith("customer")
        assert "webhook for customer created" in lines[2]
        assert lines[3].strip() == "webhooks of customer: contact: created; contact: edited; contact: deleted"

    def test_shows_both_webhooks_of_an_audience(self, joined: Joined, shell: Shell, channel: str) -> None:
        audience(joined)
        shown = joined.console.told("GET", PATH.format(joined.chimp))
        ((people, applications),) = [it["webhooks"] for it in shown["subjects"]]
        assert "people" in people and "api" in applications
        assert f"webhooks of a1: {people}; {applications}" in shell.run("channel", "list").stdout

    def test_one_by_one_they_are_all_there(self, joined: Joined, channel: str) -> None:
        joined.rows("insert into flow.channel (connection, next_at) values ($1, now())", joined.chimp)
        first = joined.console.told("GET", "/channels?limit=1")
        second = joined.console.told("GET", f"/channels?limit=1&cursor={first['next_cursor']}")
        assert [one["name"] for one in first["items"] + second["items"]] == ["books", "chimp"]
        assert second["next_cursor"] is None

    def test_one_that_nobody_wants_to_hear_is_unknown(self, joined: Joined, shell: Shell) -> None:
        assert joined.console.told("GET", PATH.format(joined.chimp), 404)["code"] == "CHANNEL_UNKNOWN"
        assert "CHANNEL_UNKNOWN" in shell.run("channel", "audit", "chimp", code=3).stderr


class TestAudit:
    def test_is_due_at_once(self, joined: Joined, channel: str) -> None:
        joined.console.told("POST", f"{channel}/audit")
        (row,) = joined.rows("select next_at <= now() + interval '5 minutes' as is_due from flow.channel")
        assert row["is_due"]

    def test_is_waited_for(self, joined: Joined, shell: Shell, channel: str) -> None:
        def audited() -> None:
            """As ingest does, once somebody has asked."""
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                if joined.rows(
                    "update flow.channel set audited_at = now(), found = '{}', next_at = now() + interval '2 hours'"
                    " where next_at < now() + interval '50 minutes' returning 1"
                ):
                    return
                time.sleep(0.05)

        ingest = threading.Thread(target=audited)
        ingest.start()
        shown = shell.told("channel", "audit", "books")
        ingest.join()
        assert shown["found"] == []

    def test_one_that_failed_says_why_and_what_is_next(self, joined: Joined, shell: Shell, channel: str) -> None:
        joined.rows("update flow.channel set state = 'waits', code = 'VENDOR_TIMEOUT', words = 'It was late.'")
        text = shell.run("channel", "list").stdout
        assert "It was late. [VENDOR_TIMEOUT]" in text and "millrace channel audit books" in text

    def test_without_a_public_address_there_is_none(self, joined: Joined, channel: str) -> None:
        console = Console(joined.console.world, joined.console.broker, joined.console.redis_url).start()
        try:
            assert console.told("POST", f"{channel}/audit", 409)["code"] == "CHANNEL_NO_ADDRESS"
        finally:
            console.kill()


class TestByHand:
    def secret(self, joined: Joined) -> Any:
        return joined.console.broker.call("GET", f"/v1/webhook-secrets/{joined.books}").json()["secrets"][0]["secret"]

    def test_a_secret_that_is_there_is_not_shown_and_a_new_one_is_once(self, joined: Joined, channel: str) -> None:
        told = joined.console.told("POST", f"{channel}/set-up", json={})
        assert told["secret"] is None
        assert [hook["event"] for hook in told["hooks"]] == ["contact: created", "contact: edited", "contact: deleted"]
        assert {hook["url"].partition("?")[0] for hook in told["hooks"]} == {
            f"{joined.public_url}/hooks/zoho-books/{joined.books}"
        }
        headers = {"idempotency-key": "new-secret"}
        fresh = joined.console.told("POST", f"{channel}/set-up", json={"new_secret": True}, headers=headers)
        assert fresh["secret"] == self.secret(joined)
        again = joined.console.told("POST", f"{channel}/set-up", json={"new_secret": True}, headers=headers)
        assert again["secret"] is None
        assert fresh["secret"] == self.secret(joined)

    def test_the_command_shows_all_of_it_and_waits_for_the_first(
        self, joined: Joined, shell: Shell, channel: str
    ) -> None:
        is_over = threading.Event()

        def told() -> None:
            """Again and again: whenever the command begins to wait, another one comes after that."""
            while not is_over.wait(0.2):
                joined.rows("update flow.channel_subject set heard_at = clock_timestamp()")

        vendor = threading.Thread(target=told)
        vendor.start()
        try:
            done = shell.run("channel", "set-up", "books", "--new-secret")
        finally:
            is_over.set()
            vendor.join()
        assert self.secret(joined) in done.stdout and "contact: edited" in done.stdout
        assert "books calls us" in done.stderr
        assert self.secret(joined) not in shell.run("channel", "set-up", "books", "--no-wait").stdout

    def test_waits_no_longer_than_it_was_told(self, shell: Shell, channel: str) -> None:
        assert "Nothing came of it" in shell.run("channel", "set-up", "books", "--timeout", "1", code=8).stderr

    def test_a_vendor_that_lets_us_needs_nobody(self, joined: Joined, channel: str) -> None:
        audience(joined)
        told = joined.console.told("POST", f"{PATH.format(joined.chimp)}/set-up", 409, json={})
        assert told["code"] == "CHANNEL_BY_API"
        assert "all events; user and admin" in told["detail"] and "unsubscribe, cleaned, upemail; api" in told["detail"]

    def test_a_sync_is_applied_where_the_plan_leaves_webhooks_to_a_person(self, joined: Joined) -> None:
        joined.console.world.advance(61)
        joined.console.connect_books("small")
        joined.sandbox.post("limits", {"vendor": "zoho-books", "plan": "free"})
        try:
            told = joined.apply("small", source="small")
        finally:
            joined.sandbox.post("limits", {"vendor": "zoho-books", "plan": "elite"})
        assert told["state"] == "active"
        assert [note for note in told["warnings"] if "millrace channel set-up small" in note]


OURS = "/app-channels/quickbooks"


class TestOfAnApplication:
    """A company of QuickBooks is let in, and somebody enters the webhook in the vendor's portal."""

    @pytest.fixture
    def company(self, joined: Joined) -> Iterator[str]:
        joined.rows(
            "insert into core.connection (id, vendor, name, state, details, created_at, updated_at)"
            """ values ('company', 'quickbooks', 'books-us', 'active', '{"realm_id": "9130"}', now(), now())"""
            " on conflict (id) do update set state = 'active'"
        )
        yield "company"
        for table in ("flow.app_heard", "flow.quarantine"):
            joined.rows(f"delete from {table}")
        joined.rows("update core.connection set state = 'deleted' where id = 'company'")

    def came(self, joined: Joined, owner: str, reason: str) -> None:
        joined.rows(
            "insert into flow.quarantine (connection, vendor, received_at, reason, query, headers, body, size)"
            " values ($1, 'quickbooks', clock_timestamp(), $2, '', '{}', '', 0)", owner, reason,
        )  # fmt: skip

    def test_what_to_enter_where_is_shown_and_nothing_is_waited_for_without_a_secret(
        self, joined: Joined, shell: Shell, company: str
    ) -> None:
        text = shell.run("channel", "app", "quickbooks").stdout
        assert f"{joined.public_url}/hooks/quickbooks/app" in text
        assert "Customer with Create, Update, Delete and Merge" in text and "books-us: no event yet" in text
        assert "--secret-file" in text

    def test_the_command_waits_for_the_first_event_and_says_what_came_that_does_not_fit(
        self, joined: Joined, shell: Shell, company: str, tmp_path: Path
    ) -> None:
        secret, is_over = tmp_path / "verifier", threading.Event()
        secret.write_text("verifier-token-7d40")
        self.came(joined, "app:quickbooks", "no secret of the application is known yet")
        (early,) = joined.console.told("GET", OURS)["troubles"]
        assert early["code"] == "CHANNEL_APP_NO_SECRET"

        def vendor() -> None:
            """Again and again, so that whenever the command begins to wait something comes after that; the right one last."""
            for number in itertools.count():
                if is_over.wait(0.3):
                    return
                self.came(joined, "app:quickbooks:unknown", "no connection is of the account 4711")
                if number < 10:
                    self.came(joined, "app:quickbooks", "the signature does not fit")
                else:
                    joined.rows(
                        "insert into flow.app_heard values ('company', clock_timestamp())"
                        " on conflict (connection) do update set heard_at = excluded.heard_at"
                    )

        telling = threading.Thread(target=vendor)
        telling.start()
        try:
            done = shell.run("channel", "app", "quickbooks", "--secret-file", str(secret))
        finally:
            is_over.set()
            telling.join()
        assert "Waiting for the first event" in done.stderr and "Heard at" in done.stderr
        said = done.stdout + done.stderr
        assert "CHANNEL_APP_STRANGER" in said and "4711" in said
        told = joined.console.told("GET", OURS)
        assert told["heard_at"] and told["has_secret"]
        # What did not fit is past; an account that is not connected stays one.
        assert [one["code"] for one in told["troubles"]] == ["CHANNEL_APP_STRANGER"]

    def test_what_does_not_fit_names_the_remedy(self, joined: Joined, company: str) -> None:
        self.came(joined, "app:quickbooks", "the signature does not fit")
        (wrong,) = joined.console.told("GET", OURS)["troubles"]
        assert wrong["code"] == "CHANNEL_APP_SECRET_WRONG" and "--secret-file" in wrong["action"]
