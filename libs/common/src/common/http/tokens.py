"""Access tokens from the token-broker, kept in memory until shortly before they expire and never anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx
import orjson
from opentelemetry import propagate, trace

from common import telemetry
from common.clock import Clock
from common.contracts.ids import ConnectionId
from common.failures import Bug, Failure, RateLimited, Rejected, Transient, Unauthorised
from common.http import door_codes
from common.secret import Secret

# The broker refreshes minutes ahead; this only covers the way of the token from its clock to the vendor's.
MARGIN = timedelta(seconds=5)
# A token that replaced a refused one and is refused as well is not at fault; the broker is not asked again for so long.
TRUSTED_FOR = timedelta(minutes=10)

_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
_TIMEOUT_S = 30.0
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
    """The token-broker's client: one request in flight per connection, whoever waits for it."""

    def __init__(self, base_url: str, key: Callable[[], Secret], clock: Clock) -> None:
        """`key` is asked on each request: the supervisor may replace the key file."""
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=httpx.Timeout(_TIMEOUT_S, connect=2.0), follow_redirects=False, trust_env=False
        )
        self._key = key
        self._clock = clock
        self._kept: dict[ConnectionId, Token] = {}
        self._trusted: dict[ConnectionId, tuple[int, datetime]] = {}
        self._asking: dict[ConnectionId, asyncio.Task[Token]] = {}

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
        for task in tuple(self._asking.values()):
            task.cancel()
        self._kept.clear()
        await self._client.aclose()

    def _is_trusted(self, connection: ConnectionId, generation: int) -> bool:
        trusted, since = self._trusted.get(connection, (-1, _FOR_EVER))
        return generation == trusted and self._clock.now() < since + TRUSTED_FOR

    async def _asked(self, connection: ConnectionId, refused: int | None) -> Token:
        running = self._asking.get(connection)
        if running is None:
            running = asyncio.create_task(self._ask(connection, refused))
            self._asking[connection] = running
            running.add_done_callback(lambda done: self._answered(connection, done))
        # Shielded: a caller that gives up must not take the answer from the others.
        return await asyncio.shield(running)

    def _answered(self, connection: ConnectionId, done: asyncio.Task[Token]) -> None:
        self._asking.pop(connection, None)
        if not done.cancelled():
            done.exception()  # looked at: whoever waited has it, and nobody may be waiting any more

    async def _ask(self, connection: ConnectionId, refused: int | None) -> Token:
        asked_at = self._clock.now()
        report = {} if refused is None else {"generation": refused, "reason": "unauthorised"}
        try:
            token = _token_of(await self._post(f"/v1/tokens/{connection}", report), asked_at)
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

    async def _post(self, path: str, document: Mapping[str, object]) -> bytes:
        with telemetry.tracer().start_as_current_span(
            "POST /v1/tokens/{connection}", kind=trace.SpanKind.CLIENT, attributes={"http.request.method": "POST"}
        ):
            response = await self._send(path, document)
            if response is None or len(response.content) > _MOST_BYTES:
                raise Transient(door_codes.TOKEN_BROKER_UNAVAILABLE.name, door_codes.TOKEN_BROKER_UNAVAILABLE.meaning)
            if response.is_success:
                return response.content
            raise self._failure(response)

    async def _send(self, path: str, document: Mapping[str, object]) -> httpx.Response | None:
        headers = {"authorization": f"Bearer {self._key().reveal()}", "content-type": "application/json"}
        propagate.inject(headers)
        try:
            return await self._client.post(path, content=orjson.dumps(document), headers=headers)
        except httpx.HTTPError:
            return None

    def _failure(self, response: httpx.Response) -> Failure:
        """The broker's refusals, by its API's own table."""
        told = _code_of(response.content)
        match response.status_code, told:
            case 409, "TOKEN_NOT_AT_FAULT":
                return _not_at_fault()
            case 409, _:
                return Unauthorised(door_codes.NEEDS_REAUTH.name, door_codes.NEEDS_REAUTH.meaning, detail=told)
            case ((401 | 403 | 404), _):
                return Transient(door_codes.TOKEN_REFUSED.name, door_codes.TOKEN_REFUSED.meaning, detail=told)
            case _, "TOKEN_THROTTLED":
                return RateLimited(
                    door_codes.TOKENS_PAUSED.name,
                    door_codes.TOKENS_PAUSED.meaning,
                    retry_at=self._clock.now() + _seconds(response.headers.get("retry-after", "")),
                    scope="tokens",
                )
            case _:
                unavailable = door_codes.TOKEN_BROKER_UNAVAILABLE
                return Transient(unavailable.name, unavailable.meaning, detail=told)


def _token_of(body: bytes, asked_at: datetime) -> Token:
    found = _document(body)
    secret, generation, good_for_s = found.get("token"), found.get("generation"), found.get("good_for_s")
    if not isinstance(secret, str) or not isinstance(generation, int) or not isinstance(good_for_s, int | float | None):
        # Nothing of the body is told: it may be the token.
        raise Bug(door_codes.TOKEN_BROKER_UNAVAILABLE.name, "The token-broker's answer was not understood.")
    if good_for_s is None:
        return Token(Secret(secret), generation, _FOR_EVER)
    good_for = timedelta(seconds=good_for_s)
    return Token(Secret(secret), generation, asked_at + good_for - min(MARGIN, good_for / 10))


def _document(body: bytes) -> Mapping[str, object]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _code_of(body: bytes) -> str:
    code = _document(body).get("code")
    return code[:60] if isinstance(code, str) else ""


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=int(text) if text.isdigit() and len(text) < 7 else 60)


def _not_at_fault() -> Rejected:
    return Rejected(door_codes.CALL_NOT_PERMITTED.name, door_codes.CALL_NOT_PERMITTED.meaning)
