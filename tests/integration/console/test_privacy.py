"""What persons ask for, over the API and the command line: listed, exported with all that is kept, and marked as answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.console.test_operations import Shell
from tests.support.syncs import Joined, front_door, joined

__all__ = ["front_door", "joined"]

PATH = "/privacy-requests"


@pytest.fixture
def shell(joined: Joined, tmp_path: Path) -> Shell:
    return Shell(tmp_path, joined.console.url, joined.console.token_path)


@pytest.fixture
def asked(joined: Joined) -> Iterator[str]:
    """A person who has two orders, of which the shop has named one; somebody else has another."""
    joined.rows(
        "insert into flow.privacy_request (id, connection, kind, reference, entities, records, received_at, next_at)"
        " values ('ask-1', $1, 'export', '77', '{customer,order}', '{9,7}', now(), now()),"
        " ('ask-2', $1, 'redact', '', '{customer}', '{8}', now() - interval '1 hour', now() + interval '1 day')",
        joined.books,
    )
    joined.rows(
        "insert into flow.record_state (connection, entity, record, fields, first_at, changed_at) select $1, e, r, f::jsonb, now(), now()"
        """ from (values ('customer', '9', '{"email": "ada@shop.example"}'), ('order', '7', '{"customer_id": "9", "number": "#7"}'),"""
        """ ('order', '6', '{"customer_id": "9", "number": "#6"}'), ('order', '5', '{"customer_id": "8", "number": "#5"}')) as n(e, r, f)""",
        joined.books,
    )
    joined.rows(
        "insert into flow.activity (connection, entity, record, event_id, kind, source, at, told_by, account, place, key, kept_at)"
        " values ($1, 'customer', '9', 'e1', 'unsubscribed', 'event', now(), $1, 'm', 'list', 'ada@shop.example', now())",
        joined.books,
    )
    joined.rows("select core.tell($1, 'privacy.export', 'ask-1', 'A person asks.', now())", joined.books)
    yield "ask-1"
    joined.rows("delete from flow.privacy_request")
    joined.rows("delete from flow.activity")
    joined.rows("delete from flow.record_state where record in ('9', '7', '6', '5')")
    joined.rows("delete from core.notification where kind = 'privacy.export'")


class TestPrivacy:
    def test_is_listed_exported_and_marked_as_answered(self, joined: Joined, shell: Shell, asked: str) -> None:
        listed = shell.told("privacy", "list")["items"]
        assert [(one["id"], one["kind"], one["state"], one["records"]) for one in listed] == [
            ("ask-1", "export", "open", 2), ("ask-2", "redact", "open", 1),
        ]  # fmt: skip
        assert "what is kept" in shell.run("privacy", "list").stdout
        kept = json.loads(shell.run("privacy", "export", asked).stdout)
        assert kept["request"]["reference"] == "77"
        assert [(one["entity"], one["record"]) for one in kept["records"]] == [
            ("customer", "9"),
            ("order", "6"),
            ("order", "7"),
        ]
        assert kept["records"][0]["fields"] == {"email": "ada@shop.example"}
        assert [(one["kind"], one["member"]) for one in kept["records"][0]["activity"]] == [
            ("unsubscribed", "ada@shop.example")
        ]
        for _ in range(2):
            assert shell.told("privacy", "done", asked)["state"] == "done"
        (row,) = joined.rows("select resolved_at is not null as gone from core.notification where code = 'ask-1'")
        assert row["gone"]

    def test_pages_follow_each_other(self, joined: Joined, asked: str) -> None:
        first = joined.console.told("GET", f"{PATH}?limit=1")
        second = joined.console.told("GET", f"{PATH}?limit=1&cursor={first['next_cursor']}")
        assert [one["id"] for one in first["items"] + second["items"]] == ["ask-1", "ask-2"]
        assert second["next_cursor"] is None

    def test_what_cannot_be_exported_says_why(self, joined: Joined, shell: Shell, asked: str) -> None:
        assert joined.console.told("GET", f"{PATH}/nobody/export", 404)["code"] == "PRIVACY_REQUEST_UNKNOWN"
        assert "PRIVACY_REQUEST_IS_A_JOB" in shell.run("privacy", "export", "ask-2", code=5).stderr
