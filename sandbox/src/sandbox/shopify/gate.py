"""Who may call: which shop it is, whether it answers at all, and what the token may."""

from __future__ import annotations

from sandbox.shopify.apps import Grant
from sandbox.shopify.shop import SCOPES, Shop
from sandbox.shopify.world import Caller, World
from sandbox.simulator import Answer, Request, Ticket

REFUSED = "Non-expiring access tokens are no longer accepted for the Admin API. Start using expiring offline tokens."
UNKNOWN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
CONDITIONS = {"frozen": (402, "Unavailable Shop"), "locked": (423, "The shop is locked")}


class Gate:
    """Judges a request before anything is done for it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def admit(self, request: Request) -> Answer | Ticket:
        handle, route = request.prefix.split("/")[2], route_of(request)
        shop = self._world.shops.get(handle)
        refusal = self._refusal(request, shop, route)
        if refusal is not None:
            status, errors = refusal
            return Answer.json(status, {"errors": errors}, handle if shop else "", route)
        return Ticket(handle, route)

    def _refusal(self, request: Request, shop: Shop | None, route: str) -> tuple[int, str] | None:
        if shop is None:
            return 404, "Not Found"
        if "/api/" not in route:
            return None
        if shop.condition:
            return CONDITIONS[shop.condition]
        caller = self.caller(request, shop)
        if caller is None:
            return 401, UNKNOWN
        endless = not caller.operator and not caller.app.custom and self._is_endless(request, caller)
        return (403, REFUSED) if endless and self._world.switches.non_expiring_tokens == "refused" else None

    def _is_endless(self, request: Request, caller: Caller) -> bool:
        given = given_token(request)
        return any(token.access == given for token in caller.app.grants[caller.shop.handle].endless)

    def caller(self, request: Request, shop: Shop) -> Caller | None:
        """Whose token this is; using the newest pair ends the grace of the former one."""
        if request.operator:
            return Caller(shop, self._world.custom(shop.handle), list(SCOPES), operator=True)
        given = given_token(request)
        for app in self._world.apps.values():
            grant = app.grants.get(shop.handle)
            if given and grant is not None and takes(grant, given, request):
                return Caller(shop, app, grant.scopes)
        return None

    def revoke(self, request: Request) -> None:
        """The grant of the token in this request is no more."""
        shop = self._world.shops.get(request.prefix.split("/")[2])
        caller = self.caller(request, shop) if shop else None
        if caller is not None and not caller.operator:
            caller.app.grants.pop(caller.shop.handle, None)


def given_token(request: Request) -> str:
    return request.headers.get("x-shopify-access-token", "")


def takes(grant: Grant, given: str, request: Request) -> bool:
    if any(token.access == given for token in grant.endless):
        return True
    current = grant.current
    if current is None or current.access != given or not current.lives(request.now):
        return False
    grant.used = True
    return True


def route_of(request: Request) -> str:
    """The template of the address, with one name for all versions and all files."""
    if request.prefix.endswith("/files"):
        return f"{request.method} /files/{{name}}"
    match request.segments:
        case ["api", _, "graphql.json"]:
            return f"{request.method} /api/{{version}}/graphql.json"
        case ["api", *_]:
            return f"{request.method} /api/*"
    return f"{request.method} {request.path}" if request.path.startswith("/oauth/") else f"{request.method} *"
