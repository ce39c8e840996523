"""Access tokens from the token-broker, kept in memory until shortly before they expire and never anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from opentelemetry import trace

from common import telemetry
from common.clock import Clock
from common.contracts.ids import ConnectionId
from common.failures import Bug, Failure, RateLimited, Rejected, Transient, Unauthorised
from common.flights import Flights
from common.http import door_codes
from common.http.broker import BrokerAnswer, BrokerClient, BrokerSilent
from common.secret import Secret

# The broker refreshes minutes ahead; this only covers the way of the token from its clock to the vendor's.
MARGIN = timedelta(seconds=5)
# A token that replaced a refused one and is refused as well is not at fault; the broker is not asked again for so long.
TRUSTED_FOR = timedelta(minutes=10)

_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
# How long a throttle lasts that does not say so.
_PAUSE = timedelta(seconds=60)
_MOST_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Token:
    """A credential for calls; `generation` names it when the vendor refuses it."""

    secret: Secret
    generation: int
    use_until: datetime


class TokenSource(Protocol):
    """Where the door gets its tokens."""

    async def token(self, connection: ConnectionId) -> Token:
        """A token good for a call made now; raises a `Failure` when there is none."""

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        """A later token, after the vendor answered 401 to this generation.

        Raises `Unauthorised` when a person must reconnect, `Rejected` when the token is not at fault.
        """


class BrokerTokens:
    """Asks the token-broker: one request in flight per connection, whoever waits for it."""

    def __init__(self, base_url: str, key: Callable[[], Secret], clock: Clock) -> None:
        """`key` is asked on each request: the supervisor may replace the key file."""
        self._broker = BrokerClient(base_url, key, most_bytes=_MOST_BYTES)
        self._clock = clock
        self._kept: dict[ConnectionId, Token] = {}
        self._trusted: dict[ConnectionId, tuple[int, datetime]] = {}
        self._asking: Flights[ConnectionId, Token] = Flights()

    async def token(self, connection: ConnectionId) -> Token:
        kept = self._kept.get(connection)
        if kept is not None and self._clock.now() < kept.use_until:
            return kept
        return await self._asked(connection, None)

    async def replaced(self, connection: ConnectionId, generation: int) -> Token:
        kept = self._kept.get(connection)
        if kept is not None and kept.generation > generation:
            return kept
        if self._is_trusted(connection, generation):
            raise _not_at_fault()
        self._kept.pop(connection, None)
        found = await self._asked(connection, generation)
        # Somebody may have been asking without a report: that answer can be the refused token again.
        return found if found.generation > generation else await self._asked(connection, generation)

    async def aclose(self) -> None:
        """Forgets everything."""
        self._asking.cancel()
        self._kept.clear()
        await self._broker.aclose()

    def _is_trusted(self, connection: ConnectionId, generation: int) -> bool:
        trusted, since = self._trusted.get(connection, (-1, _FOR_EVER))
        return generation == trusted and self._clock.now() < since + TRUSTED_FOR

    async def _asked(self, connection: ConnectionId, refused: int | None) -> Token:
        return await self._asking.join(connection, lambda: self._ask(connection, refused))

    async def _ask(self, connection: ConnectionId, refused: int | None) -> Token:
        asked_at = self._clock.now()
        report = {} if refused is None else {"generation": refused, "reason": "unauthorised"}
        try:
            token = _token_of(await self._granted(f"/v1/tokens/{connection}", report), asked_at)
        except Rejected:
            # Kept: the token works, it is this call that the vendor refuses.
            self._trust(connection, refused, asked_at)
            raise
        if refused is not None:
            self._trust(connection, token.generation, asked_at)
        self._kept[connection] = token
        return token

    def _trust(self, connection: ConnectionId, generation: int | None, at: datetime) -> None:
        if generation is not None:
            self._trusted[connection] = (generation, at)

    async def _granted(self, path: str, report: Mapping[str, object]) -> Mapping[str, Any]:
        with telemetry.tracer().start_as_current_span(
            "POST /v1/tokens/{connection}", kind=trace.SpanKind.CLIENT, attributes={"http.request.method": "POST"}
        ):
            try:
                answer = await self._broker.ask("POST", path, report)
            except BrokerSilent as lost:
                unavailable = door_codes.TOKEN_BROKER_UNAVAILABLE
                raise Transient(unavailable.name, unavailable.meaning) from lost
            if answer.granted:
                return answer.document or {}
            raise self._failure(answer)

    def _failure(self, answer: BrokerAnswer) -> Failure:
        """The broker's refusals, by its API's own table."""
        code = answer.code
        match answer.status, code:
            case 409, "TOKEN_NOT_AT_FAULT":
                return _not_at_fault()
            case 409, _:
                return Unauthorised(door_codes.NEEDS_REAUTH.name, door_codes.NEEDS_REAUTH.meaning, detail=code)
            case ((401 | 403 | 404), _):
                return Transient(door_codes.TOKEN_REFUSED.name, door_codes.TOKEN_REFUSED.meaning, detail=code)
            case _, "TOKEN_THROTTLED":
                return RateLimited(
                    door_codes.TOKENS_PAUSED.name,
                    door_codes.TOKENS_PAUSED.meaning,
                    retry_at=self._clock.now()
                    + (_PAUSE if answer.retry_after_s is None else timedelta(seconds=answer.retry_after_s)),
                    scope="tokens",
                )
            case _:
                unavailable = door_codes.TOKEN_BROKER_UNAVAILABLE
                return Transient(unavailable.name, unavailable.meaning, detail=code)


def _token_of(found: Mapping[str, Any], asked_at: datetime) -> Token:
    secret, generation, good_for_s = found.get("token"), found.get("generation"), found.get("good_for_s")
    if not isinstance(secret, str) or not isinstance(generation, int) or not isinstance(good_for_s, int | float | None):
        # Nothing of the body is told: it may be the token.
        raise Bug(door_codes.TOKEN_BROKER_UNAVAILABLE.name, "The token-broker's answer was not understood.")
    if good_for_s is None:
        return Token(Secret(secret), generation, _FOR_EVER)
    good_for = timedelta(seconds=good_for_s)
    return Token(Secret(secret), generation, asked_at + good_for - min(MARGIN, good_for / 10))


def _not_at_fault() -> Rejected:
    return Rejected(door_codes.CALL_NOT_PERMITTED.name, door_codes.CALL_NOT_PERMITTED.meaning)
