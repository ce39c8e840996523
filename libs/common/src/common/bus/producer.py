"""The way onto Kafka: each message is acknowledged by the broker before `send` returns, or the caller learns how it stands.

Idempotent and `acks=all`. An idempotent client waits as long as the broker is away, so every send has a deadline of ours; what
was handed over and not acknowledged by then may still arrive: `Unknown`, and harmless, because message ids are derived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka

from common.bus import error_codes
from common.bus.apart import apart
from common.bus.connection import KafkaAddress
from common.bus.departures import Departures
from common.bus.record import RawRecord
from common.bus.trace import HeaderList, MessagingTrace
from common.clock import monotonic
from common.contracts.topics import MAX_MESSAGE_BYTES
from common.failures import Failure, Rejected, Transient, Unknown
from common.patience import Patience

DEADLINE_S = 10.0
# Of a webhook's time; a request to the broker costs us about as much CPU as all that a receipt needs besides.
PATIENCE = Patience(each_s=0.005, longest_s=0.040)

_log = structlog.get_logger(__name__)

# After one of these the broker takes nothing more from this session on that partition: only a new session helps.
_BROKEN_SESSION = (
    kafka.OutOfOrderSequenceNumber,
    kafka.InvalidProducerEpoch,
    kafka.ProducerFenced,
    kafka.ProducerClosed,
)
_TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)
_REFUSED = (kafka.TopicAuthorizationFailedError, kafka.ClusterAuthorizationFailedError, kafka.InvalidTopicError)


class _Named(Protocol):
    """All the producer needs to know of a topic."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send; `cause` is the record it came of, whose trace goes on with it."""

    topic: _Named
    key: str
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()
    cause: RawRecord | None = None


class Landed(NamedTuple):
    """Where a message stands on its topic."""

    partition: int
    offset: int


class Producer:
    """Sends keyed messages one by one; the order per key is the order of the calls."""

    def __init__(
        self,
        address: KafkaAddress,
        *,
        client_id: str,
        deadline: float = DEADLINE_S,
        trace: MessagingTrace | None = None,
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._deadline = deadline
        self._trace = trace or MessagingTrace()
        self._client: Any = None
        self._renewal = asyncio.Lock()
        self._departures = Departures(PATIENCE)

    async def start(self, *, within: float = 20.0) -> None:
        """Connects; `Transient` when no broker answers in time."""
        client = self._new_client()
        try:
            await asyncio.wait_for(client.start(), within)
        except (kafka.KafkaError, TimeoutError, OSError) as away:
            await _end(client, within=1.0)
            raise _unavailable("No Kafka broker answers at the configured address", away) from away
        except BaseException:
            await _end(client, within=1.0)
            raise
        self._client = client

    async def connect(self) -> None:
        """Starts it unless it has started; can be repeated until a broker answers."""
        if self._client is None:
            await self.start()

    async def stop(self, *, within: float = 5.0) -> None:
        """Waits for what is under way, but not for a broker that is away."""
        client, self._client = self._client, None
        if client is not None:
            await _end(client, within=within)

    async def ready(self) -> str | None:
        """A readiness check: raises while no broker answers."""
        client = self._open_client()
        if not await client.client.force_metadata_update():
            raise _unavailable("No Kafka broker answers", None)
        return f"{len(client.client.cluster.brokers())} brokers"

    async def send(
        self,
        topic: _Named,
        key: str,
        value: bytes,
        headers: Iterable[tuple[str, bytes]] = (),
        *,
        cause: RawRecord | None = None,
        deadline: float | None = None,
    ) -> None:
        """Returns once the broker has the message. Repeatable: the same message again is recognised by its id.

        Senders who come close behind each other share a request; who comes alone waits for nobody (decision 30).
        """
        until = monotonic() + (self._deadline if deadline is None else deadline)
        await self._departures.join()
        await self._send(Outgoing(topic, key, value, tuple(headers), cause), until)

    async def _send(self, message: Outgoing, until: float) -> Landed:
        topic, key, value, cause = message.topic, message.key, message.value, message.cause
        listed: HeaderList = list(message.headers)
        with self._trace.sending(topic.name, listed, cause):
            client = self._open_client()
            acknowledged: asyncio.Future[Any] | None = None
            try:
                async with asyncio.timeout(until - monotonic()):
                    acknowledged = await client.send(topic.name, value, key=key.encode(), headers=listed)
                    return _landed(await apart(acknowledged))
            except TimeoutError as late:
                raise _too_late(topic.name, acknowledged, late) from late
            except (kafka.KafkaError, OSError) as error:
                raise await self._failure(client, error, sent=acknowledged is not None) from error

    async def send_all(self, messages: Sequence[Outgoing], *, deadline: float | None = None) -> Sequence[Landed]:
        """Sends all and waits for all; on a failure some may have arrived, and the caller sends all of them again.

        Handing over is sequential (two tasks could overtake each other), waiting is not; never `send_batch`, which ignores keys.
        """
        until = monotonic() + (self._deadline if deadline is None else deadline)
        if len(messages) == 1:
            return [await self._send(messages[0], until)]
        if not messages:
            return []
        with self._trace.sending_batch(messages[0].topic.name, len(messages)):
            return await self._send_many(messages, until)

    async def _send_many(self, messages: Sequence[Outgoing], until: float) -> Sequence[Landed]:
        client = self._open_client()
        waiting: list[asyncio.Future[Any]] = []
        try:
            await self._hand_over(client, messages, waiting, until)
        finally:
            for acknowledged in waiting:
                acknowledged.add_done_callback(_seen)
        return await self._acknowledgements(client, waiting, until)

    async def _hand_over(
        self, client: Any, messages: Sequence[Outgoing], waiting: list[asyncio.Future[Any]], until: float
    ) -> None:
        """In order; on a failure `waiting` has those that were handed over before, and of the others nothing was sent."""
        topic = ""
        try:
            async with asyncio.timeout(until - monotonic()):
                for message in messages:
                    topic, headers = message.topic.name, list(message.headers)
                    self._trace.carry(headers, message.cause)
                    key = message.key.encode()
                    waiting.append(await client.send(topic, message.value, key=key, headers=headers))
        except TimeoutError as late:
            raise _not_taken(topic, late) from late
        except (kafka.KafkaError, OSError) as error:
            raise await self._failure(client, error, sent=False) from error

    async def _acknowledgements(
        self, client: Any, waiting: Sequence[asyncio.Future[Any]], until: float
    ) -> Sequence[Landed]:
        done, open_ones = await asyncio.wait(waiting, timeout=max(0.0, until - monotonic()))
        failures = [error for future in done if (error := future.exception()) is not None]
        if failures:
            raise await self._failure(client, failures[0], sent=True) from failures[0]
        if open_ones:
            raise _unanswered(len(open_ones), None)
        return [_landed(future.result()) for future in waiting]

    def _open_client(self) -> Any:
        if self._client is None:
            raise Transient(error_codes.BROKER_UNAVAILABLE, "The connection to Kafka is closed.")
        return self._client

    async def _failure(self, client: Any, error: BaseException, *, sent: bool) -> Failure:
        """The one table from the client's errors to ours; a broken session is replaced on the way."""
        if isinstance(error, _BROKEN_SESSION) or _is_dead(client) or (sent and not getattr(error, "retriable", False)):
            # The sequence number of a batch that was refused for good is used up: the broker refuses all that follow it.
            await self._renew(client)
        if isinstance(error, _TOO_LARGE):
            return Rejected(
                error_codes.MESSAGE_TOO_LARGE, "The message is larger than Kafka accepts.", detail=repr(error)
            )
        if isinstance(error, _REFUSED):
            return Transient(error_codes.BROKER_REFUSED, f"Kafka refuses: {type(error).__name__}.", detail=repr(error))
        kind = Unknown if sent else Transient
        return kind(
            error_codes.BROKER_UNAVAILABLE, f"Kafka did not take a message: {type(error).__name__}.", detail=repr(error)
        )

    async def _renew(self, broken: Any) -> None:
        async with self._renewal:
            if self._client is not broken:
                return
            _log.warning("producer.session_renewed", client_id=self._client_id)
            # First the old one ends: what it still held must not overtake what the new one sends.
            await _end(broken, within=2.0)
            with suppress(Transient):
                await self.start()

    def _new_client(self) -> Any:
        return AIOKafkaProducer(
            **self._address.client_options(),
            client_id=self._client_id,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=15_000,
            metadata_max_age_ms=60_000,
        )


async def _end(client: Any, *, within: float) -> None:
    """Stops a client politely, then for good: its own stop waits for the broker as long as that is away."""
    try:
        await asyncio.wait_for(client.stop(), within)
    except (TimeoutError, kafka.KafkaError):
        sender = client._sender.sender_task
        if sender is not None:
            sender.cancel()
        with suppress(TimeoutError, kafka.KafkaError, OSError):
            await asyncio.wait_for(client.client.close(), 2.0)


def _is_dead(client: Any) -> bool:
    task = client._sender.sender_task
    return task is None or bool(task.done())


def _landed(told: Any) -> Landed:
    return Landed(told.partition, told.offset)


def _seen(future: asyncio.Future[Any]) -> None:
    # Nobody waits for it any more; asyncio would report its error as forgotten.
    if not future.cancelled():
        future.exception()


def _too_late(topic: str, acknowledged: asyncio.Future[Any] | None, late: TimeoutError) -> Failure:
    return _not_taken(topic, late) if acknowledged is None else _unanswered(1, late)


def _not_taken(topic: str, late: TimeoutError) -> Transient:
    return _unavailable(f"Kafka took no message for {topic} in time", late)


def _unavailable(words: str, error: BaseException | None) -> Transient:
    return Transient(error_codes.BROKER_UNAVAILABLE, f"{words}.", detail=repr(error))


def _unanswered(count: int, error: BaseException | None) -> Unknown:
    return Unknown(
        error_codes.BROKER_UNAVAILABLE, f"Kafka did not acknowledge {count} message(s) in time.", detail=repr(error)
    )
