"""The declared topics come to be as declared, once, and `millrace topic` shows them and what is on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common.bus.connection import KafkaAddress
from common.bus.topics_admin import TopicsRefused, create_topics, topic_states
from common.contracts.topics import Topic
from tests.support import programs
from tests.support.bus import a_topic, create, plain_producer, until
from tests.support.local_stack import LocalStack
from vendors.registry import TOPICS

# Yesterday, so that retention keeps it and no record is as young as a second.
BASE = int(time.time() - 86_400) // 1000 * 1_000_000
CUSTOMER = {"id": "e1", "record": "42", "fields": {"email": "anna@example.org", "status": "active"}}


def run(stack: LocalStack, *words: str, module: str = "millrace") -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    done = programs.run(module, *words, environment={**environment, "KAFKA_BOOTSTRAP_SERVERS": stack.kafka}, within=60)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
async def filled(stack: LocalStack) -> Topic:
    topic = await create(stack.kafka, a_topic())
    async with plain_producer(stack.kafka) as producer:
        for number in range(12):
            await producer.send_and_wait(
                topic.name,
                json.dumps({**CUSTOMER, "revision": number}).encode(),
                key=f"c{number % 2}:customer:{number}".encode(),
                partition=number % 3,
                timestamp_ms=BASE + number * 1000,
                headers=[("ce_type", b"millrace.test.customer.changed.v1")],
            )
    return topic


def at(second: int, offset: str) -> str:
    """The time of a record as somebody in another zone writes it."""
    zone = datetime.strptime(offset, "%z").tzinfo
    return datetime.fromtimestamp(BASE / 1000 + second, zone).isoformat()


def revisions(out: str) -> list[int]:
    return [json.loads(line)["value"]["revision"] for line in out.splitlines()]


class TestTopicsAdmin:
    def test_every_declared_topic_is_created_once(self, stack: LocalStack) -> None:
        assert run(stack, module="millrace.topic_setup")[0] == 0
        assert run(stack, module="millrace.topic_setup") == (0, "All topics are there.\n", "")

    async def test_they_are_as_declared(self, stack: LocalStack) -> None:
        address = KafkaAddress(stack.kafka)
        await create_topics(address, TOPICS)
        states = await topic_states(address, [topic.name for topic in TOPICS])
        for topic in TOPICS:
            assert states[topic.name].partitions == topic.partitions
            assert states[topic.name].config["retention.ms"] == str(topic.retention // timedelta(milliseconds=1))
            assert states[topic.name].config["cleanup.policy"] == "delete"

    async def test_another_partition_count_is_refused(self, stack: LocalStack) -> None:
        topic = await create(stack.kafka, a_topic(partitions=2))
        with pytest.raises(TopicsRefused, match="has 2 partitions and is declared with 3"):
            await create_topics(KafkaAddress(stack.kafka), [replace(topic, partitions=3)])

    async def test_a_newly_declared_retention_reaches_the_broker(self, stack: LocalStack) -> None:
        topic = await create(stack.kafka, a_topic())
        assert await create_topics(KafkaAddress(stack.kafka), [replace(topic, retention=timedelta(days=2))]) == []

        async def heard() -> bool:
            states = await topic_states(KafkaAddress(stack.kafka), [topic.name])
            return states[topic.name].config["retention.ms"] == str(2 * 86_400_000)

        await until(heard, "the new retention")

    def test_no_broker_is_one_sentence(self, stack: LocalStack) -> None:
        code, _, said = run(replace(stack, kafka="127.0.0.1:1"), module="millrace.topic_setup")
        assert code == 75
        assert len(said.strip().splitlines()) == 1
        assert "does not answer" in said


class TestRead:
    def test_the_oldest_first_personal_data_hidden(self, stack: LocalStack, filled: Topic) -> None:
        code, out, _ = run(stack, "topic", "read", filled.name, "--json", "--count", "4")
        assert (code, revisions(out)) == (0, [0, 1, 2, 3])
        first = json.loads(out.splitlines()[0])
        assert (first["partition"], first["offset"], first["key"]) == (0, 0, "c0:customer:0")
        assert first["value"]["fields"] == {"email": "***", "status": "active"}
        assert "anna" not in out

    def test_unmasked_when_asked(self, stack: LocalStack, filled: Topic) -> None:
        assert "anna@example.org" in run(stack, "topic", "read", filled.name, "--unmask", "--count", "1")[1]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--offset", "-1", "--count", "0"], [9, 10, 11]),
            (["--offset", "3", "--partition", "1"], [10]),
            (["--partition", "2"], [2, 5, 8, 11]),
            (["--key", "c1:"], [1, 3, 5, 7, 9, 11]),
            (["--key", "c1:", "--count", "2"], [1, 3]),
            (["--from", at(5, "+00:00"), "--to", at(8, "+01:00")], [5, 6, 7]),
            (["--offset", "latest"], []),
            (["--from", "1s"], []),
        ],
    )
    def test_by_offset_time_key_and_partition(
        self, stack: LocalStack, filled: Topic, options: list[str], expected: list[int]
    ) -> None:
        code, out, _ = run(stack, "topic", "read", filled.name, "--json", *options)
        assert code == 0
        assert sorted(revisions(out)) == expected

    @pytest.mark.parametrize(
        ("words", "code", "words_said"),
        [
            (["read", "no.such.topic"], 3, "There is no topic no.such.topic"),
            (["read", "{topic}", "--partition", "9"], 3, "has no partition 9"),
            (["read", "{topic}", "--offset", "x"], 2, "x is no offset"),
            (["read", "{topic}", "--from", "yesterday"], 2, "yesterday is no time"),
        ],
    )
    def test_a_mistake_is_one_sentence_and_a_code(
        self, stack: LocalStack, filled: Topic, words: list[str], code: int, words_said: str
    ) -> None:
        done, out, said = run(stack, "topic", *(word.format(topic=filled.name) for word in words))
        assert (done, out) == (code, "")
        assert words_said in said
        assert "Traceback" not in said

    def test_a_broker_that_is_away_is_said(self, stack: LocalStack) -> None:
        code, _, said = run(replace(stack, kafka="127.0.0.1:1"), "topic", "list")
        assert code == 7
        assert "Kafka does not answer" in said


class TestTail:
    def test_shows_what_comes(self, stack: LocalStack, filled: Topic) -> None:
        process = _tail(stack, filled, "--count", "2")
        out = _sent_until_seen(process, stack, filled)
        assert [json.loads(line)["value"]["record"] for line in out.splitlines()] == ["new", "new"]


class TestListAndDescribe:
    def test_list_names_what_is_declared(self, stack: LocalStack) -> None:
        run(stack, module="millrace.topic_setup")
        code, out, _ = run(stack, "topic", "list", "--json")
        assert code == 0
        rows = {row["name"]: row for row in json.loads(out)}
        assert set(rows) == {topic.name for topic in TOPICS}
        assert all(row["exists"] for row in rows.values())

    def test_describe_tells_partitions_and_settings(self, stack: LocalStack, filled: Topic) -> None:
        code, out, _ = run(stack, "topic", "describe", filled.name, "--json")
        assert code == 0
        found = json.loads(out)
        assert [held["end"] for held in found["partitions"]] == [4, 4, 4]
        assert found["retention_days"] == 30

    def test_asyncapi_is_the_document_of_all_topics(self, stack: LocalStack) -> None:
        code, out, _ = run(stack, "topic", "asyncapi")
        assert code == 0
        assert set(json.loads(out)["channels"]) == {topic.name for topic in TOPICS}


def _tail(stack: LocalStack, topic: Topic, *options: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "millrace", "topic", "tail", topic.name, "--json", *options],
        env={**environment, "KAFKA_BOOTSTRAP_SERVERS": stack.kafka}, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip


def _sent_until_seen(process: subprocess.Popen[str], stack: LocalStack, topic: Topic) -> str:
    """Sends until the command has seen enough: it does not say when it has begun to listen."""
    import asyncio

    async def send() -> None:
        async with plain_producer(stack.kafka) as producer:
            deadline = time.monotonic() + 60
            while process.poll() is None:
                assert time.monotonic() < deadline, "tail saw nothing"
                await producer.send_and_wait(topic.name, b'{"record": "new"}', key=b"k")
                await asyncio.sleep(0.1)

    asyncio.run(send())
    out: Any = process.stdout
    return str(out.read())
