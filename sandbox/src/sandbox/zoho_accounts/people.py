"""Who can consent, and which applications can ask: the fixed users and clients of the sandbox."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from sandbox.zoho_accounts.centres import DATA_CENTRES

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ZohoUser:
    """One person with an account in one data centre."""

    zuid: str
    dc: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Client:
    """One registered application: one id everywhere, one secret per data centre."""

    id: str
    name: str
    kind: Literal["server", "self"] = "server"
    multi_dc: bool = True
    home_dc: str = "us"
    redirect_uris: tuple[str, ...] = ()  # empty: any loopback address, so that a local stack may choose its ports
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def enabled_in(self, dc: str) -> bool:
        return self.multi_dc or dc == self.home_dc

    def redirects_to(self, uri: str) -> bool:
        if self.redirect_uris:
            return uri in self.redirect_uris
        try:
            parts = urlsplit(uri)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK


def made(kind: str, *parts: str) -> str:
    """A fixed identifier: the same in every sandbox, so that a demo can be written down."""
    return hashlib.sha256(":".join((kind, *parts)).encode()).hexdigest()


def secrets_of(client_id: str) -> dict[str, str]:
    return {dc: made("secret", client_id, dc)[:42] for dc in DATA_CENTRES}


def registered(name: str, redirect_uris: tuple[str, ...], *, multi_dc: bool = True, home_dc: str = "us") -> Client:
    """A client as the API console would register it; raises ValueError."""
    if home_dc not in DATA_CENTRES:
        raise ValueError(f"home_dc must be one of {', '.join(DATA_CENTRES)}")
    client_id = f"1000.{made('client', name)[:30].upper()}"
    return Client(client_id, name, "server", multi_dc, home_dc, redirect_uris, secrets_of(client_id))


def demo_clients() -> list[Client]:
    """A multi-DC server client, one without multi-DC, and a self client for client credentials."""
    ids = {name: f"1000.{made('client', name)[:30].upper()}" for name in ("demo", "single", "self")}
    return [
        Client(ids["demo"], "demo", secrets=secrets_of(ids["demo"])),
        Client(ids["single"], "single", multi_dc=False, home_dc="us", secrets=secrets_of(ids["single"])),
        Client(ids["self"], "self", kind="self", secrets=secrets_of(ids["self"])),
    ]


def demo_users() -> list[ZohoUser]:
    """Two people in every data centre: `demo`, who owns the organisations, and `colleague`."""
    return [
        ZohoUser(str(60_000_000_000 + 1000 * at + nth), dc, f"{who}@{dc}.example", f"{who.title()} ({dc.upper()})")
        for at, dc in enumerate(DATA_CENTRES, start=1)
        for nth, who in enumerate(("demo", "colleague"), start=1)
    ]
