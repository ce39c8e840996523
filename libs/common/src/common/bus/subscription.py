"""How a topic is subscribed to: FastStream's batches, acknowledged by nobody but us.

Manual acknowledgement, `earliest`, one worker, raw bytes, no topic made up; an assertion refuses anything else at the start. This is
the one module that imports FastStream; what of it is used, and what is replaced, is decision 20.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from common.bus.batches import Batches
from common.bus.connection import KafkaAddress
from common.bus.fetch_pace import BUSY_MS
from common.bus.limits import ConsumerLimits

FETCH_BYTES = 8 * 1024 * 1024


def subscription(
    topic: str,
    group: str,
    *,
    address: KafkaAddress,
    client_id: str,
    limits: ConsumerLimits,
    listener: ConsumerRebalanceListener,
    on_batch: Callable[[Any], Awaitable[None]],
) -> tuple[KafkaBroker, Any]:
    """A broker with the one subscriber of one topic; nothing is connected yet."""
    broker = KafkaBroker(
        address.bootstrap_servers,
        security=_security(address),
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.MANUAL,
        graceful_timeout=0.2,
        apply_types=False,
        logger=None,
    )
    subscriber = broker.subscriber(
        topic,
        group_id=group,
        batch=True,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        max_workers=1,
        max_records=limits.max_records,
        batch_timeout_ms=limits.poll_ms,
        fetch_max_wait_ms=BUSY_MS,
        # What a fetch holds in memory. A record that is larger than a limit comes alone (KIP-74), so none is too large to be read.
        fetch_max_bytes=FETCH_BYTES,
        session_timeout_ms=int(limits.session_timeout_s * 1000),
        heartbeat_interval_ms=int(limits.session_timeout_s * 1000 / 3),
        listener=listener,
        # FastStream's own parser breaks on null and binary headers before we see the record.
        parser=_untouched,
        decoder=_undecoded,
        no_reply=True,
    )
    subscriber(on_batch)
    # After an empty poll FastStream sleeps as long as it polled, and a record that comes meanwhile waits for nothing.
    subscriber.get_msg = Batches(limits).next  # type: ignore[method-assign]
    assert_manual(broker)
    return broker, subscriber


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands the client's rebalance calls to the consumer."""

    def __init__(self, revoked: Callable[[], Any], assigned: Callable[[], Any]) -> None:
        self._revoked = revoked
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: Any) -> None:
        await self._revoked()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        await self._assigned()


def assert_manual(broker: KafkaBroker) -> None:
    """Refuses a subscriber that would acknowledge before or instead of us, or skip what came before it joined."""
    for subscriber in broker.subscribers:
        options = getattr(subscriber, "_connection_args", {})
        policy = subscriber.ack_policy
        if policy is not AckPolicy.MANUAL or options.get("enable_auto_commit") is not False:
            raise RuntimeError(f"{subscriber} acknowledges by itself ({policy}): records would be lost.")
        if options.get("auto_offset_reset") != "earliest":
            raise RuntimeError(f"{subscriber} does not start at the earliest offset: records would be skipped.")
        if not getattr(subscriber, "batch_timeout_ms", 0):
            raise RuntimeError(f"{subscriber} is not a batch subscriber with one worker.")


async def _untouched(records: Any) -> KafkaAckableMessage:
    return KafkaAckableMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)


async def _undecoded(message: Any) -> Any:
    return message.raw_message


def _security(address: KafkaAddress) -> BaseSecurity | None:
    """How to sign in, in FastStream's words; None for a plain connection."""
    encrypted = address.security_protocol.endswith("SSL")
    context = ssl.create_default_context() if encrypted else None
    if not address.security_protocol.startswith("SASL_"):
        return BaseSecurity(ssl_context=context, use_ssl=True) if encrypted else None
    mechanisms = {"SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    return mechanisms.get(address.sasl_mechanism, SASLPlaintext)(
        username=address.sasl_username,
        password=address.sasl_password.reveal(),
        ssl_context=context,
        use_ssl=encrypted,
    )
