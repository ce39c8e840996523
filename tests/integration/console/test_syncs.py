"""Syncs from a file to running ones, with a real broker, both of the sandbox's vendors and the database; and every way a file can be wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.support.broker import Browser, query
from tests.support.console import Console
from tests.support.syncs import LIST, STRICT, Joined, front_door, joined

__all__ = ["front_door", "joined"]


@pytest.fixture(autouse=True, scope="class")
def fresh_minute(joined: Joined) -> None:
    """A minute passes for the vendor and for us, so that no test waits for the quota that another one used."""
    joined.console.world.advance(61)


class TestApplying:
    def test_a_file_becomes_a_running_sync_and_the_same_file_changes_nothing(self, joined: Joined) -> None:
        told = joined.apply(create_fields=True)
        assert (told["outcome"], told["mapping_version"], told["state"], told["place"]) == (
            "created",
            1,
            "active",
            LIST,
        )
        assert told["fields_created"] == ["merge.SHIPPING"]
        found = joined.hooks()
        assert (len(found["books"]), len(found["rules"]), len(found["audience"])) == (3, 3, 2)
        assert sorted(rule["rule_type"] for rule in found["rules"]) == ["add", "delete", "edit"]
        assert sorted(
            (one["sources"]["user"], one["sources"]["admin"], one["sources"]["api"]) for one in found["audience"]
        ) == [
            (False, False, True),
            (True, True, False),
        ]
        writes = joined.writes()
        again = joined.apply(create_fields=True)
        assert (again["outcome"], again["mapping_version"], again["webhooks"], again["fields_created"]) == (
            "unchanged",
            1,
            [],
            [],
        )
        assert joined.writes() == writes and joined.hooks() == found

    def test_what_is_registered_is_what_the_gateway_checks(self, joined: Joined) -> None:
        joined.apply(create_fields=True)
        broker = joined.console.broker
        (secret,) = broker.call("GET", f"/v1/webhook-secrets/{joined.books}", "ingest").json()["secrets"]
        assert {hook["secret"] for hook in joined.hooks()["books"]} == {secret["secret"]}
        events = {dict(parse_qsl(urlsplit(hook["url"]).query))["event"] for hook in joined.hooks()["books"]}
        assert events == {"created", "edited", "deleted"}
        assert len(broker.call("GET", f"/v1/webhook-secrets/{joined.chimp}", "ingest").json()["secrets"]) == 2

    def test_a_changed_file_is_a_new_version_and_the_old_one_stays(self, joined: Joined) -> None:
        joined.apply("changing")
        for version, more in enumerate(({"filter": "status == 'active'"}, {"options": {"on_delete": "tag"}}), 2):
            told = joined.apply("changing", **more)
            assert (told["outcome"], told["mapping_version"]) == ("changed", version)
        stored = joined.rows(
            "select version, definition from core.mapping_version where sync = 'changing' order by version"
        )
        assert [row["version"] for row in stored] == [1, 2, 3]
        shown = joined.console.told("GET", "/syncs/changing")["mapping"]
        assert (shown["filter"], shown["options"]["on_delete"]) == ("", "tag")

    def test_a_place_is_named_as_people_call_it(self, joined: Joined) -> None:
        names = {place["name"]: id for id, place in joined.state("mailchimp")["audiences"].items()}
        name = next(name for name, id in names.items() if id == LIST)
        assert joined.apply("by-name", place=name.upper())["place"] == LIST

    def test_a_plan_writes_nothing_anywhere(self, joined: Joined) -> None:
        before = (joined.writes(), joined.rows("select count(*) from core.sync"))
        told = joined.apply("only-planned", query="?dry_run=true", create_fields=True)
        assert (told["outcome"], told["dry_run"], told["mapping_version"]) == ("created", True, 1)
        assert (joined.writes(), joined.rows("select count(*) from core.sync")) == before

    def test_two_at_once_make_one_sync_and_register_once(self, joined: Joined) -> None:
        with ThreadPoolExecutor(2) as both:
            told = [done.result() for done in [both.submit(joined.apply, "twice") for _ in range(2)]]
        assert sorted(one["outcome"] for one in told) == ["created", "unchanged"]
        found = joined.hooks()
        assert (len(found["books"]), len(found["rules"]), len(found["audience"])) == (3, 3, 2)

    def test_a_draft_is_not_switched_on(self, joined: Joined) -> None:
        assert joined.apply("drafted", query="?draft=true")["state"] == "draft"
        assert joined.console.told("POST", "/syncs/drafted/resume")["standing"] == "Healthy"


class TestPreviewOfAnUnreadAccount:
    """Nobody has read it: the preview lists its beginning, a thousand at most, and stores nothing."""

    @staticmethod
    def lists(joined: Joined) -> int:
        calls = joined.sandbox.get("log")["calls"]
        return sum(1 for call in calls if call["path"].endswith("/contacts") and "per_page=200" in call["query"])

    def test_counts_what_it_comes_to(self, joined: Joined) -> None:
        joined.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": 230, "seed": 7})
        joined.apply("unread")
        before, lists = joined.writes(), self.lists(joined)
        told = joined.console.told("GET", "/syncs/unread/preview")
        assert (told["listed"], told["complete"], told["total"]) == (230, True, 230)
        assert told["add"] + told["skipped"] == 230 and told["add"] > 180
        shown = joined.console.told("GET", "/syncs/unread/preview?unmask=true")
        addresses = {
            change["after"] for one in shown["samples"] for change in one["changes"] if change["field"] == "email"
        }
        assert len(addresses) > 10 and not any(address in str(told) for address in addresses)
        assert self.lists(joined) - lists == 2 * 2
        assert joined.writes() == before
        assert not joined.rows("select from flow.record_state")
        # A file that is not applied yet is previewed the same way.
        planned = joined.console.told("POST", "/sync-preview", json=joined.file("planned"))
        assert (planned["listed"], planned["add"]) == (230, told["add"])
        # What the run costs: a list call for each two hundred, one write for each five hundred; addresses are read one by one.
        assert told["plan"]["calls"] == {"zoho-books": 2 + told["details"]["calls"], "mailchimp": 1}
        assert told["plan"]["seconds"] > told["details"]["seconds"] * 0.9

    def test_reads_a_thousand_and_not_fifty_thousand(self, joined: Joined) -> None:
        joined.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": 1300, "seed": 7})
        joined.apply("large")
        lists = self.lists(joined)
        told = joined.console.told("GET", "/syncs/large/preview")
        assert (told["listed"], told["complete"], self.lists(joined) - lists) == (1000, False, 5)
        joined.sandbox.post("seed", {"vendor": "zoho-books", "account": "demo", "size": 230, "seed": 7})

    def test_knows_consent_at_the_target_and_who_shares_an_address(self, joined: Joined) -> None:
        joined.sandbox.post(
            "seed", {"vendor": "zoho-books", "account": "demo", "size": 100, "seed": 7, "trouble": True}
        )
        joined.apply("consent")
        unknown = joined.console.told("GET", "/syncs/consent/preview?unmask=true&limit=200")
        assert unknown["skipped_by_reason"] == {"no_email": 5, "shares_target": 5}
        emails = [
            change["after"]
            for one in unknown["samples"]
            if one["kind"] == "add"
            for change in one["changes"]
            if change["field"] == "email"
        ]
        # What the writer remembers of three of them: deleted for good, refused because they left, archived by somebody.
        memories: list[tuple[bool, dict[str, str], dict[str, str]]] = [
            (False, {}, {"barred": "forgotten"}), (False, {}, {"barred": "compliance"}), (True, {"standing": "archived"}, {}),
        ]  # fmt: skip
        for email, (present, seen, memory) in zip(emails, memories, strict=False):
            joined.rows(
                """insert into flow.target_record (account, place, target_entity, key, present, met, seen, memory, changed_at)
                   select c.account, $1, 'member', $2, $3, true, $4::text::jsonb, $5::text::jsonb, now() from core.connection c where c.vendor = 'mailchimp'""",
                LIST, email.lower(), present, json.dumps(seen), json.dumps(memory),
            )  # fmt: skip
        told = joined.console.told("GET", "/syncs/consent/preview")
        assert told["skipped_by_reason"] == {
            "no_email": 5, "shares_target": 5, "forgotten": 1, "compliance": 1, "not_at_target": 1,
        }  # fmt: skip
        assert told["add"] == unknown["add"] - 3 and told["total"] == unknown["total"] == 100
        # What the audience shows of three more: archived by somebody, left, still there. Whoever left is updated, as in the run.
        for email, happened in zip(emails[3:6], ("archive", "unsubscribe", "profile"), strict=True):
            for action in ("subscribe", happened):
                joined.sandbox.post("mailchimp/demo/people", {"action": action, "email": email})
        shown = joined.console.told("GET", "/syncs/consent/preview?unmask=true&limit=200")
        assert shown["skipped_by_reason"] == told["skipped_by_reason"] | {"not_at_target": 2}
        assert (shown["add"], shown["update"]) == (told["add"] - 3, 2)
        # What is as wished already is no change of theirs.
        changed = [{row["field"] for row in one["changes"]} for one in shown["samples"] if one["kind"] == "update"]
        assert len(changed) == 2 and all("merge.FNAME" in fields and "email" not in fields for fields in changed)

    def test_a_source_that_cannot_be_listed_is_named_and_refuses_nothing(self, joined: Joined) -> None:
        joined.apply("away")
        joined.sandbox.post("faults", {"vendor": "zoho-books", "kind": "status", "status": 502})
        told = joined.console.told("GET", "/syncs/away/preview")
        joined.sandbox.delete("faults")
        assert (told["listed"], told["total"]) == (0, 0)
        assert "could not be listed" in told["warnings"][0]


MORE = "more_rows"
FNAME = "merge.FNAME"
# What is wrong with the file, the code it is refused with, and words that the person needs.
WRONG: Mapping[str, tuple[dict[str, Any], str, str]] = {
    "a wrong path": ({MORE: [{"target": FNAME, "from": "frist_name"}]}, "MAPPING_PATH_UNKNOWN", "first_name"),
    "a wrong part": ({MORE: [{"target": FNAME, "from": "billing.citty"}]}, "MAPPING_PATH_UNKNOWN", "billing.citty"),
    "an unknown transform": ({MORE: [{"target": FNAME, "from": "name", "transforms": ["shout"]}]}, "MAPPING_TRANSFORM_UNKNOWN", "trim"),
    "a wrong type": ({MORE: [{"target": "merge.ADDRESS", "from": "email"}]}, "MAPPING_TYPE_MISMATCH", "takes address"),
    "a missing required field": ({"rows": [{"target": FNAME, "from": "name"}]}, "MAPPING_REQUIRED_MISSING", "email"),
    "a required field of the audience": ({"place": STRICT}, "MAPPING_REQUIRED_MISSING", "merge.CUSTNO"),
    "an enormous expression": ({MORE: [{"target": FNAME, "from": "a" * 2000}]}, "MAPPING_EXPRESSION_INVALID", "2000 characters"),
    "no expression": ({MORE: [{"target": FNAME, "from": "name["}]}, "MAPPING_EXPRESSION_INVALID", "not JMESPath"),
    "a field that is not there": ({MORE: [{"target": "merge.NOPE", "from": "name"}]}, "MAPPING_TARGET_UNKNOWN", "no such field"),
    "a new field that is not allowed": ({MORE: [{"target": "merge.EXTRA", "from": "name", "new_field": "text"}]}, "SYNC_FIELD_NOT_CREATED", "create_fields"),
    "a row that is none": ({MORE: [{"from": "name"}]}, "MAPPING_ROW_INVALID", "`target` and `from`"),
    "an unknown template": ({"template": "books-to-nowhere"}, "TEMPLATE_UNKNOWN", "zoho-books-to-mailchimp"),
    "a vendor that is not connected": ({"target": "nobody"}, "SYNC_CONNECTION_UNKNOWN", "mailchimp"),
    "the other vendor": ({"target": "books"}, "SYNC_CONNECTION_VENDOR", "zoho-books"),
    "an audience that was deleted": ({"place": "ffffffffff"}, "SYNC_PLACE_UNKNOWN", LIST),
    "an unknown option": ({"options": {"on_delte": "tag"}}, "SYNC_OPTION_UNKNOWN", "on_delete"),
    "an option's wrong value": ({"options": {"on_delete": "burn"}}, "MAPPING_ROW_INVALID", "archive"),
    "a filter that is none": ({"filter": "status =="}, "MAPPING_EXPRESSION_INVALID", "filter"),
}  # fmt: skip


class TestBadInput:
    @pytest.mark.parametrize("what", WRONG)
    def test_is_one_clear_error_and_nothing_is_written(self, joined: Joined, what: str) -> None:
        more, code, words = WRONG[what]
        before = joined.writes()
        told = joined.refused("wrong", **more)
        (problem,) = told["problems"]
        assert (told["code"], problem["code"]) == (code, code)
        assert words in f"{problem['words']} {problem['remedy']} {problem['field']}"
        assert problem["remedy"] and problem["field"]
        assert bool(problem["row"]) == bool(more.get(MORE))
        assert joined.writes() == before
        assert not joined.rows("select from core.sync where name = 'wrong'")

    def test_everything_that_is_wrong_is_told_at_once(self, joined: Joined) -> None:
        rows = [
            {"target": FNAME, "from": "frist_name"},
            {"target": "merge.NOPE", "from": "name", "transforms": ["shout"]},
        ]
        told = joined.refused("wrong", more_rows=rows, options={"on_delte": "tag"}, source="nobody")
        assert told["code"] == "SYNC_INVALID"
        assert {one["code"] for one in told["problems"]} == {
            "SYNC_OPTION_UNKNOWN", "SYNC_CONNECTION_UNKNOWN", "MAPPING_TARGET_UNKNOWN", "MAPPING_TRANSFORM_UNKNOWN",
        }  # fmt: skip
        assert {one["row"] for one in told["problems"]} == {0, 13}

    def test_a_sync_stays_where_it_is(self, joined: Joined) -> None:
        joined.apply("staying")
        more = [{"target": "merge.CUSTNO", "from": "name"}]
        assert joined.refused("staying", 409, place=STRICT, more_rows=more)["code"] == "SYNC_MOVED"

    def test_a_connection_without_the_scope_is_said_before_anything_is_made(self, joined: Joined) -> None:
        console = joined.console
        connection = connect_without(console, "no settings", "ZohoBooks.settings.CREATE")
        writes = joined.writes()
        told = joined.refused("wrong", source="no settings")
        (problem,) = told["problems"]
        assert (told["code"], problem["field"]) == ("CALL_NOT_PERMITTED", "webhooks")
        assert "scope" in problem["words"] and "Reconnect" in problem["remedy"]
        assert not [hook for hook in joined.state("zoho-books")["webhooks"] if connection in hook["url"]]
        assert not joined.rows("select from core.sync where name = 'wrong'")
        assert joined.writes() <= writes + 2  # the refused call, tried once more with a fresh token

    def test_a_custom_field_that_no_record_has_is_known_and_one_that_nobody_made_is_not(self, joined: Joined) -> None:
        people = {"do": "add_custom_field", "module": "contact", "label": "Berth", "api_name": "cf_berth"}
        joined.sandbox.post("zoho-books/demo/people", people)
        row = {"target": "merge.BERTH", "from": "custom.cf_berth", "new_field": "text"}
        told = joined.apply("berths", query="?dry_run=true", create_fields=True, more_rows=[row])
        assert not [one for one in told["warnings"] if "no custom field" in one]
        (problem,) = joined.refused("berths", create_fields=True, more_rows=[row | {"from": "custom.cf_birth"}])[
            "problems"
        ]
        assert problem["code"] == "MAPPING_PATH_UNKNOWN" and "cf_berth" in problem["words"]

    def test_where_the_vendor_shows_no_list_of_fields_those_of_records_are_known(self, joined: Joined) -> None:
        fields = {"custom": {"cf_hold": "4", "cf_segment": "Gold"}}
        joined.rows(
            "insert into flow.record_state (connection, entity, record, sequence, fields, first_at, changed_at)"
            " values ($1, 'customer', 'hold', '1', $2, now(), now())", joined.books, json.dumps(fields),
        )  # fmt: skip
        joined.sandbox.post("faults", {"vendor": "zoho-books", "route": "GET /settings/fields", "kind": "status", "status": 404})  # fmt: skip
        rows = [{"target": "merge.HOLD", "from": f"custom.{name}", "new_field": "text"} for name in ("cf_hold", "cf_nobody_knows")]  # fmt: skip
        try:
            warnings = [joined.apply("holds", query="?dry_run=true", create_fields=True, more_rows=[row])["warnings"] for row in rows]  # fmt: skip
        finally:
            joined.sandbox.delete("faults")
            joined.rows("delete from flow.record_state where record = 'hold'")
        assert not [one for one in warnings[0] if "no custom field" in one]
        # Somebody may have it: nobody could say which fields there are.
        assert [one for one in warnings[1] if "no custom field 'cf_nobody_knows'" in one]

    def test_a_vendor_that_is_away_is_no_fault_of_the_file(self, joined: Joined) -> None:
        joined.sandbox.post("faults", {"vendor": "mailchimp", "route": "GET /lists", "kind": "status", "status": 503})
        try:
            assert joined.refused("wrong", 503)["code"] == "SYNC_VENDOR_AWAY"
        finally:
            joined.sandbox.delete("faults")


def connect_without(console: Console, name: str, scope: str) -> str:
    """A Books connection to which the person gave less than was asked for."""
    begun = console.add_books(name)
    browser = Browser()
    parts = urlsplit(browser.to_vendor(begun["road"]["start_url"]))
    asked = dict(parse_qsl(parts.query))
    asked["scope"] = ",".join(one for one in asked["scope"].split(",") if one != scope)
    back = browser.decide(parts._replace(query=urlencode(asked)).geturl())
    assert browser.get(back).status_code == 200
    connection = str(begun["connection"]["id"])
    assert console.told("GET", f"/connections/{connection}/road?wait_s=10")["state"] == "connected"
    return connection


class TestSwitching:
    def test_pause_and_resume(self, joined: Joined) -> None:
        joined.apply("switched")
        assert joined.console.told("POST", "/syncs/switched/pause")["standing"] == "Paused"
        assert joined.apply("switched")["state"] == "paused"
        assert joined.console.told("POST", "/syncs/switched/resume")["standing"] == "Healthy"
        assert joined.console.told("GET", "/syncs/switched")["mapping_version"] == 1

    def test_a_disabled_one_keeps_its_members_or_is_archived(self, joined: Joined) -> None:
        joined.apply("closing")
        for path, kept in (("disable", "keep"), ("disable?archive=true", "archive"), ("disable", "keep")):
            joined.console.told("POST", f"/syncs/closing/{path}")
            rows = query(
                joined.console.world.database, "select state, on_disable from core.sync where name = 'closing'"
            )
            assert [tuple(row) for row in rows] == [("disabled", kept)]

    def test_after_a_disabled_time_everything_is_judged_again(self, joined: Joined) -> None:
        joined.apply("disabled")
        assert joined.console.told("POST", "/syncs/disabled/disable")["standing"] == "Disabled"
        assert joined.console.told("POST", "/syncs/disabled/pause", 409)["code"] == "SYNC_STATE"
        resumed = joined.console.told("POST", "/syncs/disabled/resume")
        # A new version is what the mapper judges all stored records by.
        assert (resumed["state"], resumed["mapping_version"]) == ("active", 2)

    def test_unknown_and_listed(self, joined: Joined) -> None:
        assert joined.console.told("GET", "/syncs/nobody", 404)["code"] == "SYNC_UNKNOWN"
        joined.apply("a-first")
        names, cursor = [], ""
        while True:
            page = joined.console.told("GET", f"/syncs?limit=2&cursor={cursor}")
            names += [one["name"] for one in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert names == sorted(names) and "a-first" in names


class TestWebhooks:
    def test_a_lost_key_makes_the_audiences_webhook_anew(self, joined: Joined) -> None:
        joined.apply("hooked")
        broker = joined.console.broker
        before = set(joined.sandbox_hook_ids())
        secrets = broker.call("GET", f"/v1/webhook-secrets/{joined.chimp}").json()["secrets"]
        (secret,) = [one for one in secrets if one["slot"].startswith("people-")]
        broker.call("DELETE", f"/v1/webhook-secrets/{joined.chimp}?slot={secret['slot']}")
        assert joined.apply("hooked")["webhooks"] == [
            "chimp: key of the audience's webhook for what people and sign-up forms do"
        ]
        after = set(joined.sandbox_hook_ids())
        assert (len(after), len(after & before)) == (2, 1)
        assert len(broker.call("GET", f"/v1/webhook-secrets/{joined.chimp}").json()["secrets"]) == 2

    def test_a_lost_secret_is_given_to_the_webhooks_that_are_there(self, joined: Joined) -> None:
        joined.apply("hooked")
        broker, before = joined.console.broker, joined.hooks()
        broker.call("DELETE", f"/v1/webhook-secrets/{joined.books}?slot=default")
        joined.apply("hooked")
        (secret,) = broker.call("GET", f"/v1/webhook-secrets/{joined.books}").json()["secrets"]
        after = joined.hooks()
        assert [one["webhook_id"] for one in after["books"]] == [one["webhook_id"] for one in before["books"]]
        assert {one["secret"] for one in after["books"]} == {secret["secret"]}

    def test_what_somebody_took_away_comes_back(self, joined: Joined) -> None:
        joined.apply("hooked")
        rule, other = joined.hooks()["rules"][:2]
        joined.operate("DELETE", f"/settings/workflows/{rule['workflow_id']}")
        joined.operate("POST", f"/settings/workflows/{other['workflow_id']}/inactive")
        assert len(joined.apply("hooked")["webhooks"]) == 2
        found = joined.hooks()
        assert (len(found["books"]), len(found["rules"])) == (3, 3) and all(one["is_active"] for one in found["rules"])

    def test_another_public_address_moves_them(self, joined: Joined) -> None:
        joined.apply("hooked")
        moved = joined.public_url.replace("127.0.0.1", "localhost")
        console = Console(joined.console.world, joined.console.broker, joined.console.redis_url).start(
            MILLRACE_PUBLIC_URL=moved
        )
        try:
            console.told("POST", "/syncs", json=joined.file("hooked"))
            found = joined.hooks()
            assert {urlsplit(one["url"]).hostname for one in found["books"] + found["audience"]} == {"localhost"}
            assert (len(found["books"]), len(found["audience"])) == (3, 2)
        finally:
            console.kill()
        joined.apply("hooked")


class TestLeaving:
    """A connection that leaves takes along the webhooks that no audit has removed yet."""

    @pytest.fixture
    def leaving(self, joined: Joined, request: pytest.FixtureRequest) -> str:
        """A connection with webhooks, and no sync any more that wants them."""
        name = request.node.name.replace("_", "-")[:40]
        connection = joined.console.connect_books(name)
        joined.apply(name, source=name)
        joined.console.told("POST", f"/syncs/{name}/disable", json={})
        joined.rows("insert into flow.channel (connection, next_at) values ($1, now())", connection)
        joined.rows(
            "insert into flow.channel_subject (connection, subject, since) values ($1, 'customer', now())", connection
        )
        assert len(self.hooks_of(joined, connection)) == 3
        return connection

    def hooks_of(self, joined: Joined, connection: str) -> list[Any]:
        return [one for one in joined.state("zoho-books")["webhooks"] if connection in one["url"]]

    def test_they_are_removed_and_nobody_elses(self, joined: Joined, leaving: str) -> None:
        before = joined.hooks()
        assert joined.console.told("DELETE", f"/connections/{leaving}")["revoked"] == "yes"
        assert self.hooks_of(joined, leaving) == []
        assert joined.hooks() == before

    def test_a_vendor_that_is_away_is_waited_for_by_nobody_who_asks(self, joined: Joined, leaving: str) -> None:
        busy = {"vendor": "zoho-books", "route": "GET /settings/webhooks", "kind": "status", "status": 503}
        joined.sandbox.post("faults", busy)
        try:
            assert joined.console.told("DELETE", f"/connections/{leaving}", 202)["revoked"] == "waiting"
            assert len(self.hooks_of(joined, leaving)) == 3
        finally:
            joined.sandbox.delete("faults")
        joined.console.wait_for(leaving, "deleted")
        assert self.hooks_of(joined, leaving) == []
