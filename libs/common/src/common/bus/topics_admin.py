"""Creates topics and refuses those that are not as declared; `python -m millrace.topic_setup` does it for all of an installation.

A topic's partition count is fixed for ever: another count would move keys to other partitions, and records of one key would
overtake each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError, for_code

from common.bus.connection import KafkaAddress
from common.contracts.topics import Topic

_TIMEOUT_S = 20.0
# A broker that is well is unheard of for a few seconds at most.
_UNHEARD_S, _ASKED_AGAIN_S = 12.0, 0.5


class TopicsRefused(Exception):
    """A topic is not as it was declared; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]


async def create_topics(address: KafkaAddress, topics: Iterable[Topic]) -> list[str]:
    """Creates what is missing and returns its names; the same again creates nothing."""
    wanted = list(topics)
    async with administration(address) as admin:
        there = await _partition_counts(admin, [topic.name for topic in wanted])
        _refuse_other_counts(wanted, there)
        missing = [topic for topic in wanted if topic.name not in there]
        if missing:
            await _create(admin, missing)
            await _until_known(admin, [topic.name for topic in missing])
        await _keep_configured(admin, [topic for topic in wanted if topic.name in there])
    return [topic.name for topic in missing]


async def topic_states(address: KafkaAddress, names: Iterable[str]) -> dict[str, TopicState]:
    """The topics among those names that exist."""
    async with administration(address) as admin:
        found = await _described(admin, list(names))
        configs = await _configs(admin, list(found))
    return {
        name: TopicState(name, len(partitions), len(partitions[0]["replicas"]), configs[name])
        for name, partitions in found.items()
    }


async def partitions_of(address: KafkaAddress, topic: str) -> list[int]:
    """The partition numbers of a topic; empty when the broker has no such topic."""
    async with administration(address) as admin:
        # Asking for all topics creates none; asking for one may, on a broker that makes topics up.
        if topic not in await admin.list_topics():
            return []
        return sorted(p["partition"] for p in (await _described(admin, [topic]))[topic])


@asynccontextmanager
async def administration(address: KafkaAddress) -> AsyncIterator[Any]:
    """An administration client, bounded in time."""
    admin = AIOKafkaAdminClient(**address.client_options(), client_id="millrace-admin", request_timeout_ms=10_000)
    async with asyncio.timeout(_TIMEOUT_S):
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()


def configuration(topic: Topic) -> dict[str, str]:
    """The broker's settings of a topic."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(topic.retention.total_seconds() * 1000)),
        "message.timestamp.type": "CreateTime",
        # The topic's own value wins over the broker's `message.max.bytes`, whose default of 1 MiB is too small for a webhook.
        "max.message.bytes": str(topic.max_bytes),
    }


async def _create(admin: Any, topics: list[Topic]) -> None:
    deadline = asyncio.get_running_loop().time() + _UNHEARD_S
    while refused := await _refused(admin, topics):
        error, words = refused
        if error is not InvalidReplicationFactorError or asyncio.get_running_loop().time() > deadline:
            raise TopicsRefused(words)
        # No broker takes a copy while the controller has not heard of it: it starts, or its machine is busy.
        await asyncio.sleep(_ASKED_AGAIN_S)


async def _refused(admin: Any, topics: list[Topic]) -> tuple[type[Exception], str] | None:
    """Why one of them was not made; what another starter was quicker to make is what we wanted."""
    # Three copies where there are three brokers; the client cannot ask for the broker's own default.
    copies = max(1, min(3, len((await admin.describe_cluster())["brokers"])))
    news = [NewTopic(t.name, t.partitions, copies, topic_configs=configuration(t)) for t in topics]
    answer = (await admin.create_topics(news, timeout_ms=10_000)).to_object()
    for outcome in answer["topic_errors"]:
        error = for_code(outcome["error_code"])
        if outcome["error_code"] and error is not TopicAlreadyExistsError:
            words = outcome.get("error_message") or error.__name__
            return error, f"Kafka did not create topic {outcome['topic']}: {words}."
    return None


async def _until_known(admin: Any, names: list[str]) -> None:
    """A broker hears of its new topics a moment after the controller made them."""
    while len(await _partition_counts(admin, names)) < len(names):  # noqa: ASYNC110 - the broker tells nobody
        await asyncio.sleep(0.05)


def _refuse_other_counts(topics: Iterable[Topic], there: Mapping[str, int]) -> None:
    for topic in topics:
        count = there.get(topic.name, topic.partitions)
        if count != topic.partitions:
            raise TopicsRefused(
                f"Topic {topic.name} has {count} partitions and is declared with {topic.partitions}: another count moves keys, "
                "so it is never changed in place. Use a new broker, or replay into a topic of the declared count."
            )


async def _keep_configured(admin: Any, topics: Sequence[Topic]) -> None:
    """A release may declare another retention; the broker learns of it here."""
    current = await _configs(admin, [topic.name for topic in topics])
    changed = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=configuration(topic))
        for topic in topics
        if not configuration(topic).items() <= current[topic.name].items()
    ]
    if changed:
        wanted = {topic.name: configuration(topic) for topic in topics}
        _refuse_unchanged(await admin.alter_configs(changed), wanted)


def _refuse_unchanged(answers: Iterable[Any], wanted: Mapping[str, Mapping[str, str]]) -> None:
    for answer in answers:
        for code, words, _, name in answer.resources:
            if code:
                raise TopicsRefused(
                    f"Kafka did not change topic {name}: {words or for_code(code).__name__}. Millrace needs there "
                    f"{', '.join(f'{key}={value}' for key, value in wanted[name].items())}: set it, or let "
                    "Millrace's user alter the topic. With less, larger webhooks are refused and not kept."
                )


async def _partition_counts(admin: Any, names: list[str]) -> dict[str, int]:
    return {name: len(partitions) for name, partitions in (await _described(admin, names)).items()}


async def _described(admin: Any, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    answers = await admin.describe_topics(names)
    return {a["topic"]: a["partitions"] for a in answers if not a["error_code"] and a["partitions"]}


async def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found: dict[str, dict[str, str]] = {}
    for answer in answers:
        for resource in answer.to_object()["resources"]:
            entries = resource["config_entries"]
            found[resource["resource_name"]] = {e["config_names"]: e["config_value"] for e in entries}
    return found
