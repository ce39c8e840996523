"""What Kafka was told of a group, asked by an administration client.

The client's own question overlooks an error that is the whole answer's: a coordinator that is still reading its log, for seconds after a
start of the broker, would be one that was never told anything, and the group would begin anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import for_code
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata


async def commits_of(
    admin: Any, group: str, topic: str = "", partitions: Sequence[int] = ()
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Of these partitions, or of all that the group has ever committed; raises the error of whoever cannot tell now."""
    asked = OffsetFetchRequest(group, [(topic, list(partitions))] if topic else None)
    answer = await admin._send_request(asked, await admin.find_coordinator(group))
    refuse(answer.error_code, group)
    found: dict[TopicPartition, OffsetAndMetadata] = {}
    for name, told in answer.topics:
        for partition, offset, metadata, code in told:
            refuse(code, group)
            found[TopicPartition(name, partition)] = OffsetAndMetadata(offset, metadata)
    return found


def refuse(code: int, group: str) -> None:
    """Raises what an error code of the broker means."""
    if code:
        raise for_code(code)(f"nobody can tell now of group {group}")
