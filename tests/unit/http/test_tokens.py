"""The token client against a broker that answers by the broker's own API page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from common.clock import FixedClock
from common.contracts.ids import ConnectionId
from common.failures import Bug, Failure, RateLimited, Rejected, Transient, Unauthorised
from common.http.tokens import BrokerTokens
from common.secret import Secret
from tests.support.odd_vendor import Behaviour, OddVendor, answer, odd_vendor, reset, silence

BOOKS = ConnectionId("books")
CANARY = "canary-of-an-access-token"


def token(generation: int, good_for_s: float | None = 3300.0) -> Behaviour:
    return answer(body=orjson.dumps({"token": CANARY, "generation": generation, "good_for_s": good_for_s}))


def refusal(status: int, code: str, **headers: str) -> Behaviour:
    return answer(status, orjson.dumps({"code": code, "detail": "words"}), **headers)


class Scene:
    def __init__(self, broker: OddVendor) -> None:
        self.broker = broker
        self.clock = FixedClock()
        self.tokens = BrokerTokens(broker.url, lambda: Secret("service-key"), self.clock)

    async def failure(self, generation: int | None = None) -> Failure:
        with pytest.raises(Failure) as caught:
            await (self.tokens.token(BOOKS) if generation is None else self.tokens.replaced(BOOKS, generation))
        return caught.value


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with odd_vendor() as broker:
        made = Scene(broker)
        yield made
        await made.tokens.aclose()


class TestToken:
    async def test_is_asked_once_and_kept_as_long_as_the_broker_says(self, scene: Scene) -> None:
        scene.broker.then(token(7))
        for _ in range(3):
            assert (await scene.tokens.token(BOOKS)).generation == 7
        scene.clock.advance(3290)
        await scene.tokens.token(BOOKS)
        assert len(scene.broker.seen) == 1

        scene.clock.advance(6)
        await scene.tokens.token(BOOKS)
        assert len(scene.broker.seen) == 2
        assert scene.broker.seen[0].target == "/v1/tokens/books"
        assert scene.broker.seen[0].headers["authorization"] == "Bearer service-key"

    async def test_without_an_end_is_kept_until_it_is_refused(self, scene: Scene) -> None:
        scene.broker.then(token(1, None))
        await scene.tokens.token(BOOKS)
        scene.clock.advance(10**8)
        await scene.tokens.token(BOOKS)

        assert len(scene.broker.seen) == 1

    async def test_many_callers_are_one_request_and_one_giving_up_stops_nobody(self, scene: Scene) -> None:
        async def slowly(seen: object, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.2)
            await token(1)(seen, writer)  # type: ignore[arg-type]

        scene.broker.then(slowly)
        callers = [asyncio.create_task(scene.tokens.token(BOOKS)) for _ in range(50)]
        await asyncio.sleep(0.05)
        callers[0].cancel()
        got = await asyncio.gather(*callers[1:])

        assert {found.generation for found in got} == {1}
        assert len(scene.broker.seen) == 1

    async def test_is_never_seen(self, scene: Scene) -> None:
        scene.broker.then(token(1))
        found = await scene.tokens.token(BOOKS)

        assert CANARY not in f"{found!r} {found} {vars(scene.tokens)!r}"


class TestReplaced:
    async def test_reports_the_generation_and_gets_the_next(self, scene: Scene) -> None:
        scene.broker.then(token(1), token(2))
        await scene.tokens.token(BOOKS)

        assert (await scene.tokens.replaced(BOOKS, 1)).generation == 2
        assert orjson.loads(scene.broker.seen[1].body) == {"generation": 1, "reason": "unauthorised"}
        assert (await scene.tokens.token(BOOKS)).generation == 2

    async def test_an_old_generation_costs_no_request(self, scene: Scene) -> None:
        scene.broker.then(token(1), token(2))
        await scene.tokens.token(BOOKS)
        late = await asyncio.gather(*(scene.tokens.replaced(BOOKS, 1) for _ in range(20)))
        again = await scene.tokens.replaced(BOOKS, 1)

        assert {found.generation for found in [*late, again]} == {2}
        assert len(scene.broker.seen) == 2

    async def test_a_replacement_refused_as_well_is_not_at_fault(self, scene: Scene) -> None:
        scene.broker.then(token(1), token(2), token(3))
        await scene.tokens.token(BOOKS)
        await scene.tokens.replaced(BOOKS, 1)

        for _ in range(100):  # a hundred records that all lack the same scope
            failure = await scene.failure(2)
        assert (type(failure), failure.code) == (Rejected, "CALL_NOT_PERMITTED")
        assert len(scene.broker.seen) == 2

        scene.clock.advance(601)
        assert (await scene.tokens.replaced(BOOKS, 2)).generation == 3

    async def test_the_brokers_word_that_it_is_not_at_fault_is_remembered(self, scene: Scene) -> None:
        scene.broker.then(token(5), refusal(409, "TOKEN_NOT_AT_FAULT"))
        await scene.tokens.token(BOOKS)
        kinds = {type(await scene.failure(5)) for _ in range(10)}

        assert kinds == {Rejected}
        assert len(scene.broker.seen) == 2


BROKER_SAYS = {
    "a person must reconnect": (refusal(409, "NEEDS_REAUTH"), Unauthorised, "NEEDS_REAUTH"),
    "our key is unknown": (refusal(401, "CALLER_UNKNOWN"), Transient, "TOKEN_REFUSED"),
    "not our vendor": (refusal(403, "CALLER_NOT_ALLOWED"), Transient, "TOKEN_REFUSED"),
    "no such grant": (refusal(404, "GRANT_UNKNOWN"), Transient, "TOKEN_REFUSED"),
    "throttled": (refusal(503, "TOKEN_THROTTLED", retry_after="120"), RateLimited, "TOKENS_PAUSED"),
    "vendor away": (refusal(503, "TOKEN_UNAVAILABLE", retry_after="5"), Transient, "TOKEN_BROKER_UNAVAILABLE"),
    "our application refused": (refusal(503, "APP_REFUSED"), Transient, "TOKEN_BROKER_UNAVAILABLE"),
    "crash": (reset(), Transient, "TOKEN_BROKER_UNAVAILABLE"),
    "a page": (answer(200, b"<html>"), Bug, "TOKEN_BROKER_UNAVAILABLE"),
    "a token without a generation": (answer(200, orjson.dumps({"token": CANARY})), Bug, "TOKEN_BROKER_UNAVAILABLE"),
    "too much": (answer(200, b" " * 70_000), Transient, "TOKEN_BROKER_UNAVAILABLE"),
}


class TestRefusal:
    @pytest.mark.parametrize("name", BROKER_SAYS)
    async def test_has_one_meaning(self, scene: Scene, name: str) -> None:
        behaviour, kind, code = BROKER_SAYS[name]
        scene.broker.then(behaviour)
        failure = await scene.failure()

        assert (type(failure), failure.code) == (kind, code)
        assert CANARY not in f"{failure!r}{vars(failure)!r}"

    async def test_a_throttle_names_its_end(self, scene: Scene) -> None:
        scene.broker.then(BROKER_SAYS["throttled"][0])
        failure = await scene.failure()

        assert failure.retry_at is not None
        assert (failure.retry_at - scene.clock.now()).total_seconds() == 120

    async def test_a_failure_is_not_kept(self, scene: Scene) -> None:
        scene.broker.then(reset(), token(1))
        await scene.failure()

        assert (await scene.tokens.token(BOOKS)).generation == 1

    async def test_closing_ends_what_is_asked(self, scene: Scene) -> None:
        scene.broker.then(silence(30))
        asking = asyncio.create_task(scene.tokens.token(BOOKS))
        await asyncio.sleep(0.05)
        await scene.tokens.aclose()

        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asking, 2)
