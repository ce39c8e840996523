"""The ASGI application: every request meets its simulator here, with the faults around it and a line in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from email.utils import format_datetime

from sandbox import wire
from sandbox.admin import Admin
from sandbox.calls import Call, CallLog, masked
from sandbox.core import Core
from sandbox.faults import Fault
from sandbox.health import health
from sandbox.late import LateCommits
from sandbox.registry import Vendors
from sandbox.simulator import Answer, HasOwnHeader, Probes, Request, Simulator, Ticket, Works
from sandbox.snapshot import Snapshot

TICK_S = 1.0


@dataclass(slots=True)
class Exchange:
    """One call on its way: who answers it, and what is wrong with it."""

    scope: wire.Scope
    receive: wire.Receive
    send: wire.Send
    simulator: Simulator
    request: Request
    ticket: Ticket = field(default_factory=lambda: Ticket(""))
    faults: dict[str, Fault] = field(default_factory=dict)


class Sandbox:
    """The whole sandbox as one ASGI application."""

    def __init__(self, core: Core, vendors: Vendors, snapshot_s: float) -> None:
        self.core, self.vendors = core, vendors
        self.log = CallLog()
        self.late = LateCommits(core.clock, self._apply_late)
        self.snapshot = Snapshot(core, vendors, self.log, self.late, core.home)
        self.admin = Admin(core, vendors, self.log, self.late, self.snapshot)
        # Asked once: whether an object has some methods is a slow question.
        self._probing = {one.vendor: one for one in vendors.all if isinstance(one, Probes)}
        self._working = [(one, one) for one in vendors.all if isinstance(one, Works)]
        self._snapshot_s = snapshot_s
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: wire.Receive, send: wire.Send) -> None:
        await receive()
        self.snapshot.read()
        self._start(self.core.deliveries.run(), self.late.run(), self._tick(), self.snapshot.run(self._snapshot_s))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.snapshot.write_if_changed()
        await send({"type": "lifespan.shutdown.complete"})

    def _start(self, *jobs: Awaitable[None]) -> None:
        self._tasks += [asyncio.ensure_future(job) for job in jobs]

    async def _tick(self) -> None:
        while True:
            await self.core.clock.moved_or(TICK_S)
            now = self.core.clock.now()
            for simulator in self.vendors.all:
                simulator.due(now)
            self._record_work()

    # One request

    async def _http(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        path = wire.raw_path(scope)
        try:
            body = await wire.read_body(receive)
        except ConnectionError:
            return
        except wire.TooLargeError:
            await wire.send_answer(send, Answer(413, b"Request Entity Too Large"))
            return
        owner = self.vendors.owner(path)
        if owner is None:
            answer = health(path) or await self.admin.answer(scope, path, body)
            await wire.send_answer(send, answer, scope["method"])
            return
        simulator, prefix = owner
        await self._call(self._exchange(scope, receive, send, simulator, prefix, body))

    def _exchange(
        self,
        scope: wire.Scope,
        receive: wire.Receive,
        send: wire.Send,
        simulator: Simulator,
        prefix: str,
        body: bytes,
    ) -> Exchange:
        headers = wire.headers_of(scope)
        operator = self.core.operators.account(simulator.vendor, authorization(simulator, headers)) is not None
        mono_ns = scope.get("sandbox.mono_ns") or time.monotonic_ns()
        request = wire.request_of(scope, body, headers, prefix, self.core.clock.now(), mono_ns, operator)
        return Exchange(scope, receive, send, simulator, request)

    async def _call(self, exchange: Exchange) -> None:
        simulator, request = exchange.simulator, exchange.request
        admitted = simulator.admit(request)
        if isinstance(admitted, Answer):
            self._tell(exchange, admitted)
            await wire.send_answer(exchange.send, admitted, request.method)
            return
        exchange.ticket = admitted
        paths = (request.path, request.raw_path)
        hits = self.core.faults.of_call(
            simulator.vendor, admitted.account, request.method, paths, request.operator, wire.said(request)
        )
        exchange.faults = {fault.kind: fault for fault in hits}
        try:
            await self._admitted(exchange)
        finally:
            simulator.leave(admitted)

    async def _admitted(self, exchange: Exchange) -> None:
        faults = exchange.faults
        if "latency" in faults:
            await self.core.faults.delay(faults["latency"])
        if "token_revoked" in faults:
            await self._revoked(exchange)
        elif "reset_before" in faults:
            self._tell(exchange, Answer(0))
            await wire.cut(exchange.scope, exchange.receive)
        elif "late_commit" in faults:
            self.late.add(exchange.simulator.vendor, exchange.request, exchange.ticket, faults["late_commit"].seconds)
            self.snapshot.changed()
            await wire.cut(exchange.scope, exchange.receive)
        elif "storm_429" in faults:
            await self._refuse(exchange, exchange.simulator.throttled(exchange.request, exchange.ticket))
        elif "status" in faults:
            await self._refuse(exchange, stated(faults["status"]))
        else:
            await self._applied(exchange)

    async def _refuse(self, exchange: Exchange, answer: Answer) -> None:
        self._tell(exchange, answer)
        await wire.send_answer(exchange.send, answer, exchange.request.method)

    async def _revoked(self, exchange: Exchange) -> None:
        """The credential dies while the call is on its way; the vendor then judges the call anew, uncounted."""
        simulator, request = exchange.simulator, exchange.request
        simulator.revoke(request)
        self.snapshot.changed()
        again = simulator.admit(request)
        if isinstance(again, Answer):
            await self._refuse(exchange, again)
            return
        simulator.leave(again)
        await self._applied(exchange)

    async def _applied(self, exchange: Exchange) -> None:
        request, faults = exchange.request, exchange.faults
        # Judged by the clock as it is now: a latency fault may have let it go on.
        request = replace(request, now=self.core.clock.now()) if "latency" in faults else request
        await self._probed(exchange)
        answer = exchange.simulator.handle(request, exchange.ticket)
        if "half_commit" in faults:
            failed = stated(faults["half_commit"])
            failed.applied, failed.account, failed.route = answer.applied, answer.account, answer.route
            await self._refuse(exchange, failed)
        elif "reset_after" in faults:
            self._tell(exchange, replace(answer, status=0))
            await wire.cut(exchange.scope, exchange.receive)
        else:
            self._tell(exchange, answer)
            await self._send(exchange, answer)

    async def _probed(self, exchange: Exchange) -> None:
        """Let the simulator know whether the addresses it asks for answer."""
        probing, ticket = self._probing.get(exchange.simulator.vendor), exchange.ticket
        if probing is not None and (wanted := probing.probes(exchange.request, ticket)):
            probing.probed(ticket, [await self.core.deliveries.probe(delivery) for delivery in wanted])

    async def _send(self, exchange: Exchange, answer: Answer) -> None:
        faults = exchange.faults
        if "truncated_body" in faults:
            await wire.send_half(exchange.scope, exchange.receive, exchange.send, answer)
        elif "slow_body" in faults:
            await wire.send_slowly(exchange.send, answer, faults["slow_body"].seconds)
        else:
            await wire.send_answer(exchange.send, answer, exchange.request.method)

    # What is told of it

    def _apply_late(self, vendor: str, request: Request, ticket: Ticket) -> None:
        simulator = self.vendors.named(vendor)
        request = replace(request, now=self.core.clock.now())
        answer = simulator.handle(request, ticket)
        self._record(simulator, request, ticket, replace(answer, status=0), "late_commit")

    def _record_work(self) -> None:
        for simulator, working in self._working:
            for request, answer in working.worked():
                self._record(simulator, request, Ticket(answer.account), answer, "")

    def _tell(self, exchange: Exchange, answer: Answer) -> None:
        kinds = ",".join(sorted(exchange.faults))
        answer.headers.setdefault("date", format_datetime(self.core.clock.now(), usegmt=True))
        self._record(exchange.simulator, exchange.request, exchange.ticket, answer, kinds)

    def _record(self, simulator: Simulator, request: Request, ticket: Ticket, answer: Answer, fault: str) -> None:
        self.log.add(
            Call(
                at=request.now.isoformat(),
                mono_ns=request.mono_ns,
                vendor=simulator.vendor,
                account=answer.account or ticket.account,
                method=request.method,
                path=request.raw_path,
                query=masked(request.raw_query.decode("latin-1")),
                status=answer.status,
                request_id=request.id,
                operator=request.operator,
                applied=tuple(answer.applied),
                route=answer.route or ticket.route or f"{request.method} *",
                fault=fault,
            )
        )
        self.snapshot.changed()


def authorization(simulator: Simulator, headers: dict[str, str]) -> str:
    """The credential of a call as an Authorization header would carry it."""
    if isinstance(simulator, HasOwnHeader):
        return f"Bearer {headers.get(simulator.credential_header, '')}"
    return headers.get("authorization", "")


def stated(fault: Fault) -> Answer:
    """The status and body a fault names."""
    kind = "application/json;charset=UTF-8" if fault.body.startswith(("{", "[")) else "text/plain"
    return Answer(fault.status, fault.body.encode(), {"content-type": kind} if fault.body else {})
