"""The one way to a vendor's API.

A call takes a token, waits for quota, goes out once, and comes back as an answer or as a `Failure`. The one repeat made here is
after a refused token, which applied nothing: once, with a token of another generation. Everything else is decided where the record is known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import httpx
import orjson

from common.clock import Clock, monotonic
from common.contracts.connections import Connection
from common.failures import Failure, RateLimited, Rejected, Unauthorised
from common.http import addresses
from common.http.attempts import LogSink, Sink
from common.http.call import Api, Call, Priority, VendorAnswer
from common.http.exchange import NoAnswer, RawAnswer, exchange, open_client
from common.http.file_lines import LineFile, open_lines
from common.http.judgement import judged, judged_file, not_permitted, told_by_broker
from common.http.points import Prices
from common.http.profile import PERMIT_PATIENCE_S, Limit, PointsTold, Profile
from common.http.reporting import Reporter
from common.http.tokens import Token, TokenSource
from common.metrics import Metrics

__all__ = ["Api", "Budget", "Call", "Door", "Permit", "Priority", "VendorAnswer"]


class Permit(Protocol):
    """One place in every limit of a call; exactly one of the three ends it."""

    @property
    def waited_s(self) -> float: ...

    def answered(self, told: PointsTold | None = None) -> None:
        """The vendor answered: the places are free a window from now, and what it said of its points is known to all."""

    def unanswered(self) -> None:
        """Sent, and nobody knows when the vendor counted it."""

    def unused(self) -> None:
        """Nothing was sent."""


class Budget(Protocol):
    """Who may call, and when."""

    async def admit(
        self,
        connection: Connection,
        limits: tuple[Limit, ...],
        priority: Priority,
        *,
        hold_s: float,
        deadline: float,
        cost: int = 1,
    ) -> Permit:
        """Waits until every limit has a place and `cost` points, at most until `deadline`; raises `RateLimited` beyond it."""

    async def throttled(self, limits: tuple[Limit, ...], failure: RateLimited) -> RateLimited:
        """The vendor said no: nobody calls before the time it named, and longer if it keeps saying no."""


class Door:
    """Opens to a vendor for one connection; holds one client per vendor and nothing of any record."""

    def __init__(
        self,
        tokens: TokenSource,
        budget: Budget,
        clock: Clock,
        base_urls: Mapping[str, str],
        file_hosts: Iterable[str] = (),
        *,
        metrics: Metrics | None = None,
        sink: Sink | None = None,
    ) -> None:
        """Both are the settings': addresses that stand in for a system's own hosts, and hosts of files besides the profiles'."""
        self.tokens = tokens
        self.budget = budget
        self.clock = clock
        self._metrics = metrics or Metrics()
        self._base_urls = dict(base_urls)
        self._file_hosts = frozenset(file_hosts)
        self._sink = sink or LogSink()
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._prices: defaultdict[str, Prices] = defaultdict(Prices)

    def open(self, profile: Profile, connection: Connection, *, sink: Sink | None = None) -> Api:
        """The door for one connection; raises a `Bug` when its address is not the vendor's."""
        override = self._base_urls.get(profile.system, "")
        base = addresses.checked(profile.base_url(connection, override), profile.hosts, override)
        client = self._clients.get(profile.vendor)
        if client is None:
            client = self._clients[profile.vendor] = open_client(profile.timeouts)
        reporter = Reporter(profile, connection, base, self._metrics, sink or self._sink)
        file = partial(addresses.checked_file, hosts=profile.file_hosts | self._file_hosts, override=override)
        return _Opened(self, profile, connection, base, file, client, reporter, self._prices[profile.vendor])

    async def aclose(self) -> None:
        """Closes every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()


class _Opened:
    """The door, opened."""

    def __init__(
        self,
        door: Door,
        profile: Profile,
        connection: Connection,
        base: str,
        file: Callable[[str], str],
        client: httpx.AsyncClient,
        reporter: Reporter,
        prices: Prices,
    ) -> None:
        self._door = door
        self._profile = profile
        self._connection = connection
        self._base = base
        self._file = file
        self._client = client
        self._reporter = reporter
        self._prices = prices

    async def call(self, call: Call) -> VendorAnswer:
        if call.file:
            return await self._fetched(call)
        patience = _Patience(call.deadline or math.inf, self._profile.timeouts.total)
        # Asked before the budget: a grant that is gone must not cost the others their quota.
        await self._door.tokens.token(self._connection.id)
        result, token = await self._attempt(call, patience, resend=0)
        if isinstance(result, Unauthorised):
            result = await self._again(call, token, patience, result)
        if isinstance(result, RateLimited):
            result = await self._door.budget.throttled(self._limits(call), result)
        if isinstance(result, Failure):
            raise result
        return result

    def _limits(self, call: Call) -> tuple[Limit, ...]:
        return tuple(self._profile.limits(self._connection, call))

    async def _fetched(self, call: Call) -> VendorAnswer:
        """A file lies outside of the API: no token, no quota, and never another host than the profile and the settings name."""
        request, at = self._file_request(call), self._door.clock.now()
        with self._reporter.span(call, 0) as span:
            outcome = await exchange(
                self._client, request, deadline=min(call.deadline or math.inf, monotonic() + self._profile.timeouts.total),
                max_body=self._profile.max_body,
            )  # fmt: skip
            result = judged_file(call, outcome, self._door.clock.now())
            self._reporter.tell(call, outcome, result, at=at, waited_s=0.0, resend=0, span=span)
        if isinstance(result, Failure):
            raise result
        return result

    async def lines(self, call: Call) -> AsyncIterator[bytes]:
        request, at = self._file_request(call), self._door.clock.now()
        with self._reporter.span(call, 0) as span:
            opened = await open_lines(self._client, request, self._profile.max_body)
            outcome = opened.head if isinstance(opened, LineFile) else opened
            result = judged_file(call, outcome, self._door.clock.now())
            self._reporter.tell(call, outcome, result, at=at, waited_s=0.0, resend=0, span=span)
        if isinstance(result, Failure):
            if isinstance(opened, LineFile):
                await opened.response.aclose()
            raise result
        assert isinstance(opened, LineFile)
        async with aclosing(opened.lines()) as lines:
            async for line in lines:
                yield line

    def _file_request(self, call: Call) -> httpx.Request:
        headers = {"accept": "*/*", "accept-encoding": "identity"}
        return self._client.build_request("GET", self._file(call.file), headers=headers)

    async def _again(self, call: Call, token: Token, patience: _Patience, refusal: Failure) -> VendorAnswer | Failure:
        """Once more with a later token. Refused again, or no later one: a missing right is no old token, so never a third."""
        try:
            await self._door.tokens.replaced(self._connection.id, token.generation)
        except (Rejected, Unauthorised) as verdict:
            return told_by_broker(verdict, refusal)
        again, _ = await self._attempt(call, patience, resend=1)
        return not_permitted(again) if isinstance(again, Unauthorised) else again

    async def _attempt(self, call: Call, patience: _Patience, *, resend: int) -> tuple[VendorAnswer | Failure, Token]:
        limits = self._limits(call)
        with patience.for_permit() as deadline:
            permit = await self._door.budget.admit(
                self._connection,
                limits,
                call.priority,
                hold_s=self._profile.timeouts.total,
                deadline=deadline,
                cost=self._prices.of(call),
            )
        close = permit.unused
        try:
            token = await self._door.tokens.token(self._connection.id)
            request = self._request(call, token)
            with self._reporter.span(call, resend) as span:
                close = permit.unanswered
                at = self._door.clock.now()
                with patience.for_answer() as latest:
                    outcome = await exchange(
                        self._client,
                        request,
                        deadline=latest,
                        max_body=self._profile.max_body,
                        before_send=call.before_send,
                        out_within_s=self._profile.timeouts.out,
                    )
                close = _ending(permit, outcome, self._prices.told(call, limits, outcome))
                result = judged(self._profile, call, outcome, token.secret.reveal(), self._door.clock.now())
                self._reporter.tell(call, outcome, result, at=at, waited_s=permit.waited_s, resend=resend, span=span)
        finally:
            close()
        if isinstance(outcome, NoAnswer) and outcome.held is not None:
            raise outcome.held
        return result, token

    def _request(self, call: Call, token: Token) -> httpx.Request:
        content = None if call.json is None else orjson.dumps(call.json)
        headers = {**call.headers, **self._profile.credential(token.secret.reveal())}
        if content is not None:
            headers["content-type"] = "application/json"
        query = {**call.query, **self._profile.query(self._connection, call.template)}
        url = self._base + addresses.filled(call.template, call.path)
        return self._client.build_request(call.method, url, params=query or None, content=content, headers=headers)


@dataclass(slots=True)
class _Patience:
    """What a call may spend on waiting for permits, and apart from it on the vendor; a second try has what the first left.

    A permit that comes late takes nothing from the vendor's time: a healthy call must not time out because of our own queue. The sum
    of both is the longest that anything of a call can be on its way (R2).
    """

    deadline: float
    answer_s: float
    permit_s: float = PERMIT_PATIENCE_S

    @contextmanager
    def for_permit(self) -> Iterator[float]:
        began = monotonic()
        yield min(self.deadline, began + self.permit_s)
        self.permit_s = max(0.0, self.permit_s - (monotonic() - began))

    @contextmanager
    def for_answer(self) -> Iterator[float]:
        began = monotonic()
        yield min(self.deadline, began + self.answer_s)
        self.answer_s = max(0.0, self.answer_s - (monotonic() - began))


def _ending(permit: Permit, outcome: RawAnswer | NoAnswer, told: PointsTold | None) -> Callable[[], None]:
    if isinstance(outcome, RawAnswer):
        return permit.answered if told is None else partial(permit.answered, told)
    return permit.unanswered if outcome.sent else permit.unused
