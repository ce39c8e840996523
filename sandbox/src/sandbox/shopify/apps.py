"""Applications, their secrets, and the tokens they hold for shops."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

REFRESH_LIVES_S = 7_776_000


def derived(*parts: object) -> str:
    """A credential that is the same in every run."""
    return hashlib.sha256(":".join(str(part) for part in parts).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Secret:
    """One client secret; the oldest that is not revoked signs."""

    value: str
    revoked_at: datetime | None = None

    def signs(self, now: datetime, lag_s: float) -> bool:
        """A revocation takes a while to reach those who sign."""
        return self.revoked_at is None or now < self.revoked_at + timedelta(seconds=lag_s)


@dataclass(slots=True)
class Token:
    """An access token, with the refresh token it came with when it expires."""

    access: str
    expires: datetime | None = None
    refresh: str | None = None
    refresh_expires: datetime | None = None

    def lives(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires

    def refreshes(self, now: datetime) -> bool:
        return self.refresh is not None and self.refresh_expires is not None and now < self.refresh_expires


@dataclass(slots=True)
class Grant:
    """What one application has at one shop. Only the newest expiring token works; `former` may still refresh."""

    scopes: list[str]
    current: Token | None = None
    former: Token | None = None
    endless: list[Token] = field(default_factory=list)
    used: bool = True


@dataclass(slots=True)
class App:
    """An application: the public one, or one made in a shop's own admin."""

    key: str
    client_id: str
    secrets: list[Secret]
    custom: bool = False
    redirect_uris: tuple[str, ...] = ()
    privacy_uri: str | None = None
    api_version: str = "2026-04"
    grants: dict[str, Grant] = field(default_factory=dict)
    rotated: int = 0

    def signing_secret(self, now: datetime, lag_s: float) -> str:
        return next(one.value for one in self.secrets if one.signs(now, lag_s))

    def takes_secret(self, given: str) -> bool:
        return any(one.value == given and one.revoked_at is None for one in self.secrets)

    def rotate(self) -> str:
        self.rotated += 1
        self.secrets.append(Secret(f"shpss_{derived(self.key, 'secret', self.rotated)}"))
        return self.secrets[-1].value

    def revoke_oldest(self, now: datetime) -> None:
        """Raises ValueError while there is only one."""
        living = [one for one in self.secrets if one.revoked_at is None]
        if len(living) < 2:
            raise ValueError("the only secret cannot be revoked")
        living[0].revoked_at = now
