"""Who may call the API: whoever shows the token of the token file, which is looked at on every request."""

from __future__ import annotations

import hmac
from pathlib import Path

from common.environment import ConfigurationError
from common.secret import Secret
from console import codes
from console.refusals import Refusal

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
        scheme, _, given = authorization.partition(" ")
        token = self._current().reveal()
        same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
        if scheme.lower() != "bearer" or not same or len(token) < _LEAST:
            raise Refusal(401, codes.API_TOKEN_REFUSED)

    def _current(self) -> Secret:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._seen:
                self._token, self._seen = Secret(self._path.read_text(encoding="utf-8").strip()), stamp
        except (OSError, UnicodeDecodeError):
            # Taken away: nobody is let in any more.
            self._token, self._seen = Secret(""), None
        return self._token
