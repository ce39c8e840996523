"""QuickBooks Online as the core sees it."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import cast

from sandbox.core import Core
from sandbox.delivery import Attempt, Delivery
from sandbox.operators import operator_token
from sandbox.quickbooks import api, state
from sandbox.quickbooks.call import Call
from sandbox.quickbooks.company import Company
from sandbox.quickbooks.gate import Gate, QuickBooksTicket, Refused
from sandbox.quickbooks.oauth import AUTHORIZE, DISCOVERY, PATHS, REVOKE, TOKEN, OAuth
from sandbox.quickbooks.people import People
from sandbox.quickbooks.refusals import Refusal, too_many
from sandbox.quickbooks.seed import fill
from sandbox.quickbooks.telling import Telling
from sandbox.quickbooks.wire import JSON, plain, written
from sandbox.quickbooks.world import APP, VENDOR, World, month_of
from sandbox.simulator import Answer, Reading, Request, Ticket

OWNED = re.compile(r"/quickbooks(?=/|\Z)")
COMPANY_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class QuickBooks:
    """One simulated vendor."""

    vendor = VENDOR

    def __init__(self, core: Core) -> None:
        self._core, self._world = core, World()
        self._oauth, self._gate = OAuth(self._world), Gate(self._world)
        self._telling = Telling(self._world, core.deliveries)
        self._world.begin(core.operators)

    def owns(self, path: str) -> str | None:
        found = OWNED.match(path)
        return found[0] if found else None

    # One call

    def admit(self, request: Request) -> Answer | Ticket:
        if request.path in PATHS:
            return Ticket("", f"{request.method} {request.path.rstrip('/')}")
        if len(request.segments) < 3 or request.segments[:2] != ("v3", "company"):
            return _marked(Answer(404), request)
        authorization = request.headers.get("authorization", "")
        operator = self._core.operators.account(VENDOR, authorization) if request.operator else None
        try:
            return self._gate.admit(request, operator)
        except Refused as refused:
            return self._refused(refused.refusal, request, refused.account)

    def leave(self, ticket: Ticket) -> None:
        if isinstance(ticket, QuickBooksTicket):
            self._gate.leave(ticket)

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        if not isinstance(ticket, QuickBooksTicket):
            answer = self._oauth.answer(request)
            answer.route = ticket.route
            return _marked(answer, request)
        company = self._world.companies.get(ticket.realm)
        if company is None:
            return _marked(Answer(404), request)
        return self._handled(request, ticket, company)

    def _handled(self, request: Request, ticket: QuickBooksTicket, company: Company) -> Answer:
        call = self._call(request, ticket, company)
        try:
            answer = Answer(200, api.answered(call, self._core.faults), {"content-type": JSON})
        except Refusal as refusal:
            answer = self._refused(refusal, request, company.account)
        self._count(call, ticket)
        answer.applied, answer.account, answer.route = tuple(call.applied), company.account, ticket.route
        self._telling.tell(call.events, request.now)
        return _marked(answer, request)

    def _call(self, request: Request, ticket: QuickBooksTicket, company: Company) -> Call:
        app = self._world.apps.get(ticket.app)
        left = self._gate.reads_left(app, request) if app else None
        return Call(company, self._world.switches, request, reads_left=left)

    def _count(self, call: Call, ticket: QuickBooksTicket) -> None:
        """Only what was answered with 2xx is a read of the month."""
        app, month = self._world.apps.get(ticket.app), month_of(call.now)
        if app is not None and call.reads:
            app.reads[month] = app.reads.get(month, 0) + call.reads

    def _refused(self, refusal: Refusal, request: Request, account: str) -> Answer:
        lower = self._world.switches.gateway_faults == "lower"
        body = written(refusal.document(request.now, lower=lower))
        route = api.route_of(request)
        return _marked(Answer(refusal.status, body, {"content-type": JSON}, (), account, route), request)

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        return self._refused(too_many(self._world.switches.throttle_status), request, ticket.account)

    def revoke(self, request: Request) -> None:
        self._gate.revoke(request)

    # The clock, and what came of messages

    def due(self, now: datetime) -> None:
        self._telling.due(now)

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        self._telling.ended(delivery, attempt, self._core.clock.now())
        return True

    # Administration

    def act(self, account: str, body: dict[str, object]) -> dict[str, object]:
        """What people do outside the API (`people.py`); raises KeyError, ValueError."""
        now = self._core.clock.now()
        call = Call(self._world.named(account), self._world.switches, by_hand(now), by_person=True)
        try:
            done = People(self._world, call, dict(body)).act()
        except Refusal as refusal:
            raise ValueError(f"{refusal.code}: {refusal.detail}") from refusal
        self._telling.tell(call.events, now)
        return dict(plain(done))

    def accounts(self) -> list[dict[str, object]]:
        app, base = self._world.apps[APP], "{base}/quickbooks"
        return [
            {
                "vendor": VENDOR,
                "name": company.account,
                "base_url": f"{base}/v3/company/{company.realm}",
                "api_url": base,
                "realm_id": company.realm,
                "organization_name": company.name,
                "authorize_url": f"{base}{AUTHORIZE}",
                "token_url": f"{base}{TOKEN}",
                "revoke_url": f"{base}{REVOKE}",
                "discovery_url": f"{base}{DISCOVERY[1]}/",
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "verifier_token": app.verifier_token,
                "operator_token": operator_token(VENDOR, company.account),
            }
            for company in self._world.companies.values()
        ]

    def meters(self, now: datetime) -> list[Reading]:
        numbers = self._world.switches
        calls = [
            Reading(one.account, "calls a minute", self._gate.used(one, now.timestamp()), numbers.realm_minute)
            for one in self._world.companies.values()
        ]
        reads = [
            Reading(app.key, "reads of the month", app.reads.get(month_of(now), 0), numbers.reads_a_month)
            for app in self._world.apps.values()
        ]
        return calls + reads

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        """Fill a company; one that is not there yet is opened."""
        if not COMPANY_NAME.fullmatch(account):
            raise ValueError("a company's name has up to 32 small letters, digits and hyphens")
        known = {company.account: company for company in self._world.companies.values()}
        company = known.get(account) or self._world.open(account, self._core.operators)
        return fill(company, size, seed, trouble=trouble)

    def state(self, account: str | None) -> dict[str, object]:
        world = self._world
        wanted = [world.named(account)] if account else list(world.companies.values())
        return {
            "accounts": {company.account: state.of_company(company, world.apps.values()) for company in wanted},
            "apps": {app.key: state.of_app(app) for app in world.apps.values()},
        }

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        return self._world.switches.set(wanted) if wanted else asdict(self._world.switches)

    def reset(self) -> None:
        """Back to the first start; consents stay, so that a connected product remains connected."""
        grants = self._world.apps[APP].grants
        self._world.begin(self._core.operators)
        self._world.apps[APP].grants = {realm: one for realm, one in grants.items() if realm in self._world.companies}
        self._gate.clear()

    def dump(self) -> object:
        return self._world

    def load(self, dumped: object) -> None:
        self._world.become(cast(World, dumped))
        for company in self._world.companies.values():
            self._core.operators.add(VENDOR, company.account, operator_token(VENDOR, company.account))


def by_hand(now: datetime) -> Request:
    """What stands for the request when somebody does something without one."""
    return Request(
        "POST", "", "", (), "", [], b"", {}, b"", "https://qbo.example", operator=True, now=now, mono_ns=0, id=""
    )


def _marked(answer: Answer, request: Request) -> Answer:
    """Every answer of the gateway can be asked about by its number."""
    answer.headers["intuit_tid"] = request.id
    return answer
