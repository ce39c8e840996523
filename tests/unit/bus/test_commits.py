"""A group whose coordinator cannot tell is not one that was never told anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupLoadInProgressError, KafkaError, NotCoordinatorForGroupError
from aiokafka.structs import OffsetAndMetadata

from common.bus.commits import commits_of

OF_ONE = (0, 7, "era=1", 0)


@dataclass
class Answer:
    error_code: int
    topics: Sequence[Any] = ()


@dataclass
class Broker:
    """One node, as the administration client shows it."""

    answer: Answer
    asked: list[tuple[Any, int]] = field(default_factory=list)

    async def find_coordinator(self, group: str) -> int:
        return 1

    async def _send_request(self, request: Any, node: int) -> Answer:
        self.asked.append((request._partitions, node))
        return self.answer


class TestCommitsOf:
    async def test_are_what_was_told_with_its_mark(self) -> None:
        broker = Broker(Answer(0, [("changes", [OF_ONE])]))
        assert await commits_of(broker, "mapper") == {TopicPartition("changes", 0): OffsetAndMetadata(7, "era=1")}
        await commits_of(broker, "mapper", "changes", [0, 2])
        assert broker.asked == [(None, 1), ([("changes", [0, 2])], 1)]

    @pytest.mark.parametrize(("code", "error"), [(14, GroupLoadInProgressError), (16, NotCoordinatorForGroupError)])
    async def test_are_not_nothing_while_the_coordinator_reads_its_log(
        self, code: int, error: type[KafkaError]
    ) -> None:
        with pytest.raises(error) as away:
            await commits_of(Broker(Answer(code)), "mapper")
        assert away.value.retriable

    async def test_of_one_partition_may_be_refused(self) -> None:
        with pytest.raises(KafkaError):
            await commits_of(Broker(Answer(0, [("changes", [OF_ONE, (1, -1, "", 29)])])), "mapper")
