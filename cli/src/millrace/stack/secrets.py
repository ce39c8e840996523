"""Secrets of one stack: made at the first question, kept in files that only their owner reads."""

from __future__ import annotations

import secrets
from pathlib import Path

from millrace.stack.home import Home, write_atomically


def secret_file(home: Home, name: str) -> Path:
    """The file of a secret, made if it is not there."""
    path = home.secrets / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, secrets.token_urlsafe(32), 0o600)
    return path


def secret_of(home: Home, name: str) -> str:
    return secret_file(home, name).read_text().strip()
