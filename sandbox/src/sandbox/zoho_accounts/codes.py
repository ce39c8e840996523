"""Grant codes: made by a consent, good for a minute, for one exchange, in one data centre."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import cast

from sandbox.limits import Window
from sandbox.zoho_accounts.grants import ZohoGrants


@dataclass(frozen=True, slots=True)
class Code:
    """What a person agreed to and has not been exchanged yet."""

    code: str = field(repr=False)
    dc: str
    user: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    offline: bool
    expires_at: float


class Codes:
    """Open grant codes and the budget of making them, per client and data centre."""

    def __init__(self, grants: ZohoGrants) -> None:
        self._grants = grants
        self._open: dict[str, Code] = {}
        self._made: dict[tuple[str, str], Window] = {}

    def window(self, client_id: str, dc: str) -> Window:
        numbers = self._grants.numbers
        window = self._made.setdefault((client_id, dc), Window(numbers.codes, numbers.window_s, numbers.mode))
        window.limit, window.seconds, window.mode = numbers.codes, numbers.window_s, numbers.mode
        return window

    def make(
        self,
        dc: str,
        user: str,
        client_id: str,
        redirect_uri: str,
        scopes: tuple[str, ...],
        now: float,
        *,
        offline: bool,
    ) -> Code | None:
        """A new code, or None when the client made too many."""
        if not self.window(client_id, dc).take(now):
            return None
        code = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        made = Code(code, dc, user, client_id, redirect_uri, scopes, offline, now + self._grants.numbers.code_s)
        self._open[code] = made
        return made

    def take(self, code: str, dc: str, client_id: str, now: float) -> Code | None:
        """The code for its one exchange; None when it is used, expired, another client's or another data centre's."""
        found = self._open.get(code)
        if found is None or found.dc != dc or found.client_id != client_id:
            return None
        del self._open[code]
        return found if found.expires_at > now else None

    def windows(self) -> dict[tuple[str, str], Window]:
        return self._made

    def open(self) -> list[Code]:
        return list(self._open.values())

    def forget_expired(self, now: float) -> None:
        for code in [code for code, held in self._open.items() if held.expires_at <= now]:
            del self._open[code]

    def clear(self) -> None:
        self._open.clear()
        self._made.clear()

    def dump(self) -> object:
        return self._open, self._made

    def load(self, dumped: object) -> None:
        self._open, self._made = cast(tuple[dict[str, Code], dict[tuple[str, str], Window]], dumped)
