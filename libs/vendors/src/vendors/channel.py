"""How a vendor is told to call us: what is wanted is compared with the vendor's own list, and only what is missing is made.

A channel knows no database and no vault: the secrets of webhooks come and go through `HookSecrets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from common.contracts.ids import Entity
from common.http.call import Api
from common.secret import Secret
from vendors.notices import AccountNotice


@dataclass(frozen=True, slots=True)
class HookSubscription:
    """What shall be heard of one connection, by subject; `base` is our address for it."""

    base: str
    subjects: Sequence[str]

    def is_ours(self, url: str) -> bool:
        """Whether an address leads to this connection, be it under a public address that we had before."""
        path = urlsplit(self.base).path
        return urlsplit(url).path == path or urlsplit(url).path.startswith(f"{path}/")


def hook_address(public_url: str, vendor: str, connection: str) -> str:
    """Where the gateway takes a connection's webhooks."""
    return f"{public_url.rstrip('/')}/hooks/{vendor}/{connection}"


APP = "app"
"""Stands in the address of an application's webhooks where others have a connection."""


def app_secrets_of(vendor: str) -> str:
    """Under which name the vault keeps the secrets of an application's webhooks; no connection can be called that."""
    return f"{APP}:{vendor}"


def strangers_of(vendor: str) -> str:
    """Under which name the quarantine keeps what is signed and of no connection's account."""
    return f"{app_secrets_of(vendor)}:unknown"


NOT_ENTERED = "no secret of the application is known yet"
"""Why a webhook was not believed that came before somebody entered the secret."""


class HookSecrets(Protocol):
    """The secrets of one connection's webhooks, by slot; they live in the vault."""

    async def known(self, slot: str) -> Secret | None:
        """The secret that is valid now."""

    async def made(self, slot: str, prefix: str = "") -> Secret:
        """A new secret with this prefix, stored before it is returned; the former one stays valid for a while."""

    async def keep(self, slot: str, secret: Secret) -> None:
        """Stores one that the vendor made, at once: it is told only once."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit did, in words."""

    mended: Sequence[str] = ()
    """Was missing, switched off, or led where nobody listens: what happened meanwhile was not told."""
    removed: Sequence[str] = ()
    notices: Sequence[AccountNotice] = ()
    """What the vendor's answers give people cause to know."""
    judged: Sequence[str] = ()
    """The kinds of notices that this audit can tell: one of them that it does not tell has no reason any more."""


@dataclass(frozen=True, slots=True)
class DescribedHook:
    """One webhook that is wanted, as a person finds or registers it in the vendor's own settings."""

    subject: str
    event: str
    """When it shall be sent, in the vendor's words."""
    url: str


class Assistant(Protocol):
    """How a person registers webhooks where an account's plan does not let us."""

    codes: frozenset[str]
    """By which the vendor says that it does not."""
    slot: str
    """Of the secret that a person gives to all of them."""


class Channel(Protocol):
    """How webhooks are set up at a vendor. `missing` reads only; the others make what it says, and the same again makes nothing."""

    assistant: Assistant | None
    """None: every account may register by API."""

    def subject(self, entity: Entity, place: str) -> str:
        """By what the vendor tells of these records: their kind, or the place that they are in; empty where it does not."""

    def hooks(self, wanted: HookSubscription) -> Sequence[DescribedHook]:
        """Each webhook that is wanted, in words; nobody is asked."""

    def heard(self, query: str, body: bytes) -> str:
        """The subject of a webhook that was verified; empty where it names none."""

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """What would be made or changed, in words; raises a `Failure` where this connection may not do it."""

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Makes and changes what is missing, and says what it did."""

    async def audit(
        self, wanted: HookSubscription, left: Sequence[str], api: Api, secrets: HookSecrets
    ) -> Audited:  # fmt: skip
        """As `ensure`, and whatever else calls the connection's address is removed; nobody else's webhook is touched.

        `left`: subjects that were wanted before, for a vendor that lists its webhooks by subject.
        """
