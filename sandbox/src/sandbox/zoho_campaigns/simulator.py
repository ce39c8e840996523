"""Zoho Campaigns as the core sees it."""

from __future__ import annotations

import re
from datetime import datetime

from sandbox.core import Core
from sandbox.delivery import Attempt, Delivery
from sandbox.operators import operator_token
from sandbox.simulator import Answer, Reading, Request, Ticket
from sandbox.zoho_accounts.centres import DATA_CENTRES, accounts_base
from sandbox.zoho_campaigns import parameters
from sandbox.zoho_campaigns.account import Account
from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.envelopes import PLAIN, TOPICS, failed, html, succeeded, written
from sandbox.zoho_campaigns.gate import CampaignsTicket, Gate, Locked, method_of, route_of
from sandbox.zoho_campaigns.methods import Method
from sandbox.zoho_campaigns.people import People
from sandbox.zoho_campaigns.refusals import Document, Refusal
from sandbox.zoho_campaigns.seed import fill
from sandbox.zoho_campaigns.start import first_accounts
from sandbox.zoho_campaigns.state import whole_state
from sandbox.zoho_campaigns.switches import Switches
from sandbox.zoho_campaigns.tenants import Tenants

VENDOR = "zoho-campaigns"
PREFIX = re.compile(r"/zoho/([a-z]{2})/campaigns/api/v1\.1(?=/|\Z)")


class ZohoCampaigns:
    """The simulator of Zoho Campaigns v1.1 in every data centre."""

    vendor = VENDOR

    def __init__(self, core: Core) -> None:
        self._core, self._tenants = core, Tenants()
        self._gate = Gate(core.zoho, self._tenants)
        self._start()

    def _start(self) -> None:
        self._tenants.take(first_accounts(self._core.zoho.users))
        for one in self._tenants.accounts.values():
            self._core.operators.add(VENDOR, one.name, operator_token(VENDOR, one.name))

    def owns(self, path: str) -> str | None:
        found = PREFIX.match(path)
        return found.group(0) if found and found.group(1) in DATA_CENTRES else None

    # One call

    def admit(self, request: Request) -> Answer | Ticket:
        found = PREFIX.match(request.prefix)
        assert found is not None
        authorization = request.headers.get("authorization", "")
        operator = self._core.operators.account(VENDOR, authorization) if request.operator else None
        ticket = CampaignsTicket("", route_of(request))
        try:
            self._gate.admit(request, found.group(1), operator, ticket)
        except Refusal as refusal:
            return _told(_refused(request, refusal), ticket)
        except Locked as locked:
            return _told(self._locked(request, locked.account), ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Nothing is held: calls are counted, not connections."""

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        """As if the method were closed, which it is not."""
        assert isinstance(ticket, CampaignsTicket)
        return _told(self._locked(request, self._tenants.accounts[ticket.account_id]), ticket)

    def _locked(self, request: Request, account: Account) -> Answer:
        """What a closed method answers is not known."""
        how = self._tenants.switches[account.id].locked_answer
        if how == "too_many":
            return html(429, "Too Many Requests")
        return _refused(request, Refusal("2008" if how == "limit" else "500"))

    def revoke(self, request: Request) -> None:
        self._gate.revoke(request)

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        assert isinstance(ticket, CampaignsTicket)
        method, account = method_of(request), self._tenants.accounts.get(ticket.account_id)
        assert method is not None
        assert account is not None
        call = self._call(account, ticket.zuid, int(request.now.timestamp()))
        try:
            answer = _answered(request, method, call)
        except Refusal as refusal:
            answer = _refused(request, refusal)
        answer.applied = tuple(call.applied)
        return _told(answer, ticket)

    def _call(self, account: Account, zuid: str, now: int) -> Call:
        user = self._core.zoho.user(zuid or next(iter(account.roles)))
        owner = (user.name, user.zuid) if user else ("", "0")
        return Call(account, self._tenants.switches[account.id], now, owner=owner)

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        return False

    # What the core and its admin ask

    def accounts(self) -> list[dict[str, object]]:
        return [self._account(one) for one in self._tenants.accounts.values()]

    def _account(self, one: Account) -> dict[str, object]:
        client = self._core.zoho.client("demo")
        users = [user.email for user in self._core.zoho.users if user.zuid in one.roles]
        return {
            "vendor": VENDOR,
            "name": one.name,
            "base_url": "{base}" + f"/zoho/{one.dc}/campaigns/api/v1.1",
            "accounts_url": accounts_base("{base}", one.dc),
            "dc": one.dc,
            "organization_name": one.title,
            "lists": {found.name: found.key for found in one.lists.values()},
            "topics": {found.name: found.id for found in one.topics.values()} if one.topic_mode != "off" else {},
            "users": users,
            "client_id": client.id,
            "client_secret": client.secrets[one.dc],
            "operator_token": operator_token(VENDOR, one.name),
        }

    def meters(self, now: datetime) -> list[Reading]:
        return [
            Reading(account.name, f"{name}, {int(window.seconds)} s", window.used(now.timestamp()), window.limit)
            for account in self._tenants.accounts.values()
            for name, lane in self._tenants.lanes[account.id].items()
            for window in lane.windows
        ]

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        """Contacts anew; lists, fields and topics stay."""
        found = self._tenants.named(account)
        if not found.lists:
            raise ValueError("the account has no list any more")
        fill(found, size, seed, trouble=trouble)
        return {"contacts": len(found.contacts), "list": next(iter(found.lists))}

    def state(self, account: str | None) -> dict[str, object]:
        now, tenants = self._core.clock.time(), self._tenants
        return {"accounts": {one.name: whole_state(one, tenants.lanes[one.id], now) for one in tenants.chosen(account)}}

    def act(self, account: str, body: dict[str, object]) -> dict[str, object]:
        """What people do (`people.py`); raises KeyError, ValueError."""
        found = self._tenants.named(account)
        call = self._call(found, "", int(self._core.clock.time()))
        try:
            return People(call, dict(body), self._tenants).act()
        except Refusal as refusal:
            raise ValueError(f"{refusal.code}: {refusal.message}") from refusal

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        """For one account or all; `{"reset": true}` goes back to what is in force from the start."""
        rest = {key: value for key, value in wanted.items() if key not in ("account", "reset")}
        begin = Switches() if wanted.get("reset") is True else None
        chosen = self._tenants.chosen(wanted.get("account"))
        changed = {one.id: (begin or self._tenants.switches[one.id]).changed(rest) for one in chosen}
        self._tenants.switches |= changed
        return {one.name: changed[one.id].document() for one in chosen}

    def reset(self) -> None:
        self._start()

    def dump(self) -> object:
        return self._tenants.dump()

    def load(self, dumped: object) -> None:
        self._tenants.load(dumped)

    def due(self, now: datetime) -> None:
        """Nothing happens by itself: locks end when they are looked at."""


def _answered(request: Request, method: Method, call: Call) -> Answer:
    pairs = parameters.sent(request)
    known = (*method.optional, method.format_name)
    call.parameters = parameters.checked(pairs, method.mandatory, known, missing=method.missing)
    name = "/".join(request.segments)
    return written(succeeded(method.form, name, method.handler(call)), name, as_json=_wants_json(request))


def _refused(request: Request, refusal: Refusal) -> Answer:
    method, name = method_of(request), "/".join(request.segments)
    document: Document = failed(method.form if method else PLAIN, name, refusal)
    return written(document, name, as_json=_wants_json(request), status=refusal.status)


def _wants_json(request: Request) -> bool:
    """By the path, by a parameter whose name goes by method, or always: topics know no other format."""
    method = method_of(request)
    if method is not None and (method.in_path or method.form == TOPICS):
        return request.segments[0] != "xml"
    name = method.format_name if method else "resfmt"
    return parameters.first(parameters.sent(request), name).upper() == "JSON"


def _told(answer: Answer, ticket: CampaignsTicket) -> Answer:
    answer.account, answer.route = ticket.account, ticket.route
    return answer
