"""Zoho Books as the core sees it: who may call, how often, and what a call does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.core import Core
from sandbox.deliveries import Attempt, Delivery
from sandbox.limits import Concurrency, DayMeter, Window
from sandbox.operators import credential, operator_token
from sandbox.simulator import Answer, Reading, Request, Ticket
from sandbox.zoho_accounts.centres import DATA_CENTRES, accounts_base
from sandbox.zoho_accounts.grants import AccessToken
from sandbox.zoho_books.call import Call, Reply
from sandbox.zoho_books.dispatch import Dispatch
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.people import act
from sandbox.zoho_books.refusals import (
    Refusal,
    day_exceeded,
    minute_exceeded,
    no_token,
    stranger,
    too_many_at_once,
    unauthorised,
)
from sandbox.zoho_books.routes import Route, Router
from sandbox.zoho_books.seed import fill
from sandbox.zoho_books.stamps import epoch, offset_s
from sandbox.zoho_books.start import first_organisations
from sandbox.zoho_books.state import whole_state
from sandbox.zoho_books.switches import Switches
from sandbox.zoho_books.wire import envelope, refusal_body

PREFIX = re.compile(r"/zoho/([a-z]{2})/api/books/v3(?=/|\Z)")
VENDOR = "zoho-books"
JSON = "application/json;charset=UTF-8"
SERVICE = "ZohoBooks"


@dataclass(slots=True)
class BooksTicket(Ticket):
    """An admitted call: its organisation (none for the list of organisations) and its user."""

    dc: str = ""
    organization_id: str = ""
    user_id: str = ""
    only: str = ""
    metered: bool = False


@dataclass(slots=True)
class Meters:
    """What counts one organisation's calls."""

    minute: Window
    day: DayMeter
    at_once: Concurrency

    @staticmethod
    def made(org: Organisation, switches: Switches, now: int) -> Meters:
        return Meters(
            Window(switches.per_minute, 60.0, switches.window),
            DayMeter(switches.calls_per_day, offset_s(now, org.time_zone)),
            Concurrency(switches.calls_at_once),
        )

    def retune(self, switches: Switches) -> None:
        self.minute.limit, self.minute.mode = switches.per_minute, switches.window
        self.day.limit, self.at_once.limit = switches.calls_per_day, switches.calls_at_once


class ZohoBooks:
    """The simulator of Zoho Books v3 in every data centre."""

    vendor = VENDOR

    def __init__(self, core: Core) -> None:
        self._core = core
        self._router = Router()
        self._organisations: dict[str, Organisation] = {}
        self._switches: dict[str, Switches] = {}
        self._meters: dict[str, Meters] = {}
        self._dispatch = Dispatch(core.deliveries)
        self._take(first_organisations(core.zoho.users))

    def _take(self, organisations: list[Organisation]) -> None:
        now = epoch(self._core.clock.now())
        self._organisations = {org.id: org for org in organisations}
        self._switches = {org.id: self._switches.get(org.id, Switches()) for org in organisations}
        self._meters = {org.id: Meters.made(org, self._switches[org.id], now) for org in organisations}
        for org in organisations:
            org.keep_past(self._switches[org.id].list_lag_s > 0)
            self._core.operators.add(VENDOR, org.account, operator_token(VENDOR, org.account))
            self._core.zoho.add_organisation(SERVICE, org.id, org.dc, org.users[0].id)

    def owns(self, path: str) -> str | None:
        found = PREFIX.match(path)
        return found.group(0) if found and found.group(1) in DATA_CENTRES else None

    # Who may call, and how often

    def admit(self, request: Request) -> Answer | Ticket:
        dc = _dc(request)
        account = ""
        try:
            access = self._access(request, dc)
            route = self._route_name(request)
            org = self._organisation(request, dc, access)
            account = org.account if org else self._account_of(dc, access)
            if access is not None:
                self._check_scope(request, access)
            ticket = self._ticket(dc, account, route, org, access)
            if org is not None and access is not None:
                self._meter(org, request)
                ticket.metered = True
        except Refusal as refusal:
            return self._refused(refusal, account, self._route_name(request))
        return ticket

    def _access(self, request: Request, dc: str) -> AccessToken | None:
        """The live token; None for an operator."""
        if request.operator:
            return None
        header = request.headers.get("authorization", "")
        scheme, _, token = header.strip().partition(" ")
        if scheme not in ("Zoho-oauthtoken", "Bearer") or not token.strip():
            raise no_token()
        access = self._core.zoho.access(token.strip(), dc, request.now)
        if access is None:
            raise unauthorised()
        return access

    def _route_name(self, request: Request) -> str:
        try:
            return self._router.find(request.method, request.segments)[0].name
        except Refusal:
            return f"{request.method} ?"

    def _check_scope(self, request: Request, access: AccessToken) -> None:
        """An unknown path has no scope; it is refused for what it is, later."""
        route = self._route(request)
        if route is not None and not self._core.zoho.allows(access, route.scope):
            raise unauthorised()

    def _route(self, request: Request) -> Route | None:
        try:
            return self._router.find(request.method, request.segments)[0]
        except Refusal:
            return None

    def _organisation(self, request: Request, dc: str, access: AccessToken | None) -> Organisation | None:
        """The organisation a call names; only the organisations' own addresses do without."""
        route = self._route(request)
        named = request.param("organization_id") or request.headers.get("x-com-zoho-books-organizationid", "")
        if not named and route is not None and not route.needs_organisation:
            return None
        org = self._organisations.get(named)
        if org is None or org.dc != dc:
            raise stranger()
        if access is not None and not _may_see(org, access):
            raise stranger()
        return org

    def _account_of(self, dc: str, access: AccessToken | None) -> str:
        """Whose call the list of organisations is: the first one the token's user may see."""
        seen = (org for org in self._organisations.values() if org.dc == dc)
        return next((org.account for org in seen if access is None or _may_see(org, access)), "")

    @staticmethod
    def _ticket(dc: str, account: str, route: str, org: Organisation | None, access: AccessToken | None) -> BooksTicket:
        return BooksTicket(
            account,
            route,
            dc,
            org.id if org else "",
            access.user if access else "",
            (access.organization_id or "") if access else "",
        )

    def _meter(self, org: Organisation, request: Request) -> None:
        """Count the call, or refuse it uncounted: in progress, this minute, today."""
        meters, now = self._meters[org.id], request.now.timestamp()
        if meters.at_once.used >= meters.at_once.limit:
            raise too_many_at_once()
        if meters.minute.used(now) >= meters.minute.limit:
            raise minute_exceeded()
        if not meters.day.take(now):
            raise day_exceeded(meters.day.limit)
        meters.minute.take(now)
        meters.at_once.enter()

    def leave(self, ticket: Ticket) -> None:
        if isinstance(ticket, BooksTicket) and ticket.metered and ticket.organization_id in self._meters:
            at_once = self._meters[ticket.organization_id].at_once
            if at_once.used:  # a reset in the middle of a call starts with nothing in progress
                at_once.leave()

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        return self._refused(minute_exceeded(), ticket.account, ticket.route)

    def revoke(self, request: Request) -> None:
        self._core.zoho.revoke(credential(request.headers.get("authorization", "")))

    @staticmethod
    def _refused(refusal: Refusal, account: str, route: str) -> Answer:
        return Answer(refusal.status, refusal_body(refusal), {"content-type": JSON}, (), account, route)

    # What a call does

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        assert isinstance(ticket, BooksTicket)
        call: Call | None = None
        try:
            route, ids = self._router.find(request.method, request.segments)
            call = self._call(request, ticket, dict(ids))
            reply = route.handler(call)
        except Refusal as refusal:
            return self._refused(refusal, ticket.account, ticket.route)
        self._dispatch.run(call)
        return self._answer(reply, call, ticket)

    def _call(self, request: Request, ticket: BooksTicket, ids: dict[str, str]) -> Call:
        seen = {org.id: org for org in self._seen_by(ticket)}
        org = self._organisations.get(ticket.organization_id) or next(iter(seen.values()), None)
        if org is None:
            raise stranger()
        user = next((one for one in org.users if one.id == ticket.user_id), org.users[0])
        plans = {one: switches.plan for one, switches in self._switches.items()}
        return Call(org, seen, user, self._switches[org.id], plans, request, ids, epoch(request.now))

    def _seen_by(self, ticket: BooksTicket) -> Iterator[Organisation]:
        for org in self._organisations.values():
            visible = not ticket.user_id or any(user.id == ticket.user_id for user in org.users)
            if org.dc == ticket.dc and visible and ticket.only in ("", org.id):
                yield org

    @staticmethod
    def _answer(reply: Reply, call: Call, ticket: Ticket) -> Answer:
        body = envelope(0, reply.message, reply.parts)
        return Answer(reply.status, body, {"content-type": JSON}, tuple(call.applied), ticket.account, ticket.route)

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        org = self._named(delivery.account)
        return self._dispatch.delivered(org, delivery, attempt)

    # What the core asks

    def accounts(self) -> list[dict[str, object]]:
        client = self._core.zoho.client("demo")
        return [
            {
                "vendor": VENDOR,
                "name": org.account,
                "base_url": "{base}" + f"/zoho/{org.dc}/api/books/v3",
                "accounts_url": accounts_base("{base}", org.dc),
                "dc": org.dc,
                "organization_id": org.id,
                "organization_name": org.name,
                "time_zone": org.time_zone,
                "users": [user.email for user in org.users],
                "client_id": client.id,
                "client_secret": client.secrets[org.dc],
                "operator_token": operator_token(VENDOR, org.account),
            }
            for org in self._organisations.values()
        ]

    def meters(self, now: datetime) -> list[Reading]:
        return list(self._readings(now.timestamp()))

    def _readings(self, now: float) -> Iterator[Reading]:
        for org in self._organisations.values():
            meters = self._meters[org.id]
            yield Reading(org.account, "per minute", meters.minute.used(now), meters.minute.limit)
            yield Reading(org.account, "per day", meters.day.used(now), meters.day.limit)
            yield Reading(org.account, "at once", meters.at_once.used, meters.at_once.limit)

    def _named(self, account: str) -> Organisation:
        for org in self._organisations.values():
            if account in (org.account, org.id):
                return org
        raise KeyError(account)

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        org = self._named(account)
        started = next(one for one in first_organisations(self._core.zoho.users) if one.id == org.id)
        filled = fill(started, size, seed, trouble=trouble)
        filled.hooks, filled.rules = org.hooks, org.rules
        filled.last_id = max(filled.last_id, org.last_id)
        filled.keep_past(self._switches[org.id].list_lag_s > 0)
        self._organisations[org.id] = filled
        return {
            "organization_id": org.id,
            "customers": len(filled.contacts),
            "invoices": len(filled.invoices),
            "payments": len(filled.payments),
            "items": len(filled.items),
        }

    def state(self, account: str | None) -> dict[str, object]:
        chosen = [self._named(account)] if account else list(self._organisations.values())
        now = epoch(self._core.clock.now())
        return {"accounts": {org.account: whole_state(org, now) for org in chosen}}

    def act(self, account: str, wanted: dict[str, object]) -> dict[str, object]:
        """What a person does in the web application: `{"do": "add_custom_field", ...}`."""
        return act(self._named(account), wanted)

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        rest = {key: value for key, value in wanted.items() if key not in ("account", "reset")}
        account = wanted.get("account")
        chosen = [self._named(str(account))] if account else list(self._organisations.values())
        for org in chosen:
            start = Switches() if wanted.get("reset") is True else self._switches[org.id]
            self._switch(org, start.changed(rest))
        return {org.account: self._switches[org.id].document() for org in chosen}

    def _switch(self, org: Organisation, switches: Switches) -> None:
        self._switches[org.id] = switches
        self._meters[org.id].retune(switches)
        org.keep_past(switches.list_lag_s > 0)

    def reset(self) -> None:
        self._switches = {}
        self._take(first_organisations(self._core.zoho.users))

    def dump(self) -> object:
        organisations = [org.dump() for org in self._organisations.values()]
        meters = {one: replace(meter, at_once=Concurrency(meter.at_once.limit)) for one, meter in self._meters.items()}
        return organisations, dict(self._switches), meters

    def load(self, dumped: object) -> None:
        organisations, switches, meters = _loaded(dumped)
        self._switches = switches
        self._take([Organisation.load(one) for one in organisations])
        self._meters.update(meters)

    def due(self, now: datetime) -> None:
        """Nothing waits here: overdue is read off the calendar, retries are the delivery queue's."""


Loaded = tuple[list[dict[str, Any]], dict[str, Switches], dict[str, Meters]]


def _loaded(dumped: object) -> Loaded:
    assert isinstance(dumped, tuple)
    organisations, switches, meters = dumped
    return organisations, switches, meters


def _dc(request: Request) -> str:
    found = PREFIX.match(request.prefix)
    assert found is not None
    return found.group(1)


def _may_see(org: Organisation, access: AccessToken) -> bool:
    if access.organization_id is not None and access.organization_id != org.id:
        return False
    return any(user.id == access.user for user in org.users)
