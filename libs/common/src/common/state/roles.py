"""Gives the database roles their passwords; the server only ever sees what it would store anyway."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

ROLES: Mapping[str, str] = {
    "service": "millrace_service",
    "console": "millrace_console",
    "broker": "millrace_broker",
}
_ITERATIONS = 4096


async def set_passwords(url: str, passwords: Mapping[str, str]) -> None:
    """Sets the password of each role named (`service`, `console`, `broker`); the same ones again change nothing people see."""
    link = await asyncpg.connect(
        url, timeout=10, command_timeout=10, server_settings={"application_name": "millrace-migrate"}
    )
    try:
        async with link.transaction():
            # Two starters would otherwise meet on the same row of the catalogue ("tuple concurrently updated").
            await link.execute("select pg_advisory_xact_lock(hashtextextended('millrace:roles', 0))")
            for short, password in passwords.items():
                await _set(link, ROLES[short], password)
    finally:
        await link.close(timeout=5)


def read_passwords(folder: Path) -> dict[str, str]:
    """The passwords in a folder of files named like the roles, as the supervisor writes them (mode 0600)."""
    return {short: (folder / short).read_text(encoding="ascii").strip() for short in ROLES if (folder / short).exists()}


def verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password (RFC 5803): sent instead of the password, no log of the server can show it."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


async def _set(link: Any, role: str, password: str) -> None:
    if not password.isascii() or not password:
        raise ValueError(f"the password of {role} must be plain ASCII and not empty")
    statement = await link.fetchval(
        "select format('alter role %I password %L', $1::text, $2::text)", role, verifier(password, os.urandom(16))
    )
    await link.execute(statement)
