"""Who may call the API: whoever shows the token of the token file, which is looked at on every request."""

from __future__ import annotations

from pathlib import Path

from common.api import bearer
from common.api.refusal import Refusal
from common.environment import ConfigurationError
from common.secret import Secret
from console import codes

_LEAST = 16


class TokenFile:
    """The token as the file has it now: one that was replaced is refused at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: object = None
        self._token = Secret("")
        if len(self._current().reveal()) < _LEAST:
            raise ConfigurationError(
                [f"MILLRACE_API_TOKEN_PATH names {path}, which holds no token of {_LEAST} letters or more: write one."]
            )

    def admit(self, authorization: str) -> None:
        """Raises a Refusal unless the header carries the token."""
        token = self._current().reveal()
        same = bearer.same(bearer.encoded(bearer.key_of(authorization)), token.encode())
        if not same or len(token) < _LEAST:
            raise Refusal(401, codes.API_TOKEN_REFUSED)

    def _current(self) -> Secret:
        stamp = bearer.stamp(self._path)
        try:
            if stamp != self._seen:
                self._token, self._seen = Secret(self._path.read_text(encoding="utf-8").strip()), stamp
        except (OSError, UnicodeDecodeError):
            # Taken away: nobody is let in any more.
            self._token, self._seen = Secret(""), None
        return self._token
