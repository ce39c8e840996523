"""`python -m millrace.container_setup`: what `compose.yaml` does once before the services start.

The local stack's supervisor does the same for a machine without containers. Each service gets a folder of its own in one volume, so
that it can read its own secrets and nobody else's; a second run makes only what is missing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from common.state.roles import ROLES
from millrace.settings import StackSettings
from millrace.stack.home import write_atomically
from millrace.stack.services import SERVICES, Service, writers

KEY, TOKEN, URL, CALLERS = "service.key", "api.token", "database-url", "callers.json"
# What each service may ask the token-broker for; the broker's own defaults, by vendor and right, are for key files in its home.
# A writer writes to the vendor, or the family of vendors, that it is named after.
RIGHTS: Mapping[str, tuple[list[str], list[str]]] = {
    "ingest": (["*"], ["tokens", "webhooks"]),
    **{writer: ([family, f"{family}-*"], ["tokens"]) for writer, family in writers().items()},
    "console": (["*"], ["tokens", "webhooks", "connections"]),
    "operator": ([], ["keys"]),
}


def services() -> Iterator[Service]:
    """The services that a container runs: all but the demo's."""
    return (service for service in SERVICES if not service.demo)


def make_secrets(folder: Path, owner_url: str) -> None:
    """Passwords of the roles, and for each service its database address and its key."""
    passwords = {role: _secret(folder / "roles" / role) for role in ROLES}
    for service in services():
        own = folder / service.name
        _write(own / URL, _with_login(owner_url, ROLES[service.role], passwords[service.role]))
    for name in RIGHTS:
        _secret(folder / name / KEY)
    _secret(folder / "console" / TOKEN)
    _write(folder / "token-broker" / CALLERS, json.dumps(_callers(folder), indent=1))


def main() -> int:
    """Makes the secrets, then migrates and creates the topics; the exit code is that of the first step that failed."""
    settings = StackSettings.from_environment()
    folder, owner_url = settings.home, settings.database_url
    if owner_url is None:
        raise SystemExit("container setup: set DATABASE_URL to the address of the database's owner.")
    make_secrets(folder, owner_url)
    broker_url = (folder / "token-broker" / URL).read_text()
    for module, words, url in (
        ("common.state.migrate", ["--role-passwords", str(folder / "roles")], owner_url),
        ("token_broker.migrate", [], broker_url),
        ("millrace.topic_setup", [], owner_url),
    ):
        done = subprocess.run(
            [sys.executable, "-m", module, *words], env={**settings.environment, "DATABASE_URL": url}, check=False
        )
        if done.returncode:
            return done.returncode
    return 0


def _callers(folder: Path) -> dict[str, object]:
    return {
        name: {
            "sha256": [hashlib.sha256((folder / name / KEY).read_bytes()).hexdigest()],
            "vendors": vendors,
            "may": rights,
        }
        for name, (vendors, rights) in RIGHTS.items()
    }


def _with_login(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{address}"))


def _secret(path: Path) -> str:
    if not path.exists():
        _write(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, text, 0o600)


if __name__ == "__main__":
    raise SystemExit(main())
