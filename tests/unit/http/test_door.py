"""The door against a vendor that misbehaves in every way a socket allows."""

from __future__ import annotations

import asyncio
import gzip
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpcore
import httpx
import pytest

from common.clock import SystemClock, monotonic
from common.contracts.connections import Connection
from common.failures import Bug, Failure, FailureClass, RateLimited, Rejected, Transient, Unauthorised, Unknown
from common.http import addresses
from common.http.call import Priority
from common.http.door import Api, Call, Door
from common.http.exchange import NoAnswer, RawAnswer, exchange
from common.http.profile import PERMIT_PATIENCE_S, Limit, Timeouts
from tests.support.odd_vendor import OK, Behaviour, OddVendor, Seen, answer, drip, odd_vendor, raw, reset, silence
from tests.unit.http.fakes import CANARY, FakeBudget, FakePermit, FakeTokens, Remembered
from vendors.vendor import connection_of
from vendors.zoho_books.client import NAME, ZohoBooksProfile

BOOKS = connection_of(NAME, "books", dc="eu", organization_id="42", plan_name="premium")
READ = Call("GET", "/contacts/{contact}", "contact.read", path={"contact": "7"})
WRITE = Call("PUT", "/contacts/{contact}", "contact.update", path={"contact": "7"}, json={"a": 1}, writes=True)
UNAUTHORISED = b'{"code":57,"message":"You are not authorized to perform this operation"}'


class SmallProfile(ZohoBooksProfile):
    """Books with smaller bodies."""

    max_body = 10_000


class QuickProfile(SmallProfile):
    """In a hurry: the same rules, shorter patience; for a vendor that lets us wait."""

    timeouts = Timeouts(connect=0.5, read=0.3, write=0.5, pool=0.5, total=0.6)


class SecondProfile(SmallProfile):
    """With a second for the vendor."""

    timeouts = Timeouts(connect=1.0, read=1.0, write=1.0, pool=1.0, total=1.0)


@dataclass
class Scene:
    """The door, the vendor behind it, and what was seen of both."""

    vendor: OddVendor
    door: Door
    budget: FakeBudget
    tokens: FakeTokens
    sink: Remembered
    profile: ZohoBooksProfile = field(default_factory=SmallProfile)

    @property
    def api(self) -> Api:
        return self.door.open(self.profile, BOOKS)

    def hurry(self, code: str = "VENDOR_TIMEOUT") -> None:
        """What is about no answer in time has little of it; everything else has as much as a slow machine needs."""
        self.profile = QuickProfile() if code == "VENDOR_TIMEOUT" else SmallProfile()

    async def failure(self, call: Call) -> Failure:
        with pytest.raises(Failure) as caught:
            await self.api.call(call)
        return caught.value


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with odd_vendor() as vendor:
        budget, tokens, sink = FakeBudget(), FakeTokens(), Remembered()
        door = Door(tokens, budget, SystemClock(), {"zoho": f"{vendor.url}/zoho"}, sink=sink)
        yield Scene(vendor, door, budget, tokens, sink)
        await door.aclose()


class TestSuccess:
    async def test_carries_token_organisation_and_quoted_ids(self, scene: Scene) -> None:
        told = await scene.api.call(
            replace(READ, path={"contact": "a/../b c"}, query={"since": "2026-01-01T00:00:00+01:00"})
        )

        seen = scene.vendor.seen[0]
        assert seen.target == (
            "/zoho/eu/api/books/v3/contacts/a%2F..%2Fb%20c?since=2026-01-01T00%3A00%3A00%2B01%3A00&organization_id=42"
        )
        assert seen.headers["authorization"] == f"Zoho-oauthtoken {CANARY}-1"
        assert told.date == datetime(2026, 5, 4, 10, tzinfo=UTC)
        assert scene.budget.endings == ["answered"]

    async def test_reuses_the_connection_and_keeps_no_cookie(self, scene: Scene) -> None:
        scene.vendor.then(answer(set_cookie="session=abc; Path=/"))
        await scene.api.call(READ)
        await scene.api.call(READ)

        assert "cookie" not in scene.vendor.seen[1].headers
        assert "traceparent" not in scene.vendor.seen[1].headers

    async def test_tells_the_sink_what_a_journal_needs(self, scene: Scene) -> None:
        scene.vendor.then(answer(x_request_id="r-1"))
        await scene.api.call(replace(WRITE, priority="replay"))

        (attempt,) = scene.sink.attempts
        assert (attempt.operation, attempt.template) == ("contact.update", "/contacts/{contact}")
        assert (attempt.status, attempt.outcome, attempt.request_id, attempt.sent) == (200, None, "r-1", True)
        assert scene.budget.priorities == ["replay"]

    async def test_unpacks_gzip_within_the_cap(self, scene: Scene) -> None:
        packed = gzip.compress(OK)
        scene.vendor.then(answer(body=packed, content_encoding="gzip"))

        assert (await scene.api.call(READ)).body == OK


def after(seconds: float, then: Behaviour) -> Behaviour:
    async def behave(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await then(seen, writer)

    return behave


class LateBudget(FakeBudget):
    """Quota that comes when the caller has waited for it."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = wait_s
        self.patience: list[float] = []
        self.waited: list[float] = []

    async def admit(
        self,
        connection: Connection,
        limits: tuple[Limit, ...],
        priority: Priority,
        *,
        hold_s: float,
        deadline: float,
        cost: int = 1,
    ) -> FakePermit:
        began = monotonic()
        self.patience.append(deadline - began)
        await asyncio.sleep(self.wait_s)
        self.waited.append(monotonic() - began)
        return await super().admit(connection, limits, priority, hold_s=hold_s, deadline=deadline)


class TestPatience:
    async def test_a_permit_that_comes_late_takes_nothing_from_the_vendors_time(self, scene: Scene) -> None:
        # The call has a second; the permit comes after 0.8, and the vendor takes 0.4.
        scene.profile, scene.door.budget = SecondProfile(), LateBudget(0.8)
        scene.vendor.then(silence(0.4))

        assert (await scene.api.call(WRITE)).status == 200

    async def test_what_waiting_may_take_is_bounded_by_itself_over_both_tries(self, scene: Scene) -> None:
        scene.door.budget = late = LateBudget(0.2)
        scene.vendor.then(answer(401, UNAUTHORISED), answer())
        await scene.api.call(WRITE)

        first, second = late.patience
        assert first == pytest.approx(PERMIT_PATIENCE_S, abs=0.5)
        assert second == pytest.approx(first - late.waited[0], abs=0.1)

    async def test_both_tries_together_have_one_calls_time_for_the_vendor(self, scene: Scene) -> None:
        scene.profile = SecondProfile()
        scene.vendor.then(after(0.6, answer(401, UNAUTHORISED)), silence(0.6))
        assert (await scene.failure(WRITE)).code == "VENDOR_TIMEOUT"
        assert len(scene.vendor.seen) == 2

    async def test_somebody_in_a_hurry_waits_for_neither_any_longer(self, scene: Scene) -> None:
        scene.door.budget = late = LateBudget(0.0)
        scene.vendor.then(silence(2))
        await scene.failure(replace(WRITE, deadline=monotonic() + 0.2))
        assert late.patience[0] <= 0.2


class TestNotSent:
    async def test_no_connection_is_transient_also_for_a_write(self, scene: Scene) -> None:
        door = Door(scene.tokens, scene.budget, SystemClock(), {"zoho": "http://127.0.0.1:1/zoho"}, sink=scene.sink)
        with pytest.raises(Transient) as failure:
            await door.open(QuickProfile(), BOOKS).call(WRITE)
        await door.aclose()

        assert failure.value.code == "VENDOR_UNREACHABLE"
        assert scene.budget.endings == ["unused"]
        assert scene.sink.attempts[0].sent is False

    async def test_a_lease_that_was_lost_stops_the_call_before_its_first_byte(self, scene: Scene) -> None:
        class LeaseLost(TimeoutError):
            """Of a kind that the HTTP library would translate."""

        def lost() -> None:
            raise LeaseLost

        with pytest.raises(LeaseLost):
            await scene.api.call(replace(WRITE, before_send=lost))
        await asyncio.sleep(0.05)

        assert scene.vendor.seen == []
        assert scene.budget.endings == ["unused"]

    async def test_a_deadline_that_passed_meanwhile_stops_it_too(self, scene: Scene) -> None:
        failure = await scene.failure(replace(WRITE, deadline=monotonic() - 0.001))
        await asyncio.sleep(0.05)

        assert (failure.kind, failure.code) == (FailureClass.TRANSIENT, "DEADLINE_PASSED")
        assert scene.vendor.seen == []

    async def test_before_send_is_asked_after_the_connection_stands(self, scene: Scene) -> None:
        asked: list[float] = []
        await scene.api.call(replace(WRITE, before_send=lambda: asked.append(monotonic())))

        assert len(asked) == 1

    @pytest.mark.parametrize("bad", ["", ".", ".."])
    async def test_an_id_that_is_none_builds_no_address(self, scene: Scene, bad: str) -> None:
        failure = await scene.failure(replace(WRITE, path={"contact": bad}))

        assert (failure.code, scene.vendor.seen, scene.budget.endings) == ("DOOR_PATH_REFUSED", [], ["unused"])

    async def test_a_header_that_would_split_the_request_is_our_bug(self, scene: Scene) -> None:
        failure = await scene.failure(replace(WRITE, headers={"x-unique": "a\r\nx-other: b"}))

        assert (failure.kind, failure.code) == (FailureClass.BUG, "DOOR_REQUEST_REFUSED")


def echo(status: int, code: int) -> Behaviour:
    """An error that repeats the credential it was given, and an address."""

    async def behave(seen: Seen, writer: asyncio.StreamWriter) -> None:
        token = seen.headers["authorization"].split()[1]
        body = f'{{"code":{code},"message":"not valid: {token} of ana@example.org"}}'.encode()
        await answer(status, body, x_request_id=token)(seen, writer)

    return behave


LOST_ANSWERS = {
    "reset": (reset(), "VENDOR_CONNECTION_LOST"),
    "silent": (silence(2), "VENDOR_TIMEOUT"),
    "slow body, no single wait too long": (drip(9, 0.2), "VENDOR_TIMEOUT"),
    "closed without a word": (raw(b""), "VENDOR_CONNECTION_LOST"),
    "half a head": (raw(b"HTTP/1.1 200 OK\r\ncontent-"), "VENDOR_CONNECTION_LOST"),
    "half a body": (raw(b'HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n{"code":0'), "VENDOR_CONNECTION_LOST"),
    "no HTTP": (raw(b"hello\r\n\r\n"), "VENDOR_CONNECTION_LOST"),
    "half a gzip": (answer(body=gzip.compress(OK)[:-9], content_encoding="gzip"), "VENDOR_ANSWER_UNREADABLE"),
    "broken gzip": (answer(body=b"not gzip at all", content_encoding="gzip"), "VENDOR_ANSWER_UNREADABLE"),
    "unknown packing": (answer(content_encoding="br"), "VENDOR_ANSWER_UNREADABLE"),
    "gateway timeout": (answer(504, b"<html>"), "VENDOR_FAULT"),
    "bad gateway": (answer(502, b"<html>"), "VENDOR_FAULT"),
    "overloaded": (answer(503, b""), "VENDOR_FAULT"),
    "a page instead of the API": (answer(200, b"<html>maintenance"), "VENDOR_ANSWER_UNREADABLE"),
}


class BrokenStream(httpcore.AsyncMockStream):
    """A connection that takes so many writes and then is broken."""

    def __init__(self, takes: int) -> None:
        super().__init__([])
        self._takes = takes

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._takes == 0:
            raise httpcore.WriteError
        self._takes -= 1


class Backend(httpcore.AsyncMockBackend):
    def __init__(self, takes: int) -> None:
        super().__init__([])
        self._takes = takes

    async def connect_tcp(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        return BrokenStream(self._takes)


class SlowReader(BrokenStream):
    """It takes the head of a request, and of its body nothing, for ever."""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._takes == 0:
            await asyncio.Event().wait()
        self._takes -= 1


class SlowBackend(Backend):
    async def connect_tcp(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        return SlowReader(self._takes)


async def exchanged(backend: Backend, *, out_within_s: float = 10.0) -> RawAnswer | NoAnswer:
    """A write on a connection that is not what it seems."""
    transport = httpx.AsyncHTTPTransport()
    transport._pool = httpcore.AsyncConnectionPool(network_backend=backend)
    async with httpx.AsyncClient(transport=transport) as client:
        request = client.build_request("PUT", "http://vendor/contacts/7", json={"a": 1})
        return await exchange(client, request, deadline=monotonic() + 20, max_body=100, out_within_s=out_within_s)


class TestBrokenWhileItIsSent:
    async def test_before_a_byte_was_sent_there_is_no_unknown_outcome(self) -> None:
        outcome = await exchanged(Backend(takes=0))
        assert isinstance(outcome, NoAnswer)
        assert (outcome.cause, outcome.sent) == ("unreachable", False)

    async def test_after_the_first_byte_nobody_knows(self) -> None:
        outcome = await exchanged(Backend(takes=1))
        assert isinstance(outcome, NoAnswer)
        assert (outcome.cause, outcome.sent) == ("lost", True)

    async def test_a_request_that_is_not_out_in_its_time_is_broken_off_long_before_the_deadline(self) -> None:
        """The horizon counts on it: what is not out then never arrives."""
        outcome = await exchanged(SlowBackend(takes=1), out_within_s=0.2)
        assert isinstance(outcome, NoAnswer)
        assert (outcome.cause, outcome.sent) == ("timeout", True)
        assert outcome.duration_s < 15

    async def test_one_that_is_out_has_all_the_time_for_its_answer(self, scene: Scene) -> None:
        scene.vendor.then(after(0.3, answer()))
        async with httpx.AsyncClient(trust_env=False) as client:
            request = client.build_request("PUT", scene.vendor.url, json={"a": 1})
            outcome = await exchange(client, request, deadline=monotonic() + 20, max_body=100, out_within_s=0.2)
        assert isinstance(outcome, RawAnswer)


class TestLostAnswer:
    @pytest.mark.parametrize("name", LOST_ANSWERS)
    async def test_of_a_write_is_unknown_and_waits_for_the_horizon(self, scene: Scene, name: str) -> None:
        behaviour, code = LOST_ANSWERS[name]
        scene.vendor.then(behaviour)
        scene.hurry(code)

        failure = await scene.failure(WRITE)

        assert (type(failure), failure.code, failure.complete) == (Unknown, code, False)
        assert scene.budget.endings in (["unanswered"], ["answered"])

    @pytest.mark.parametrize("name", LOST_ANSWERS)
    async def test_of_a_read_is_transient(self, scene: Scene, name: str) -> None:
        behaviour, code = LOST_ANSWERS[name]
        scene.vendor.then(behaviour)
        scene.hurry(code)

        failure = await scene.failure(READ)

        assert (type(failure), failure.code) == (Transient, code)

    async def test_is_over_within_the_outer_deadline(self, scene: Scene) -> None:
        scene.vendor.then(drip(200, 0.1))
        scene.hurry()
        began = monotonic()
        await scene.failure(READ)

        assert monotonic() - began < 5  # of twenty seconds

    async def test_a_whole_500_of_the_vendor_needs_only_a_look(self, scene: Scene) -> None:
        scene.vendor.then(answer(500, b'{"code":1000,"message":"Internal error"}'))

        failure = await scene.failure(WRITE)

        assert isinstance(failure, Unknown)
        assert failure.complete

    async def test_a_cancelled_call_keeps_its_places(self, scene: Scene) -> None:
        scene.vendor.then(silence(2))
        call = asyncio.create_task(scene.api.call(WRITE))
        while not scene.vendor.seen:  # noqa: ASYNC110 - the vendor tells nobody
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert scene.budget.endings == ["unanswered"]


class TestTooMuch:
    @pytest.mark.parametrize(
        "body",
        [
            answer(body=b'{"code":0,"x":"' + b"y" * 20_000 + b'"}'),
            answer(body=gzip.compress(b'{"code":0,"x":"' + b"y" * 5_000_000 + b'"}'), content_encoding="gzip"),
            raw(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1000\r\n" + b"y" * 4096 + b"\r\n" * 1,
                then_close=False,
            ),
        ],
        ids=["declared", "packed bomb", "endless"],
    )
    async def test_is_not_read_to_its_end(self, scene: Scene, body: object) -> None:
        scene.vendor.then(body)  # type: ignore[arg-type]
        scene.hurry()

        assert (await scene.failure(READ)).code in ("VENDOR_ANSWER_TOO_LARGE", "VENDOR_TIMEOUT")
        assert isinstance(await scene.failure(WRITE), Unknown)

    async def test_a_stream_without_an_end_is_cut_at_the_cap(self, scene: Scene) -> None:
        async def pour(_: Seen, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for _piece in range(100):
                writer.write(b"1000\r\n" + b"y" * 4096 + b"\r\n")
                await writer.drain()

        scene.vendor.then(pour)

        assert (await scene.failure(READ)).code == "VENDOR_ANSWER_TOO_LARGE"


class TestRedirect:
    async def test_is_never_followed(self, scene: Scene) -> None:
        async with odd_vendor() as elsewhere:
            scene.vendor.then(answer(302, b"", location=f"{elsewhere.url}/zoho/eu/api/books/v3/contacts/7"))
            read, write = await scene.failure(READ), await scene.failure(WRITE)

            assert elsewhere.seen == []
        assert (type(read), read.code) == (Bug, "VENDOR_REDIRECTED")
        assert isinstance(write, Unknown)


class TestUnauthorised:
    async def test_takes_a_fresh_token_and_repeats_once(self, scene: Scene) -> None:
        scene.vendor.then(answer(401, UNAUTHORISED), answer())
        await scene.api.call(WRITE)

        assert [seen.headers["authorization"][-2:] for seen in scene.vendor.seen] == ["-1", "-2"]
        assert scene.tokens.reported == [1]
        assert [attempt.resend for attempt in scene.sink.attempts] == [0, 1]
        assert scene.budget.endings == ["answered", "answered"]

    async def test_never_a_third_time(self, scene: Scene) -> None:
        scene.vendor.then(answer(401, UNAUTHORISED))
        failure = await scene.failure(WRITE)

        assert len(scene.vendor.seen) == 2
        assert (type(failure), failure.code, failure.vendor_code) == (Rejected, "CALL_NOT_PERMITTED", "57")

    async def test_a_dead_grant_is_the_brokers_word_with_the_vendors_own(self, scene: Scene) -> None:
        scene.vendor.then(answer(401, UNAUTHORISED))
        scene.tokens.verdict = Unauthorised("NEEDS_REAUTH", "reconnect")
        failure = await scene.failure(READ)

        assert (failure.code, failure.vendor_status, failure.vendor_code) == ("NEEDS_REAUTH", 401, "57")
        assert len(scene.vendor.seen) == 1


class TestQuota:
    async def test_a_429_is_told_to_everybody(self, scene: Scene) -> None:
        scene.vendor.then(answer(429, b'{"code":44,"message":"blocked"}', retry_after="90"))
        failure = await scene.failure(READ)

        assert isinstance(failure, RateLimited)
        assert scene.budget.refusals == [failure]
        assert failure.scope == "minute"
        assert failure.retry_at is not None
        assert 85 < (failure.retry_at - datetime.now(UTC)).total_seconds() < 95


class TestAddress:
    @pytest.mark.parametrize(
        ("override", "why"),
        [
            ("http://sandbox.example.org/zoho", "plain http beyond this machine"),
            ("http://127.0.0.1.evil.example/zoho", "a name that looks like this machine"),
            ("http://user:pass@127.0.0.1:8080/zoho", "credentials in the address"),
            ("ftp://127.0.0.1/zoho", "another protocol"),
        ],
    )
    async def test_a_stand_in_must_be_on_this_machine(self, scene: Scene, override: str, why: str) -> None:
        door = Door(scene.tokens, scene.budget, SystemClock(), {"zoho": override})
        with pytest.raises(Bug) as refused:
            door.open(QuickProfile(), BOOKS)

        assert refused.value.code == "DOOR_HOST_REFUSED"

    @pytest.mark.parametrize("dc", ["eu.evil.example/", "xx", "", "EU", "uk"])
    async def test_only_data_centres_of_the_list(self, scene: Scene, dc: str) -> None:
        door = Door(scene.tokens, scene.budget, SystemClock(), {})
        with pytest.raises(Bug):
            door.open(QuickProfile(), connection_of(NAME, "x", dc=dc, organization_id="1"))

    @pytest.mark.parametrize(
        "poisoned",
        [
            "https://www.zohoapis.eu.evil.example/books/v3",
            "https://evil.example/books/v3",
            "https://www.zohoapis.eu:8443/books/v3",
            "https://www.zohoapis.eu@evil.example/books/v3",
            "http://www.zohoapis.eu/books/v3",
            "https:///books/v3",
        ],
    )
    async def test_a_poisoned_profile_gets_no_credential(self, scene: Scene, poisoned: str) -> None:
        class Poisoned(ZohoBooksProfile):
            def base_url(self, connection: Connection, override: str) -> str:
                return poisoned

        with pytest.raises(Bug):
            Door(scene.tokens, scene.budget, SystemClock(), {}).open(Poisoned(), BOOKS)


class TestCanary:
    """A token must be found nowhere but in the request."""

    @pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
    @pytest.mark.parametrize(
        "behaviour",
        [
            reset(),
            silence(2),
            raw(b"nonsense\r\n\r\n"),
            echo(400, 2),
            echo(401, 57),
            echo(500, 1000),
        ],
        ids=["reset", "silence", "nonsense", "echo 400", "echo 401", "echo 500"],
    )
    async def test_is_in_no_failure_log_or_attempt(
        self, scene: Scene, call: Call, behaviour: object, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        scene.vendor.then(behaviour)  # type: ignore[arg-type]
        scene.hurry()
        failure = await scene.failure(call)

        told = [
            repr(failure),
            str(failure),
            repr(vars(failure)),
            *_locals(failure),
            repr(scene.sink.attempts),
            caplog.text,
        ]
        assert not [text for text in told if CANARY in text or "ana@example.org" in text]
        assert failure.__cause__ is failure.__context__ is None  # the HTTP library's exceptions carry the request

    async def test_is_in_no_repr(self, scene: Scene) -> None:
        token = await scene.tokens.token(BOOKS.id)
        answered = await scene.api.call(READ)

        assert CANARY not in f"{token!r} {token} {answered!r} {scene.door!r} {READ!r}"


def _locals(failure: Failure) -> list[str]:
    """What a report with local variables would show of the product's own frames."""
    frames = traceback.TracebackException.from_exception(failure, capture_locals=True).stack
    return [repr(frame.locals) for frame in frames if "/libs/" in frame.filename]


class FilesProfile(SmallProfile):
    """With a store of files besides the API."""

    file_hosts = frozenset({"files.books.example"})


class QuickFilesProfile(QuickProfile):
    file_hosts = FilesProfile.file_hosts


class TestFiles:
    def file(self, scene: Scene, address: str = "") -> Call:
        return Call(
            "GET",
            "/results/{file}",
            "results.read",
            file=address or f"{scene.vendor.url}/zoho/store/7.tgz?Expires=1&Signature=s",
        )

    async def read(self, scene: Scene, call: Call) -> bytes:
        return (await scene.door.open(FilesProfile(), BOOKS).call(call)).body

    async def test_are_read_without_credential_and_quota(self, scene: Scene) -> None:
        scene.vendor.then(answer(body=b"\x1f\x8b bytes"))
        assert await self.read(scene, self.file(scene)) == b"\x1f\x8b bytes"
        (seen,) = scene.vendor.seen
        assert (seen.method, seen.target) == ("GET", "/zoho/store/7.tgz?Expires=1&Signature=s")
        assert not any(CANARY in value for value in seen.headers.values())
        assert (scene.budget.endings, seen.headers["accept-encoding"]) == ([], "identity")
        (attempt,) = scene.sink.attempts
        assert (attempt.template, attempt.outcome) == ("/results/{file}", None)

    @pytest.mark.parametrize("address", [
        "http://127.0.0.1:1/zoho/7.tgz", "https://files.books.example/7.tgz", "http://169.254.169.254/latest", "file:///etc/passwd",
        "https://me@files.books.example/7", "//files.books.example/7", "",
    ])  # fmt: skip
    async def test_are_read_below_the_stand_in_where_there_is_one(self, scene: Scene, address: str) -> None:
        with pytest.raises(Bug):
            await self.read(scene, replace(self.file(scene), file=address or "nowhere"))
        assert scene.vendor.seen == []

    @pytest.mark.parametrize(("address", "allowed"), [
        ("https://files.books.example/7.tgz?Signature=s", True), ("https://files.books.example:443/7", True),
        ("http://files.books.example/7", False), ("https://files.books.example:8443/7", False), ("https://evil.example/7", False),
        ("https://files.books.example.evil.example/7", False), ("https://www.zohoapis.eu/7", False), ("https://files.books.example/7#x", False),
    ])  # fmt: skip
    def test_lie_with_the_profiles_hosts_over_tls(self, address: str, allowed: bool) -> None:
        if allowed:
            assert addresses.checked_file(address, FilesProfile.file_hosts, "") == address
            return
        with pytest.raises(Bug):
            addresses.checked_file(address, FilesProfile.file_hosts, "")

    async def test_lie_with_hosts_that_only_the_operator_names_too(self, scene: Scene) -> None:
        address = "https://7.store.example:443/7.tgz"
        for named, why in ((("*.store.example",), "VENDOR_UNREACHABLE"), ((), "DOOR_HOST_REFUSED")):
            door = Door(scene.tokens, scene.budget, SystemClock(), {}, named, sink=scene.sink)
            with pytest.raises(Failure) as caught:
                await door.open(FilesProfile(), BOOKS).call(self.file(scene, address))
            await door.aclose()
            assert caught.value.code == why
        assert "7.store.example" in caught.value.message

    @pytest.mark.parametrize("status", [301, 302, 403, 404, 500, 503])
    async def test_what_is_not_there_is_asked_for_again(self, scene: Scene, status: int) -> None:
        scene.vendor.then(answer(status, location="http://127.0.0.1:1/elsewhere"))
        with pytest.raises(Transient) as caught:
            await self.read(scene, self.file(scene))
        assert (caught.value.code, len(scene.vendor.seen)) == ("VENDOR_FILE_UNAVAILABLE", 1)

    async def test_have_a_largest_size_and_an_end(self, scene: Scene) -> None:
        scene.vendor.then(answer(body=b"x" * 10_001))
        with pytest.raises(Bug):
            await self.read(scene, self.file(scene))
        scene.vendor.then(silence(2))
        with pytest.raises(Transient):
            await scene.door.open(QuickFilesProfile(), BOOKS).call(self.file(scene))
