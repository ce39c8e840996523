"""Applications of the developer portal: their credentials, the companies that let them in, and their webhook."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sandbox.quickbooks.event import Event


def derived(*parts: object) -> str:
    """A credential that is the same in every run."""
    return hashlib.sha256(":".join(str(part) for part in parts).encode()).hexdigest()


@dataclass(slots=True)
class Grant:
    """What one application has at one company: one refresh token that lives, and the access tokens it has made."""

    realm: str
    refresh: str
    refresh_made: float
    idle_until: float
    hard_until: float
    access: dict[str, float] = field(default_factory=dict)  # by token, until when
    withdrawn: bool = False  # the application has lost the company
    demoted: bool = False  # whoever connected it is no longer its administrator


@dataclass(frozen=True, slots=True)
class Webhook:
    """What the portal knows: one address for all companies of the application."""

    url: str
    entities: dict[str, tuple[str, ...]]  # the operations of each entity
    since: float


@dataclass(slots=True)
class App:
    """One application, with what waits to be told to it."""

    key: str
    client_id: str
    client_secret: str
    verifier_token: str
    redirect_uris: tuple[str, ...] = ()
    grants: dict[str, Grant] = field(default_factory=dict)
    webhook: Webhook | None = None
    waiting: list[Event] = field(default_factory=list)
    on_its_way: str = ""  # the message that has not been acknowledged yet
    messages: int = 0
    events: int = 0
    verifiers: int = 1
    reads: dict[str, int] = field(default_factory=dict)  # by month

    def wants(self, event: Event, now: float) -> bool:
        """Whether the portal has this entity and operation ticked, and the company is connected."""
        grant, hook = self.grants.get(event.realm), self.webhook
        if hook is None or grant is None or grant.withdrawn or now < hook.since:
            return False
        return event.operation in hook.entities.get(event.entity, ())

    def rotate_verifier(self) -> str:
        self.verifiers += 1
        self.verifier_token = derived(self.key, "verifier", self.verifiers)[:36]
        return self.verifier_token


def new_app(key: str, redirect_uris: tuple[str, ...] = ()) -> App:
    """The same name gives the same credentials."""
    return App(
        key,
        f"AB{derived(key, 'client')[:48]}",
        derived(key, "secret")[:40],
        derived(key, "verifier", 1)[:36],
        redirect_uris,
    )
