"""The Mailchimp simulator: what `sandbox/simulator.py` asks of a vendor, over the modules of this folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from sandbox.core import Core
from sandbox.delivery import Attempt, Delivery
from sandbox.mailchimp import posting, state
from sandbox.mailchimp.api import Api, refusal
from sandbox.mailchimp.batch_runs import BatchRuns
from sandbox.mailchimp.bodies import Document, parse, text
from sandbox.mailchimp.connections import Connections
from sandbox.mailchimp.login import CLIENT_ID, CLIENT_SECRET, Login
from sandbox.mailchimp.people import People
from sandbox.mailchimp.problems import Problem, key_invalid, key_missing, too_many_connections
from sandbox.mailchimp.seed import fill
from sandbox.mailchimp.world import VENDOR, World
from sandbox.operators import credential
from sandbox.simulator import Answer, Reading, Request, Ticket

OWNED = re.compile(r"(/mailchimp/(?:[a-z]+[0-9]*/3\.0|login|results))(?=/|$)")
ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
CHECKED_URLS = re.compile(r"(POST|PATCH) (/lists/\{list_id\}/webhooks|/batch-webhooks)(/.*)?")


@dataclass(slots=True)
class MailchimpTicket(Ticket):
    """An admitted call: whose place it takes, and whether the address it names answers."""

    user: str = ""
    reachable: bool = True


class Mailchimp:
    """One simulated vendor."""

    vendor = VENDOR

    def __init__(self, core: Core) -> None:
        self._core, self._world = core, World()
        self._login = Login()
        self._api = Api(self._world, core.deliveries)
        self._batches = BatchRuns(self._world, self._api, core.deliveries, core.faults)
        self._connections = Connections(self._world)
        self._world.open("demo", core.operators)

    def owns(self, path: str) -> str | None:
        found = OWNED.match(path)
        return found[1] if found else None

    # Who may call, and how many at a time

    def admit(self, request: Request) -> Answer | Ticket:
        if request.prefix.endswith(("/login", "/results")):
            return MailchimpTicket("", open_route(request))
        route = self._api.route_of(request)
        given = credential(request.headers.get("authorization", ""))
        account = self._world.holder(given, request)
        if account is None:
            answer = refusal(key_invalid() if given else key_missing(), request.id)
            answer.route = route
            return answer
        admitted = MailchimpTicket(account.name, route)
        if request.operator:
            return admitted
        if not self._connections.enter(account.user):
            return self.throttled(request, admitted)
        admitted.user = account.user
        return admitted

    def leave(self, ticket: Ticket) -> None:
        if isinstance(ticket, MailchimpTicket) and ticket.user:
            self._connections.leave(ticket.user)

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        """A problem document; once the refusals pile up, an empty 429 or 403."""
        account = self._world.accounts.get(ticket.account)
        empty = self._connections.refuse(account.user if account else "", request.now.timestamp())
        if empty:
            return Answer(empty, account=ticket.account, route=ticket.route)
        answer = refusal(too_many_connections(self._world.switches.connections), request.id)
        answer.account, answer.route = ticket.account, ticket.route
        return answer

    def revoke(self, request: Request) -> None:
        """The user revoked the application or lost access; only a new consent helps."""
        given = credential(request.headers.get("authorization", ""))
        for account in self._world.accounts.values():
            if account.takes(given):
                account.revoked.add(given)

    # One call

    def probes(self, request: Request, ticket: Ticket) -> Sequence[Delivery]:
        """The addresses that must answer before this call is judged: those of new or moved hooks."""
        if not CHECKED_URLS.fullmatch(ticket.route):
            return ()
        try:
            url = text(parse(request.body), "url")
        except Problem:
            return ()
        return [posting.validation(ticket.account, url)] if url else ()

    def probed(self, ticket: Ticket, statuses: Sequence[int]) -> None:
        if isinstance(ticket, MailchimpTicket):
            ticket.reachable = all(status == 200 for status in statuses)

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        if request.prefix.endswith("/login"):
            answer = self._login.answer(request, self._world.accounts, self._world.consents)
        elif request.prefix.endswith("/results"):
            answer = self._batches.result(request)
        else:
            reachable = not isinstance(ticket, MailchimpTicket) or ticket.reachable
            answer = self._api.answer(self._world.accounts[ticket.account], request, reachable=reachable)
        answer.account = answer.account or ticket.account
        answer.route = ticket.route
        return answer

    def due(self, now: datetime) -> None:
        self._batches.due(now)

    def worked(self) -> Sequence[tuple[Request, Answer]]:
        """The operations of batches that ran since the last question."""
        done, self._api.worked = self._api.worked, []
        return done

    # Hooks

    def stamped(self, delivery: Delivery, now: datetime) -> Delivery:
        """The delivery signed for this very attempt."""
        account = self._world.accounts.get(delivery.account)
        return posting.stamped(account, delivery, now) if account else delivery

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        account = self._world.accounts.get(delivery.account)
        return account is not None and posting.tries_again(account, delivery, attempt)

    # Administration

    def act(self, account: str, body: Document) -> Document:
        """What people do outside the API (`people.py`); raises KeyError, ValueError."""
        found = self._world.accounts[account]
        return People(self._api.call(found, self._core.clock.now(), "", {}, body)).act()

    def accounts(self) -> list[dict[str, object]]:
        return [
            {
                "vendor": self.vendor,
                "name": account.name,
                "base_url": f"{{base}}/mailchimp/{account.dc}/3.0",
                "login_url": "{base}/mailchimp/login",
                "dc": account.dc,
                "user": account.user,
                "audience_ids": list(account.audiences),
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "api_key": account.api_key,
                "operator_token": account.operator_token,
            }
            for account in self._world.accounts.values()
        ]

    def meters(self, now: datetime) -> list[Reading]:
        allowed = self._world.switches.connections
        return [
            Reading(account.name, "connections", self._connections.of(account.user).open.used, allowed)
            for account in self._world.accounts.values()
        ]

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        """Fill an account's first audience; an account that is not there yet is opened."""
        if not ACCOUNT_NAME.fullmatch(account):
            raise ValueError("an account's name has up to 32 small letters, digits and hyphens")
        found = self._world.accounts.get(account) or self._world.open(account, self._core.operators)
        return fill(found, size, seed, trouble=trouble)

    def state(self, account: str | None) -> dict[str, object]:
        wanted = [self._world.accounts[account]] if account else list(self._world.accounts.values())
        return {"accounts": {found.name: state.of_account(found) for found in wanted}}

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        return self._world.switches.set(wanted) if wanted else asdict(self._world.switches)

    def reset(self) -> None:
        """Back to the first start; consents stay, so that a connected product remains connected."""
        kept = self._world.accounts["demo"]
        self._world.become(World(consents=self._world.consents))
        self._connections.forget_refusals()
        self._api.worked.clear()
        fresh = self._world.open("demo", self._core.operators)
        fresh.tokens, fresh.revoked = kept.tokens, kept.revoked - {kept.api_key}

    def dump(self) -> object:
        for account in self._world.accounts.values():
            for audience in account.audiences.values():
                audience.orders.clear()
        return self._world

    def load(self, dumped: object) -> None:
        self._world.become(cast(World, dumped))
        for account in self._world.accounts.values():
            self._core.operators.add(self.vendor, account.name, account.operator_token)


def open_route(request: Request) -> str:
    """The route of an address that asks for no key; every batch's result is one route."""
    place = request.prefix.rpartition("/")[2]
    return f"{request.method} /{place}{request.path if place == 'login' else '/{batch}'}"
