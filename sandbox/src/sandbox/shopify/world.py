"""All that a restart must find again: shops, applications, codes on their way, and the switches in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.operators import Operators, operator_token
from sandbox.shopify.apps import App, Grant, Secret, Token, derived
from sandbox.shopify.shop import SCOPES, Shop
from sandbox.shopify.switches import Switches

VENDOR = "shopify"
PUBLIC = "public"
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Code:
    """A consent on its way to being a token; good once."""

    shop: str
    app: str
    scopes: tuple[str, ...]
    expires: float


@dataclass(slots=True)
class Caller:
    """Who calls: for which shop, as which application, with which scopes."""

    shop: Shop
    app: App
    scopes: list[str]
    operator: bool = False


@dataclass(slots=True)
class World:
    """The one mutable root; everything else gets it handed in."""

    shops: dict[str, Shop] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)
    made: int = 0
    # privacy messages that wait: when, shop, application, topic, body
    later: list[tuple[datetime, str, str, str, dict[str, object]]] = field(default_factory=list)

    def open(self, handle: str, operators: Operators) -> Shop:
        """A shop with the application of its own admin; the same name gives the same credentials."""
        if PUBLIC not in self.apps:
            secret = Secret(f"shpss_{derived('public', 'secret')}")
            self.apps[PUBLIC] = App(PUBLIC, derived("public", "client"), [secret])
        shop = Shop(handle, "EUR", FIRST_DAY, enabled_presentment_currencies=["EUR", "USD", "GBP", "JPY", "KWD", "SEK"])
        self.shops[handle] = shop
        key = custom_key(handle)
        own = App(key, derived(key, "client"), [Secret(f"shpss_{derived(key, 'secret')}")], custom=True)
        own.grants[handle] = Grant(list(SCOPES), endless=[Token(f"shpat_{derived(key, 'token')}")])
        self.apps[key] = own
        operators.add(VENDOR, handle, operator_of(handle))
        return shop

    def custom(self, handle: str) -> App:
        return self.apps[custom_key(handle)]

    def become(self, other: World) -> None:
        self.shops, self.apps, self.codes = other.shops, other.apps, other.codes
        self.switches, self.made, self.later = other.switches, other.made, other.later


def custom_key(handle: str) -> str:
    return f"custom:{handle}"


def operator_of(handle: str) -> str:
    return f"shpat_{operator_token(VENDOR, handle)}"
