"""Sends records to their topic again, byte for byte: key, value and headers as they were, and the reason beside them.

The partition is the one it had, so that it keeps its place behind what came for the same key since; what never had one goes by its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.bus import error_codes
from common.bus.connection import KafkaAddress
from common.contracts.topics import MAX_MESSAGE_BYTES
from common.failures import Transient
from common.state.dead_letters import NO_PARTITION, StoredLetter

WITHIN_S = 10.0
ERR = "err_"


class Republisher(Protocol):
    """Where letters are sent again."""

    async def send(self, stored: StoredLetter) -> None:
        """Returns when the broker has it; raises `Transient` otherwise."""


class _Republisher:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def send(self, stored: StoredLetter) -> None:
        letter = stored.letter
        partition = None if letter.partition == NO_PARTITION else letter.partition
        sending = self._client.send_and_wait(
            letter.topic, letter.value, key=letter.key, partition=partition, headers=headers_of(stored)
        )
        try:
            await asyncio.wait_for(sending, WITHIN_S)
        except (KafkaError, OSError, TimeoutError) as away:
            raise _away(away) from away


@asynccontextmanager
async def republisher(address: KafkaAddress) -> AsyncIterator[Republisher]:
    """A producer for as long as somebody retries."""
    client = AIOKafkaProducer(
        **address.client_options(), client_id="millrace-retry", acks="all", enable_idempotence=True, request_timeout_ms=10_000,
        max_request_size=MAX_MESSAGE_BYTES,
    )  # fmt: skip
    try:
        await asyncio.wait_for(client.start(), WITHIN_S)
    except (KafkaError, OSError, TimeoutError) as away:
        await client.stop()
        raise _away(away) from away
    try:
        yield _Republisher(client)
    finally:
        await client.stop()


def headers_of(stored: StoredLetter) -> list[tuple[str, bytes | None]]:
    """The original headers, then why it is here again; a former retry's reasons are replaced."""
    letter = stored.letter
    details = {
        "topic": letter.topic, "partition": letter.partition, "offset": letter.offset, "group": letter.group,
        "service": letter.service, "version": letter.version, "stage": letter.stage, "code": letter.code,
        "class": letter.kind.value, "message": letter.message, "vendor_status": letter.vendor_status,
        "vendor_request_id": letter.vendor_request_id, "attempts": stored.attempts,
        "first_at": stored.first_at.isoformat(), "last_at": letter.at.isoformat(),
    }  # fmt: skip
    original = [(name, value) for name, value in letter.headers if not name.startswith(ERR)]
    return [
        *original,
        *((f"{ERR}{name}", str(value).encode()) for name, value in details.items() if value not in (None, "")),
    ]


def _away(error: BaseException) -> Transient:
    return Transient(error_codes.BROKER_UNAVAILABLE, f"Kafka did not take it: {type(error).__name__}.")
