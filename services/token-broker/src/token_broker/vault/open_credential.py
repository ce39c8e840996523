"""A credential as the broker holds it in memory, and the status of one as anybody may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from common.secret import Secret
from vendors.grant import GrantKind


@dataclass(frozen=True, slots=True)
class CredentialStatus:
    """Everything about a credential but the credential."""

    connection: str
    vendor: str
    kind: GrantKind
    state: str
    reason_code: str
    reason: str
    site: str
    place: str
    owner: str
    details: Mapping[str, str]
    scopes: tuple[str, ...]
    generation: int
    lineage: int
    attempt: UUID | None
    made_at: datetime
    made_because: str
    expires_at: datetime | None
    refresh_at: datetime | None
    refresh_expires_at: datetime | None
    """The idle end: each renewal puts it off."""
    grant_ends_at: datetime | None
    """The hard end, which nothing but a new consent puts off."""
    granted_at: datetime
    granted_by: str
    refreshed_at: datetime | None
    retry_at: datetime | None
    failures: int
    closed: tuple[str, ...]

    def left(self, now: datetime) -> float:
        """Seconds until the access token dies; never, for one that does not expire."""
        return float("inf") if self.expires_at is None else (self.expires_at - now).total_seconds()


@dataclass(frozen=True, slots=True)
class OpenCredential(CredentialStatus):
    """A credential, opened."""

    access: Secret = field(default_factory=lambda: Secret(""))
    refresh: Secret | None = None
