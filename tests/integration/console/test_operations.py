"""`millrace sync|record|dead-letter|group` as scripts and people use them, and groups and retries on a real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from common.bus import groups
from common.bus.connection import KafkaAddress
from common.bus.reading import ReadFrom, read
from common.bus.republishing import headers_of, republisher
from common.contracts.topics import Topic
from common.failures import FailureClass
from common.state.dead_letters import DeadLetter, StoredLetter
from tests.support.bus import a_topic, create, plain_producer
from tests.support.local_stack import LocalStack
from tests.support.shell import Shell
from tests.support.syncs import Joined, front_door, joined

__all__ = ["front_door", "joined"]

# Recent, or the broker's retention takes them at once.
BEGAN_MS = int(time.time() - 3600) * 1000
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FILE = """
name: piped
template: zoho-books-to-mailchimp
source: books
target: chimp
place: a6b5da1054
"""


@pytest.fixture
def shell(joined: Joined, tmp_path: Path) -> Shell:
    return Shell(tmp_path, joined.console.url, joined.console.token_path)


class TestSync:
    def test_from_a_file_to_paused_and_back(self, shell: Shell) -> None:
        (shell.folder / "sync.yaml").write_text(FILE)
        planned = shell.run("sync", "apply", "-f", "sync.yaml", "--dry-run")
        assert "piped would be created: mapping version 1" in planned.stdout
        applied = shell.run("sync", "apply", "-f", "sync.yaml")
        assert (
            "piped created: mapping version 1, active." in applied.stdout
            and "merge.SHIPPING is left out" in applied.stderr
        )
        assert shell.told("sync", "apply", "-f", "-", said=FILE)["outcome"] == "unchanged"
        assert (
            "is paused" in shell.run("sync", "pause", "piped").stdout and "Paused" in shell.run("sync", "list").stdout
        )
        assert shell.told("sync", "resume", "piped")["standing"] == "Healthy"
        shown = shell.run("sync", "show", "piped").stdout
        assert "email            <- email | trim  required" in shown
        assert "Nothing has been read" in shell.run("sync", "preview", "piped").stdout
        assert "--read or --keep" in shell.run("sync", "missing", "piped", code=2).stderr
        assert "SYNC_NOTHING_MISSING" in shell.run("sync", "missing", "piped", "--keep", code=5).stderr
        began = shell.told("sync", "run", "piped", "--full")
        assert began["run"].startswith("piped.backfill.") and (began["state"], began["calls"]) == ("Reading", {})
        assert "SYNC_RUN_PENDING" in shell.run("sync", "run", "piped", code=5).stderr
        (run,) = [one for one in shell.told("sync", "history", "piped")["items"] if one["kind"] == "first"]
        assert (run["id"], run["kind"], run["total"], run["closes"]) == ("piped.v1", "first", 0, True)
        assert "Change a record at the source" in shell.run("sync", "history", "piped").stdout
        assert "piped.v1" in shell.run("run", "list").stdout
        assert "The books close" in shell.run("run", "show", "piped.v1").stdout
        assert shell.told("run", "show", "piped.v1", "--outcome", "skipped")["records"] == []
        assert shell.run("run", "export", "piped.v1").stdout.split() == [
            "entity,record,revision,outcome,reason,entered_at,ended_at"
        ]
        assert "RUN_UNKNOWN" in shell.run("run", "show", "piped.v9", code=3).stderr
        assert "is no end of a record" in shell.run("run", "show", "piped.v1", "--outcome", "gone", code=2).stderr

    def test_every_problem_stands_on_its_line_with_its_remedy(self, shell: Shell) -> None:
        wrong = FILE + "more_rows: [{target: merge.FNAME, from: frist_name}, {target: merge.NOPE, from: name}]\n"
        told = shell.run("sync", "apply", "-f", "-", code=2, said=wrong).stderr
        assert "2 problems; nothing was written." in told
        assert "row 12 (merge.FNAME)" in told and "row 13 (merge.NOPE)" in told and "[MAPPING_TARGET_UNKNOWN]" in told
        assert "Choose a field of the target's catalogue" in told

    @pytest.mark.parametrize(
        ("text", "words"),
        [("a: [", "is not YAML"), ("- a", "holds no sync"), ("a: 2020-01-01", "no text"), ("a: 1", "name")],
    )
    def test_a_file_that_is_none(self, shell: Shell, text: str, words: str) -> None:
        assert words in shell.run("sync", "apply", "-f", "-", code=2, said=text).stderr

    def test_exit_codes(self, shell: Shell) -> None:
        assert "sync list" in shell.run("sync", "show", "nobody", code=3).stderr
        assert "cannot be read" in shell.run("sync", "apply", "-f", "missing.yaml", code=2).stderr
        assert "Name a sync" in shell.run("sync", "preview", code=2).stderr


class TestActivity:
    @pytest.fixture
    def customer(self, joined: Joined, shell: Shell) -> Iterator[str]:
        """One who subscribed, edited the profile and left, and what another one did."""
        shell.run("sync", "apply", "-f", "-", said=FILE)
        (leg,) = joined.rows(
            "select l.sync, l.name, s.account from core.leg l join core.connection s on s.id = l.source_connection where l.source_connection = $1",
            joined.books,
        )
        joined.rows(
            "insert into flow.record_state (connection, entity, record, fields, sequence, first_at, changed_at)"
            """ select $1, 'customer', r, '{"email": "ana@ex.org"}', '1', now(), now() from (values ('58'), ('59')) as n(r)""",
            joined.books,
        )
        joined.rows(
            "insert into flow.activity (connection, entity, record, event_id, kind, source, at, fields, reason, told_by, account, place, key, kept_at)"
            " select $1, 'customer', r, e, k, 'event', at::timestamptz, f::jsonb, w, $2, 'm', 'a6b5da1054', 'ana@ex.org', now() from (values"
            """ ('58', 'e1', 'subscribed', '2026-05-04T10:00:00Z', '[]', ''), ('58', 'e2', 'profile', '2026-05-05T10:00:00Z', '["FNAME"]', ''),"""
            """ ('58', 'e3', 'unsubscribed', '2026-05-06T10:00:00Z', '[]', '=abuse'), ('60', 'e1', 'subscribed', '2026-05-04T10:00:00Z', '[]', ''))"""
            " as n(r, e, k, at, f, w)",
            joined.books, joined.chimp,
        )  # fmt: skip
        joined.rows(
            "insert into flow.target_owner (account, place, target_entity, key, sync, entity, record, standing, since, source_account)"
            " values ('m', 'a6b5da1054', 'member', 'ana@ex.org', $1, $2, '58', 'live', now(), $3)",
            leg["sync"], leg["name"], leg["account"],
        )  # fmt: skip
        joined.rows(
            "insert into flow.target_record (account, place, target_entity, key, seen, changed_at) values ('m', 'a6b5da1054', 'member', 'ana@ex.org',"
            """ '{"standing": "unsubscribed", "open_rate": "0.305", "click_rate": "0.1"}', now())"""
        )
        yield "58"
        for table in ("activity", "target_owner", "target_record", "record_state"):
            joined.rows(f"delete from flow.{table}")

    def test_is_told_the_newest_first_with_how_it_stands(self, shell: Shell, customer: str) -> None:
        found = shell.told("activity", "list", customer)
        assert [(one["kind"], one["fields"], one["member"]) for one in found["items"]] == [
            ("unsubscribed", [], "a***@ex.org"), ("profile", ["FNAME"], "a***@ex.org"), ("subscribed", [], "a***@ex.org"),
        ]  # fmt: skip
        assert (found["members"][0]["standing"], found["members"][0]["open_rate"]) == ("left", "0.305")
        said = shell.run("activity", "list", customer, "--unmask").stdout.splitlines()
        assert said[0] == "ana@ex.org in a6b5da1054: left, opens 30%, clicks 10%"
        assert said[1].endswith("ana@ex.org unsubscribed (=abuse)") and said[2].endswith("edited the profile (FNAME)")
        later = shell.told("activity", "list", customer, "--since", "2026-05-05T11:00:00Z")
        assert [one["event_id"] for one in later["items"]] == ["e3"]
        assert shell.run("activity", "list", "59").stdout == "Nothing has happened yet.\n"
        told = shell.run("record", "timeline", customer).stdout
        assert "Activity: a***@ex.org unsubscribed" in told

    def test_pages_follow_each_other_and_a_table_has_them_all(
        self, joined: Joined, shell: Shell, customer: str
    ) -> None:
        first = joined.console.told("GET", f"/customers/{customer}/activity?limit=2")
        second = joined.console.told("GET", f"/customers/{customer}/activity?limit=2&cursor={first['next_cursor']}")
        assert [one["event_id"] for one in first["items"] + second["items"]] == ["e3", "e2", "e1"]
        assert second["next_cursor"] is None
        head, *lines = shell.run("activity", "export", customer).stdout.splitlines()
        assert head.startswith("at,kind,source,reason,fields") and len(lines) == 3
        assert ",unsubscribed,event,'=abuse," in lines[0], "no cell is a formula"

    def test_of_nobody_says_what_to_do(self, joined: Joined, shell: Shell, customer: str) -> None:
        assert "sync list" in shell.run("activity", "list", "nobody", code=3).stderr
        assert joined.console.told("GET", "/customers/nobody/activity", 404)["code"] == "RECORD_UNKNOWN"
        wrong = joined.console.told("GET", f"/customers/{customer}/activity?cursor=x", 422)
        assert wrong["code"] == "CURSOR_INVALID"


class TestWaiting:
    def test_empty_lists_say_so(self, shell: Shell) -> None:
        for words in (("dead-letter", "list"), ("dead-letter", "groups")):
            assert shell.run(*words).stdout == "Nothing waits for a person.\n"
        assert shell.told("dead-letter", "list") == {"items": [], "total": 0, "next_cursor": None}

    def test_exit_codes_and_next_steps(self, shell: Shell) -> None:
        assert "sync list" in shell.run("record", "find", "nobody@example.org", code=3).stderr
        assert shell.told("record", "find", "nobody@example.org", code=3) == {"items": []}
        shell.run("record", "timeline", "nobody@example.org", code=3)
        assert "dead-letter list" in shell.run("dead-letter", "show", "99", code=3).stderr
        assert "--group" in shell.run("dead-letter", "retry", code=2).stderr
        assert "--reason" in shell.run("dead-letter", "discard", "99", code=2).stderr
        assert "--yes" in shell.run("dead-letter", "retry", "--group", "MC_INVALID", code=2).stderr
        assert shell.told("dead-letter", "retry", "--group", "MC_INVALID", "--dry-run")["records"] == 0

    @pytest.mark.parametrize("noun", ["sync", "record", "dead-letter", "group", "link"])
    def test_every_command_has_two_examples(self, noun: str) -> None:
        from importlib import import_module

        from typer.main import get_command

        for name, command in get_command(
            import_module(f"millrace.commands.{noun.replace('-', '_')}").app
        ).commands.items():  # type: ignore[attr-defined]
            assert command.help.count(f"millrace {noun} ") >= 2, name


class TestLinks:
    FILE = "left_account,left_entity,left_id,right_account,right_place,right_entity,right_key\nbooks,customer,7,chimp,list,member,ana@example.org\n"

    def test_from_an_empty_list_to_one_that_was_taken_apart(self, shell: Shell) -> None:
        assert "There are no links yet" in shell.run("link", "list").stdout
        ends = ("books/customer/7", "chimp/member/ana@example.org", "--right-place", "list")
        assert "1 links would be made" in shell.run("link", "add", *ends, "--dry-run").stdout
        assert "1 links made" in shell.run("link", "add", *ends, "--reason", "the same").stdout
        assert "0 links made, 0 linked again, 1 there already" in shell.run("link", "add", *ends).stdout
        (one,) = shell.told("link", "list", "ana@example.org", "--unmask")["items"]
        assert (one["left"]["connection"], one["left"]["id"], one["right"]["key"], one["state"]) == (
            "books", "7", "ana@example.org", "linked",
        )  # fmt: skip
        assert "ana@" not in shell.run("link", "list").stdout
        number = str(one["id"])
        assert "linked" in shell.run("link", "show", number).stdout
        exported = shell.run("link", "export").stdout
        assert "matched again" not in exported and "ana@example.org" in exported
        assert "--yes" in shell.run("link", "remove", number, code=2).stderr
        assert (
            "looks for its counterpart again" in shell.run("link", "remove", number, "--yes", "--reason", "two").stdout
        )
        assert shell.told("link", "list") == {"items": [], "next_cursor": None}
        (shell.folder / "links.csv").write_text(exported)
        assert "0 links made, 1 linked again" in shell.run("link", "import", "links.csv").stdout

    def test_nothing_is_asked(self, shell: Shell) -> None:
        assert shell.run("link", "questions").stdout == "Nothing is asked.\n"
        assert "review list" in shell.run("link", "answer", "99", "left", "--field", "city", code=3).stderr
        assert shell.run("review", "list", "--kind", "match", "--sync", "none").stdout == "Nothing is asked.\n"
        assert "review list" in shell.run("review", "decide", "99", "leave", code=3).stderr

    def test_what_is_wrong_stands_with_its_line_and_exit_code(self, shell: Shell) -> None:
        (shell.folder / "wrong.csv").write_text(self.FILE + "nobody,customer,8,chimp,list,member,b@example.org\n")
        said = shell.run("link", "import", "wrong.csv", code=2).stderr
        assert (
            "Nothing was written." in said and "line 3, left_account: No connection opens the account nobody." in said
        )
        assert "millrace connection add" in said and "[LINK_ACCOUNT_UNKNOWN]" in said
        assert "link list" in shell.run("link", "show", "999999", code=3).stderr
        assert "CONNECTION/ENTITY/ID" in shell.run("link", "add", "books", "chimp", code=2).stderr
        shell.run("link", "import", "missing.csv", code=2)


@pytest.fixture
async def topic(stack: LocalStack) -> AsyncIterator[Topic]:
    made = await create(stack.kafka, a_topic(2))
    async with plain_producer(stack.kafka) as producer:
        for number in range(5):
            await producer.send_and_wait(made.name, b"v", partition=number % 2, timestamp_ms=BEGAN_MS + number * 1000)
    yield made


def consumer(stack: LocalStack, topic: Topic) -> Any:
    return AIOKafkaConsumer(
        topic.name,
        bootstrap_servers=stack.kafka,
        group_id=f"g.{topic.name}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        # It is a member as long as the test says so, however seldom this process has its turn.
        session_timeout_ms=120_000,
    )


async def read_all(stack: LocalStack, topic: Topic) -> Any:
    """A member that has read and committed everything, and is still there."""
    member = consumer(stack, topic)
    await member.start()
    seen = 0
    while seen < 5:
        seen += sum(len(batch) for batch in (await member.getmany(timeout_ms=500)).values())
    await member.commit()
    return member


class TestGroups:
    async def test_a_stopped_group_is_moved_and_an_active_one_is_not(
        self, shell: Shell, stack: LocalStack, topic: Topic
    ) -> None:
        name = f"g.{topic.name}"
        member = await read_all(stack, topic)
        seek = ("group", "seek", "--group", name, "--topic", topic.name, "--to", "earliest")
        try:
            # In a thread: the member's heartbeats go on here meanwhile, however long a command takes.
            plan = await asyncio.to_thread(shell.told, *seek)
            assert (plan["executed"], plan["records"], len(plan["members"])) == (False, 5, 1)
            refused = await asyncio.to_thread(shell.run, *seek, "--execute", "--export", "before.txt", code=5)
            assert "active members" in refused.stderr
            assert (await asyncio.to_thread(shell.told, "group", "lag", name))["lag"] == 0
        finally:
            await member.stop()
        assert "5 records are read again" in shell.run(*seek, "--execute", "--export", "before.txt").stdout
        assert shell.told("group", "lag", name)["lag"] == 5
        assert (shell.folder / "before.txt").read_text().splitlines() == [f"{topic.name} 0 3", f"{topic.name} 1 2"]
        done = shell.told(
            "group", "seek", "--group", name, "--from-file", "before.txt", "--execute", "--export", "again.txt"
        )
        assert (done["executed"], done["records"]) == (True, -5)
        assert shell.told("group", "lag", name)["lag"] == 0

    async def test_to_a_time_an_offset_and_beyond_the_ends(self, stack: LocalStack, topic: Topic) -> None:
        address, name = KafkaAddress(stack.kafka), f"g.{topic.name}"
        await (await read_all(stack, topic)).stop()
        wanted = {
            "1": [1, 1], "-1": [2, 1], "99": [3, 2], "latest": [3, 2], "earliest": [0, 0],
        }  # fmt: skip
        for to, after in wanted.items():
            assert [move.after for move in await groups.moves(address, name, topic.name, to)] == after, to
        moment = datetime.fromtimestamp(BEGAN_MS / 1000 + 2, UTC)
        assert [move.after for move in await groups.moves(address, name, topic.name, moment)] == [1, 1]
        assert await groups.moves(address, name, "no.such.topic", "earliest") == []
        assert await groups.group(address, "no.such.group") is None

    def test_what_kafka_does_not_know(self, shell: Shell, topic: Topic) -> None:
        assert "group list" in shell.run("group", "lag", "nobody", code=3).stderr
        shell.run("group", "seek", "--group", "nobody", "--topic", topic.name, "--to", "earliest", code=3)
        assert "--topic" in shell.run("group", "seek", "--group", "nobody", code=2).stderr


class TestRepublishing:
    async def test_sends_the_same_bytes_to_the_same_place_with_the_reason_beside_them(
        self, stack: LocalStack, topic: Topic
    ) -> None:
        headers = (("ce_id", b"\xff"), ("ce_id", b"2"), ("none", None), ("err_code", b"FORMER"))
        letter = DeadLetter(
            group="mapper", topic=topic.name, partition=1, offset=7, recorded_at=NOON, key=None, value=b"\x00\xff", headers=headers,
            service="mapper", version="1", stage="map", code="HANDLER_BUG", kind=FailureClass.BUG, message="words", at=NOON,
        )  # fmt: skip
        stored = StoredLetter(1, letter, 3, NOON, "open", None, "", "")
        async with republisher(KafkaAddress(stack.kafka)) as sender:
            await sender.send(stored)
        records = [one async for one in read(KafkaAddress(stack.kafka), topic.name, ReadFrom())]
        found = next(one for one in records if one.headers)
        assert (found.partition, found.key, found.value) == (1, None, b"\x00\xff")
        assert found.headers[:3] == headers[:3] and list(found.headers) == headers_of(stored)
        told = dict(found.headers[3:])
        assert (told["err_code"], told["err_offset"], told["err_attempts"], told["err_class"]) == (
            b"HANDLER_BUG",
            b"7",
            b"3",
            b"BUG",
        )
