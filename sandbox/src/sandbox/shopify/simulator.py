"""The Shopify simulator: what `sandbox/simulator.py` asks of a vendor, over the modules of this folder."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import cast

from sandbox.core import Core
from sandbox.delivery import Attempt, Delivery
from sandbox.shopify import bulk_runs, posting, state, versions
from sandbox.shopify.bucket import Bucket
from sandbox.shopify.bulk import BulkOperation
from sandbox.shopify.call import Call, Document
from sandbox.shopify.endpoint import BadRequest, answered, throttled
from sandbox.shopify.gate import Gate
from sandbox.shopify.oauth import OAuth
from sandbox.shopify.people import People
from sandbox.shopify.seed import fill
from sandbox.shopify.shop import SCOPES, Shop
from sandbox.shopify.world import PUBLIC, VENDOR, Caller, World, operator_of
from sandbox.simulator import Answer, Reading, Request, Ticket

OWNED = re.compile(r"(/shopify/[a-z0-9][a-z0-9-]*/(?:admin|files))(?=/|$)")
SHOP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
ROUTE = "POST /api/{version}/graphql.json"


class Shopify:
    """One simulated vendor."""

    vendor = VENDOR
    credential_header = "x-shopify-access-token"

    def __init__(self, core: Core) -> None:
        self._core, self._world = core, World()
        self._oauth, self._gate = OAuth(self._world), Gate(self._world)
        self._world.open("demo", core.operators)

    def owns(self, path: str) -> str | None:
        found = OWNED.match(path)
        return found[1] if found else None

    def admit(self, request: Request) -> Answer | Ticket:
        return self._gate.admit(request)

    def leave(self, ticket: Ticket) -> None:
        """Nothing is held: points are taken when a query is judged."""

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        shop = self._world.shops.get(ticket.account)
        if shop is None:
            return Answer.json(404, {"errors": "Not Found"})
        if request.prefix.endswith("/files"):
            answer = self._file(request, shop)
        elif request.path.startswith("/oauth/"):
            answer = self._oauth.answer(request, shop)
        else:
            answer = self._api(request, shop)
        answer.account, answer.route = shop.handle, ticket.route
        return answer

    def _api(self, request: Request, shop: Shop) -> Answer:
        caller = self._gate.caller(request, shop)
        version = versions.served(request.segments[1], request.now) if len(request.segments) == 3 else None
        if caller is None or version is None or request.method != "POST" or request.segments[0] != "api":
            return Answer.json(404, {"errors": "Not Found"})
        call = self._call(caller, request.now, request.id, request.base_url, version)
        try:
            answer = Answer.json(200, answered(call, request.body))
        except BadRequest as wrong:
            answer = Answer.json(400, {"errors": {"query": str(wrong)}})
        answer.headers["x-shopify-api-version"] = version
        answer.headers["x-request-id"] = request.id
        answer.applied = call.applied
        self._send(call)
        return answer

    def _call(self, caller: Caller, now: datetime, id_: str, base_url: str, version: str) -> Call:
        return Call(self._world, caller, now, id_, version, base_url)

    def _send(self, call: Call) -> None:
        for event in call.events:
            for message in posting.messages(call, event):
                self._core.deliveries.send(message)

    @staticmethod
    def _file(request: Request, shop: Shop) -> Answer:
        """What a bulk operation left; the address itself is the permission."""
        name = request.path.lstrip("/")
        done = next((one for one in shop.bulk.values() if one.url and one.url.endswith(f"/{name}")), None)
        old = done is None or done.completed_at is None or request.now > done.completed_at + bulk_runs.RESULTS_KEPT
        if request.method != "GET" or name not in shop.files or old:
            return Answer(404, b"<Error><Code>NoSuchKey</Code></Error>", {"content-type": "application/xml"})
        return Answer(200, shop.files[name], {"content-type": "application/jsonl"})

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        """A call too many is HTTP 200 here."""
        restore, most = self._world.switches.bucket
        answer = Answer.json(200, throttled(most, 0, restore, most), ticket.account, ticket.route)
        answer.headers["x-request-id"] = request.id
        return answer

    def revoke(self, request: Request) -> None:
        self._gate.revoke(request)

    # The clock

    def due(self, now: datetime) -> None:
        """Bulk operations that end, and privacy messages whose hour has come."""
        for shop in self._world.shops.values():
            for operation in shop.bulk.values():
                if operation.runs and bulk_runs.due(operation, now, self._world.switches.bulk_seconds):
                    self._finish(shop, operation, now)
        ripe = [one for one in self._world.later if one[0] <= now]
        for one in ripe:
            self._world.later.remove(one)
            self._tell_later(one, now)

    def _finish(self, shop: Shop, operation: BulkOperation, now: datetime) -> None:
        app = self._world.apps[operation.app]
        grant = app.grants.get(shop.handle)
        caller = Caller(shop, app, grant.scopes if grant else [])
        call = self._call(caller, now, f"bulk-{operation.number}", operation.base_url, operation.version)
        bulk_runs.finish(call, operation)
        self._send(call)

    def _tell_later(self, one: tuple[datetime, str, str, str, Document], now: datetime) -> None:
        _, handle, key, topic, body = one
        app, shop = self._world.apps[key], self._world.shops[handle]
        message = None if handle in app.grants else posting.privacy(self._world, app, shop, topic, body, now)
        if message is not None:
            self._core.deliveries.send(message)

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        shop = self._world.shops.get(delivery.account)
        return shop is not None and posting.ended(shop, delivery, attempt)

    # Administration

    def act(self, account: str, body: Document) -> Document:
        """What people do outside the API (`people.py`); raises KeyError, ValueError."""
        shop, now = self._world.shops[account], self._core.clock.now()
        self._world.made += 1
        caller = Caller(shop, self._world.custom(account), list(SCOPES), operator=True)
        call = self._call(caller, now, f"person-{account}-{self._world.made}", "", "2026-04")
        people = People(call, body)
        told = people.act()
        self._send(call)
        people.drop_hooks()
        for message in people.messages:
            self._core.deliveries.send(message)
        self._world.later += [(now + wait, account, key, topic, content) for wait, key, topic, content in people.later]
        return told

    def accounts(self) -> list[dict[str, object]]:
        public = self._world.apps[PUBLIC]
        return [
            {
                "vendor": self.vendor,
                "name": shop.handle,
                "base_url": f"{{base}}/shopify/{shop.handle}",
                "shop": shop.myshopify_domain,
                "client_id": public.client_id,
                "client_secret": public.secrets[-1].value,
                "access_token": self._world.custom(shop.handle).grants[shop.handle].endless[0].access
                if self._world.custom(shop.handle).grants.get(shop.handle)
                else "",
                "custom_secret": self._world.custom(shop.handle).secrets[-1].value,
                "operator_token": operator_of(shop.handle),
            }
            for shop in self._world.shops.values()
        ]

    def meters(self, now: datetime) -> list[Reading]:
        restore, most = self._world.switches.bucket
        used = {
            (shop.handle, key): most - Bucket(one.left, one.at).available(now.timestamp(), restore, most)
            for shop in self._world.shops.values()
            for key, one in shop.buckets.items()
        }
        return [
            Reading(handle, f"points of {key.partition(':')[0]}", int(spent), most)
            for (handle, key), spent in used.items()
        ]

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        """Fill a shop; one that is not there yet is opened."""
        if not SHOP_NAME.fullmatch(account):
            raise ValueError("a shop's name has up to 32 small letters, digits and hyphens")
        shop = self._world.shops.get(account) or self._world.open(account, self._core.operators)
        caller = Caller(shop, self._world.custom(account), list(SCOPES), operator=True)
        return fill(self._call(caller, self._core.clock.now(), "seed", "", "2026-04"), size, seed, trouble=trouble)

    def state(self, account: str | None) -> dict[str, object]:
        wanted = [self._world.shops[account]] if account else list(self._world.shops.values())
        apps = list(self._world.apps.values())
        return {"accounts": {shop.handle: state.of_shop(shop, apps) for shop in wanted}}

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        return self._world.switches.set(wanted) if wanted else asdict(self._world.switches)

    def reset(self) -> None:
        """Back to the first start; consents stay, so that a connected product remains connected."""
        kept = self._world.apps[PUBLIC].grants.get("demo")
        self._world.become(World())
        self._world.open("demo", self._core.operators)
        if kept is not None:
            self._world.apps[PUBLIC].grants["demo"] = kept

    def dump(self) -> object:
        return self._world

    def load(self, dumped: object) -> None:
        self._world.become(cast(World, dumped))
        for shop in self._world.shops.values():
            self._core.operators.add(self.vendor, shop.handle, operator_of(shop.handle))
