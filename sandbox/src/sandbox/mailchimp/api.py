"""One call of the API, judged and answered; the same way whether it comes by itself or out of a batch."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

import orjson

from sandbox.deliveries import Deliveries
from sandbox.mailchimp import posting
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.batch import Operation, Outcome
from sandbox.mailchimp.bodies import Document, parse
from sandbox.mailchimp.call import Call, Reply, Sendable
from sandbox.mailchimp.problems import TRIGGERED, Problem
from sandbox.mailchimp.routes import ROUTES, Found, Router
from sandbox.mailchimp.world import World
from sandbox.simulator import Answer, Request

TRIGGERS = {name.lower(): problem for name, problem in TRIGGERED.items()}
JSON = {"content-type": "application/json; charset=utf-8"}
PROBLEM = {"content-type": "application/problem+json; charset=utf-8"}


class Api:
    """The routes over the world's state."""

    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self._world, self._deliveries = world, deliveries
        self._router = Router()
        self.worked: list[tuple[Request, Answer]] = []

    def route_of(self, request: Request) -> str:
        """The template a call goes by, empty when it leads nowhere."""
        try:
            return self._router.find(method_of(request), request.segments).route
        except Problem:
            return ""

    def answer(self, account: Account, request: Request, *, reachable: bool) -> Answer:
        try:
            answer = self._answered(account, request, reachable)
        except Problem as problem:
            answer = refusal(problem, request.id)
        answer.headers["x-request-id"] = request.id
        return answer

    def _answered(self, account: Account, request: Request, reachable: bool) -> Answer:
        trigger = request.headers.get("x-trigger-error", "").strip().lower()
        if trigger in TRIGGERS:
            raise TRIGGERS[trigger]
        if "x-http-method-override" in request.headers and request.method != "POST":
            raise TRIGGERED["InvalidMethodOverride"]
        found = self._router.find(method_of(request), request.segments)
        call = self.call(account, request.now, request.base_url, dict(request.query), parse(request.body))
        call.reachable = reachable
        answer = written(run(call, found))
        answer.applied = call.applied
        return answer

    def call(self, account: Account, now: datetime, base_url: str, query: dict[str, str], body: Document) -> Call:
        def send(message: Sendable) -> None:
            self._deliveries.send(posting.delivery_of(account.name, message))

        return Call(account, self._world.switches, int(now.timestamp()), base_url, query, body, send)

    def operate(self, account: Account, now: datetime, operation: Operation, base_url: str) -> Outcome:
        """One operation of a batch; a batch cannot hand in batches."""
        request = request_of(account, now, operation, base_url)
        try:
            answer = self._operated(account, request, operation)
        except Problem as problem:
            answer = refusal(problem, request.id)
        self.worked.append((request, replace(answer, body=b"", account=account.name)))
        return Outcome(answer.status, answer.body)

    def _operated(self, account: Account, request: Request, operation: Operation) -> Answer:
        found = self._router.find(request.method, request.segments)
        if found.route.partition(" ")[2].startswith("/batch"):
            raise TRIGGERED["InvalidAction"]
        call = self.call(account, request.now, request.base_url, operation.query, body_of(operation))
        call.in_batch = True
        answer = written(run(call, found))
        answer.applied, answer.route = call.applied, f"BATCH {found.route}"
        return answer


def request_of(account: Account, now: datetime, operation: Operation, base_url: str) -> Request:
    """An operation as if it had come by itself, for the log."""
    path = "/" + operation.path.partition("?")[0].strip("/").removeprefix("3.0/")
    prefix = f"/mailchimp/{account.dc}/3.0"
    return Request(
        method=operation.method,
        prefix=prefix,
        path=path,
        segments=tuple(segment for segment in path.split("/") if segment),
        raw_path=prefix + path,
        query=list(operation.query.items()),
        raw_query=urlencode(operation.query).encode(),
        headers={},
        body=b"",
        base_url=base_url,
        operator=False,
        now=now,
        mono_ns=time.monotonic_ns(),
        id=account.digest("operation", account.number()),
    )


def run(call: Call, found: Found) -> Reply:
    call.params = found.params
    return ROUTES[found.route](call)


def method_of(request: Request) -> str:
    """The method meant: some callers can only POST."""
    override = request.headers.get("x-http-method-override")
    return override.upper() if override and request.method == "POST" else request.method


def body_of(operation: Operation) -> Document:
    """The body of an operation is a text; an object in its place is found out only now."""
    if not isinstance(operation.body, str):
        raise TRIGGERED["JSONParseError"]
    return parse(operation.body.encode())


def written(reply: Reply) -> Answer:
    if reply.document is None:
        return Answer(reply.status)
    return Answer(reply.status, orjson.dumps(reply.document), dict(JSON))


def refusal(problem: Problem, request_id: str) -> Answer:
    return Answer(problem.status, orjson.dumps(problem.document(request_id)), PROBLEM | {"x-request-id": request_id})
