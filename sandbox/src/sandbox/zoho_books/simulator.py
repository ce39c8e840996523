"""Zoho Books as the core sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from sandbox.core import Core
from sandbox.delivery import Attempt, Delivery
from sandbox.operators import credential, operator_token
from sandbox.simulator import Answer, Reading, Request, Ticket
from sandbox.zoho_accounts.centres import DATA_CENTRES, accounts_base
from sandbox.zoho_books.call import Call, Change, Reply
from sandbox.zoho_books.dispatch import VENDOR, Dispatch
from sandbox.zoho_books.gate import BooksTicket, Gate, Refused
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.people import act
from sandbox.zoho_books.refusals import Refusal, minute_exceeded, stranger
from sandbox.zoho_books.routes import Router
from sandbox.zoho_books.seed import fill
from sandbox.zoho_books.stamps import epoch
from sandbox.zoho_books.start import first_organisations
from sandbox.zoho_books.state import whole_state
from sandbox.zoho_books.switches import Switches
from sandbox.zoho_books.tenants import Tenants
from sandbox.zoho_books.wire import envelope, refusal_body

PREFIX = re.compile(r"/zoho/([a-z]{2})/api/books/v3(?=/|\Z)")
JSON = "application/json;charset=UTF-8"
SERVICE = "ZohoBooks"


class ZohoBooks:
    """The simulator of Zoho Books v3 in every data centre."""

    vendor = VENDOR

    def __init__(self, core: Core) -> None:
        self._core = core
        self._router, self._tenants = Router(), Tenants()
        self._gate = Gate(core.zoho, self._router, self._tenants)
        self._dispatch = Dispatch(core.deliveries)
        self._start()

    def _start(self) -> None:
        organisations = first_organisations(self._core.zoho.users)
        self._tenants.take(organisations, self._now())
        for org in organisations:
            self._core.operators.add(VENDOR, org.account, operator_token(VENDOR, org.account))
            self._core.zoho.add_organisation(SERVICE, org.id, org.dc, org.users[0].id)

    def _now(self) -> int:
        return epoch(self._core.clock.now())

    def owns(self, path: str) -> str | None:
        found = PREFIX.match(path)
        return found.group(0) if found and found.group(1) in DATA_CENTRES else None

    # One call

    def admit(self, request: Request) -> Answer | Ticket:
        found = PREFIX.match(request.prefix)
        assert found is not None
        admission = self._gate.admit(request, found.group(1))
        if isinstance(admission, Refused):
            return _refused(admission.refusal, admission.account, admission.route)
        return admission

    def leave(self, ticket: Ticket) -> None:
        assert isinstance(ticket, BooksTicket)
        self._gate.leave(ticket)

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        return _refused(minute_exceeded(), ticket.account, ticket.route)

    def revoke(self, request: Request) -> None:
        self._core.zoho.revoke(credential(request.headers.get("authorization", "")))

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        assert isinstance(ticket, BooksTicket)
        try:
            route, ids = self._router.find(request.method, request.segments)
            call = self._call(request, ticket, dict(ids))
            reply = route.handler(call)
        except Refusal as refusal:
            return _refused(refusal, ticket.account, ticket.route)
        self._dispatch.run(call)
        return _answer(reply, call, ticket)

    def _call(self, request: Request, ticket: BooksTicket, ids: dict[str, str]) -> Call:
        tenants = self._tenants
        seen = {org.id: org for org in tenants.seen_by(ticket.dc, ticket.user_id, ticket.only)}
        org = tenants.organisations.get(ticket.organization_id) or next(iter(seen.values()), None)
        if org is None:
            raise stranger()
        user = next((one for one in org.users if one.id == ticket.user_id), org.users[0])
        return Call(org, seen, user, tenants.switches[org.id], tenants.plans(), request, ids, epoch(request.now))

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        return self._dispatch.delivered(self._tenants.named(delivery.account), delivery, attempt)

    # What the core and its admin ask

    def accounts(self) -> list[dict[str, object]]:
        return [self._account(org) for org in self._tenants.organisations.values()]

    def _account(self, org: Organisation) -> dict[str, object]:
        client = self._core.zoho.client("demo")
        return {
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

    def meters(self, now: datetime) -> list[Reading]:
        return list(self._readings(now.timestamp()))

    def _readings(self, now: float) -> Iterator[Reading]:
        for org in self._tenants.organisations.values():
            meters = self._tenants.meters[org.id]
            yield Reading(org.account, "per minute", meters.minute.used(now), meters.minute.limit)
            yield Reading(org.account, "per day", meters.day.used(now), meters.day.limit)
            yield Reading(org.account, "at once", meters.at_once.used, meters.at_once.limit)

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        """Records anew; hooks and rules stay, as do custom fields and papers that people added."""
        org = self._tenants.named(account)
        started = next(one for one in first_organisations(self._core.zoho.users) if one.id == org.id)
        filled = fill(started, size, seed, trouble=trouble)
        filled.hooks, filled.rules = org.hooks, org.rules
        filled.fields += [field for field in org.fields if field not in filled.fields]
        filled.papers = org.papers
        filled.last_id = max(filled.last_id, org.last_id)
        self._tenants.refill(filled)
        return {
            "organization_id": org.id,
            "customers": len(filled.contacts),
            "invoices": len(filled.invoices),
            "payments": len(filled.payments),
            "items": len(filled.items),
        }

    def state(self, account: str | None) -> dict[str, object]:
        return {"accounts": {org.account: whole_state(org, self._now()) for org in self._tenants.chosen(account)}}

    def act(self, account: str, body: dict[str, object]) -> dict[str, object]:
        """What a person does in the web application: `{"do": "add_custom_field", ...}`."""
        org, now, changes = self._tenants.named(account), self._now(), list[Change]()
        told = act(org, body, now, changes)
        self._dispatch.tell(org, self._tenants.switches[org.id], changes, now)
        return told

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        """For one account or all; `{"reset": true}` goes back to what is in force from the start."""
        rest = {key: value for key, value in wanted.items() if key not in ("account", "reset")}
        chosen = self._tenants.chosen(wanted.get("account"))
        start = {
            org.id: Switches() if wanted.get("reset") is True else self._tenants.switches[org.id] for org in chosen
        }
        changed = [(org, start[org.id].changed(rest)) for org in chosen]
        for org, switches in changed:
            self._tenants.switch(org, switches)
        return {org.account: switches.document() for org, switches in changed}

    def reset(self) -> None:
        self._tenants.switches.clear()
        self._start()

    def dump(self) -> object:
        return self._tenants.dump()

    def load(self, dumped: object) -> None:
        self._tenants.load(dumped, self._now())

    def due(self, now: datetime) -> None:
        """Nothing waits here: overdue is read off the calendar, retries are the delivery queue's."""


def _answer(reply: Reply, call: Call, ticket: Ticket) -> Answer:
    body = envelope(0, reply.message, reply.parts)
    return Answer(reply.status, body, {"content-type": JSON}, tuple(call.applied), ticket.account, ticket.route)


def _refused(refusal: Refusal, account: str, route: str) -> Answer:
    return Answer(refusal.status, refusal_body(refusal), {"content-type": JSON}, (), account, route)
