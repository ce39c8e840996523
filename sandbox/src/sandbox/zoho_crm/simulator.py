"""Zoho CRM as the core sees it."""

from __future__ import annotations

import re
from datetime import datetime

from sandbox.core import Core
from sandbox.delivery import Attempt, Delivery
from sandbox.operators import operator_token
from sandbox.simulator import Answer, Reading, Request, Ticket
from sandbox.zoho_accounts.centres import DATA_CENTRES, accounts_base
from sandbox.zoho_crm.bulk import announcement, finish
from sandbox.zoho_crm.bulk_job import BulkJob
from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.gate import CrmTicket, Gate, Refused
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.people import People, edition_changed
from sandbox.zoho_crm.refusals import Document, Refusal, too_many
from sandbox.zoho_crm.routes import WATCH, Route, Router
from sandbox.zoho_crm.scopes import SERVICE
from sandbox.zoho_crm.seed import fill
from sandbox.zoho_crm.stamps import epoch
from sandbox.zoho_crm.start import first_accounts
from sandbox.zoho_crm.state import whole_state
from sandbox.zoho_crm.switches import Switches
from sandbox.zoho_crm.telling import VENDOR, Telling
from sandbox.zoho_crm.tenants import Tenants
from sandbox.zoho_crm.wire import JSON, parse, written

PREFIX = re.compile(r"/zoho/([a-z]{2})/api/crm/(?:bulk/)?v8(?=/|\Z)")
WITH_BODY = ("POST", "PUT", "PATCH")


class ZohoCrm:
    """The simulator of Zoho CRM v8 in every data centre."""

    vendor = VENDOR

    def __init__(self, core: Core) -> None:
        self._core = core
        self._router, self._tenants = Router(), Tenants()
        self._gate = Gate(core.zoho, self._router, self._tenants)
        self._telling = Telling(core.deliveries)
        self._start()

    def _start(self) -> None:
        accounts = first_accounts(self._core.zoho.users)
        self._tenants.take(accounts)
        for org, _ in accounts:
            self._core.operators.add(VENDOR, org.account, operator_token(VENDOR, org.account))
            self._core.zoho.add_organisation(SERVICE, org.id, org.dc, org.users[0].zuid)

    def _now(self) -> int:
        return epoch(self._core.clock.now())

    def owns(self, path: str) -> str | None:
        found = PREFIX.match(path)
        return found.group(0) if found and found.group(1) in DATA_CENTRES else None

    # One call

    def admit(self, request: Request) -> Answer | Ticket:
        found = PREFIX.match(request.prefix)
        assert found is not None
        authorization = request.headers.get("authorization", "")
        operator = self._core.operators.account(VENDOR, authorization) if request.operator else None
        admission = self._gate.admit(request, found.group(1), operator)
        if isinstance(admission, Refused):
            return _refused(admission.refusal, admission.account, admission.route)
        return admission

    def leave(self, ticket: Ticket) -> None:
        assert isinstance(ticket, CrmTicket)
        self._gate.leave(ticket)

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        return _refused(too_many(request.path == WATCH), ticket.account, ticket.route)

    def revoke(self, request: Request) -> None:
        self._gate.revoke(request)

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        assert isinstance(ticket, CrmTicket)
        try:
            route, ids = self._router.find(request.method, request.segments, bulk="/bulk/" in request.prefix)
            call = self._call(request, ticket, route, ids)
            reply = route.handler(call)
        except Refusal as refusal:
            return self._counted(_refused(refusal, ticket.account, ticket.route), ticket)
        if not call.is_quiet:
            self._tell(call)
        return self._counted(_answer(reply, call, ticket), ticket)

    def _tell(self, call: Call) -> None:
        self._telling.run(call.org, call.switches, call.changes, call.now, call.request.base_url)

    def _call(self, request: Request, ticket: CrmTicket, route: Route, ids: dict[str, str]) -> Call:
        org = self._tenants.organisations[ticket.org_id]
        user = next((one for one in org.users if one.zuid == ticket.zuid), org.users[0])
        document: Document = parse(request.body) if route.method in WITH_BODY else {}
        return Call(
            org, user, self._tenants.switches[org.id], request, document, ids, epoch(request.now), ticket.scopes
        )

    def _counted(self, answer: Answer, ticket: CrmTicket) -> Answer:
        """What is left of the credits is told once half of them are used."""
        credits = self._tenants.meters[ticket.org_id].credits
        used = credits.used(self._core.clock.time())
        if 2 * used >= credits.limit:
            answer.headers["X-API-CREDITS-REMAINING"] = str(credits.limit - used)
        return answer

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        return True

    # What the core and its admin ask

    def accounts(self) -> list[dict[str, object]]:
        return [self._account(org) for org in self._tenants.organisations.values()]

    def _account(self, org: Organisation) -> dict[str, object]:
        client, own = self._core.zoho.client("demo"), self._core.zoho.client("self")
        return {
            "vendor": VENDOR,
            "name": org.account,
            "base_url": "{base}" + f"/zoho/{org.dc}/api/crm/v8",
            "bulk_url": "{base}" + f"/zoho/{org.dc}/api/crm/bulk/v8",
            "accounts_url": accounts_base("{base}", org.dc),
            "dc": org.dc,
            "organization_id": org.id,
            "organization_name": org.name,
            "soid": f"{SERVICE}.{org.id}",
            "edition": self._tenants.switches[org.id].edition,
            "time_zone": org.time_zone,
            "users": [user.email for user in org.users],
            "client_id": client.id,
            "client_secret": client.secrets[org.dc],
            "self_client_id": own.id,
            "self_client_secret": own.secrets[org.dc],
            "operator_token": operator_token(VENDOR, org.account),
        }

    def meters(self, now: datetime) -> list[Reading]:
        return [
            Reading(org.account, "credits in 24 h", credits.used(now.timestamp()), credits.limit)
            for org in self._tenants.organisations.values()
            for credits in [self._tenants.meters[org.id].credits]
        ]

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        """Records anew; fields, custom modules and channels stay."""
        org = self._tenants.named(account)
        fill(org, size, seed, self._now(), trouble=trouble)
        return {"organization_id": org.id, **{name: len(shelf) for name, shelf in org.shelves.items() if len(shelf)}}

    def state(self, account: str | None) -> dict[str, object]:
        tenants = self._tenants
        return {
            "accounts": {org.account: whole_state(org, tenants.switches[org.id]) for org in tenants.chosen(account)}
        }

    def act(self, account: str, body: dict[str, object]) -> dict[str, object]:
        """What a person does in the CRM's own pages: `{"do": "merge", ...}`."""
        org = self._tenants.named(account)
        switches = self._tenants.switches[org.id]
        if body.get("do") == "change_edition":
            changed = edition_changed(switches, body)
            self._tenants.switch(org, changed)
            return changed.document()
        user = next((one for one in org.users if one.email == body.get("as")), org.users[0])
        call = Call(org, user, switches, by_hand(self._core.clock.now()), {}, {}, self._now())
        done = People(call, body).act()
        self._tell(call)
        return done

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        """For one account or all; `{"reset": true}` goes back to what is in force from the start."""
        rest = {key: value for key, value in wanted.items() if key not in ("account", "reset")}
        begun = {org.id: edition for org, edition in first_accounts(self._core.zoho.users)}
        changed = []
        for org in self._tenants.chosen(wanted.get("account")):
            now = Switches(begun[org.id]) if wanted.get("reset") is True else self._tenants.switches[org.id]
            changed.append((org, now.changed(rest)))
        for org, switches in changed:
            self._tenants.switch(org, switches)
        return {org.account: switches.document() for org, switches in changed}

    def reset(self) -> None:
        self._start()

    def dump(self) -> object:
        return self._tenants.dump()

    def load(self, dumped: object) -> None:
        self._tenants.load(dumped)

    def due(self, now: datetime) -> None:
        """Bulk jobs end, and tell whoever wants to know."""
        for org in self._tenants.organisations.values():
            for job in org.jobs.values():
                self._end(org, job, epoch(now))

    def _end(self, org: Organisation, job: BulkJob, now: int) -> None:
        finish(org, self._tenants.switches[org.id], job, now)
        if job.callback_url and job.result is not None and not job.announced:
            job.announced = True
            self._core.deliveries.send(announcement(org, job))


def by_hand(now: datetime) -> Request:
    """What stands for the request when somebody does something without one."""
    return Request(
        "POST", "", "", (), "", [], b"", {}, b"", "https://crm.example", operator=True, now=now, mono_ns=0, id=""
    )


def _answer(reply: Reply, call: Call, ticket: Ticket) -> Answer:
    """204 and 304 have no body at all."""
    body, kind = reply.content, reply.content_type
    if reply.document is not None:
        body, kind = written(reply.document), JSON
    headers = {"content-type": kind} if kind else {}
    return Answer(reply.status, body, headers, tuple(call.applied), ticket.account, ticket.route)


def _refused(refusal: Refusal, account: str, route: str) -> Answer:
    return Answer(refusal.status, written(refusal.document()), {"content-type": JSON}, (), account, route)
