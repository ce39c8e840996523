"""Who calls: each service by its own key, of which only the hash is known here, and what it may ask for.

The keys are files in the folder of secrets (`<service>.key`), or hashes in one file that MILLRACE_CALLERS_FILE names. Both are looked
at on every request, so that a key taken away is refused at once.

    {"writer-zoho": {"sha256": ["ab…"], "vendors": ["zoho-*"], "may": ["tokens"]}}
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import orjson

from common.api import bearer
from common.api.refusal import Refusal
from common.environment import ConfigurationError
from token_broker import codes

Right = Literal["tokens", "webhooks", "connections", "keys"]
RIGHTS: tuple[Right, ...] = ("tokens", "webhooks", "connections", "keys")


@dataclass(frozen=True, slots=True)
class Permission:
    """What one service may ask for; `vendors` are names or patterns."""

    vendors: tuple[str, ...]
    rights: frozenset[Right]


# A source reads and is called; the console tries what it connects.
PERMISSIONS: Mapping[str, Permission] = MappingProxyType(
    {
        "ingest": Permission(("*",), frozenset({"tokens", "webhooks"})),
        "console": Permission(("*",), frozenset({"tokens", "webhooks", "connections"})),
        "operator": Permission((), frozenset({"keys"})),
    }
)
WRITER = "writer-"


def permission_of(service: str) -> Permission:
    """What a service may ask for if nobody says otherwise: a writer writes only to the vendor, or family, that it is named after."""
    if service.startswith(WRITER):
        family = service.removeprefix(WRITER)
        return Permission((family, f"{family}-*"), frozenset({"tokens"}))
    return PERMISSIONS.get(service, Permission((), frozenset()))


@dataclass(frozen=True, slots=True)
class Caller:
    """A service that showed a valid key."""

    name: str
    permission: Permission

    def may(self, right: Right, vendor: str | None = None) -> None:
        """Raises a Refusal unless it has the right, and for this vendor if one is named."""
        if right not in self.permission.rights:
            raise Refusal(403, codes.CALLER_NOT_ALLOWED, f"{self.name} may not ask for this.")
        if vendor is not None and not any(fnmatchcase(vendor, allowed) for allowed in self.permission.vendors):
            raise Refusal(403, codes.CALLER_NOT_ALLOWED, f"{self.name} does not work for this connection's vendor.")


class Callers:
    """Recognises callers by what lies in the folder or the file now."""

    def __init__(self, folder: Path, file: Path | None = None) -> None:
        self._folder = folder
        self._file = file
        self._seen: object = None
        self._by_hash: dict[bytes, Caller] = {}
        self._refresh()

    def recognise(self, authorization: str) -> Caller:
        """The caller behind an `Authorization` header, or a Refusal."""
        self._refresh()
        key = bearer.key_of(authorization)
        digest = hashlib.sha256(bearer.encoded(key)).digest()
        known = next((known for known in self._by_hash if bearer.same(known, digest)), None)
        if not key or known is None:
            raise Refusal(401, codes.CALLER_UNKNOWN)
        return self._by_hash[known]

    def _refresh(self) -> None:
        files = [self._file] if self._file is not None else _key_files(self._folder)
        seen = [bearer.stamp(path) for path in files]
        if seen != self._seen:
            self._by_hash = _from_file(self._file) if self._file is not None else _from_folder(self._folder)
            self._seen = seen


def _key_files(folder: Path) -> list[Path]:
    return [*(folder / f"{name}.key" for name in PERMISSIONS), *sorted(folder.glob(f"{WRITER}*.key"))]


def _from_folder(folder: Path) -> dict[bytes, Caller]:
    found: dict[bytes, Caller] = {}
    for path in _key_files(folder):
        try:
            key = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if key:
            found[hashlib.sha256(key.encode()).digest()] = Caller(path.stem, permission_of(path.stem))
    return found


def _from_file(path: Path) -> dict[bytes, Caller]:
    try:
        stated = orjson.loads(path.read_bytes())
        return {
            bytes.fromhex(digest): Caller(name, _permission(name, entry))
            for name, entry in stated.items()
            for digest in entry["sha256"]
        }
    except OSError:
        # Taken away as a whole: nobody is known any more.
        return {}
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise ConfigurationError(
            [f"MILLRACE_CALLERS_FILE names {path}, which is no table of callers ({wrong}): correct it."]
        ) from wrong


def _permission(name: str, entry: Mapping[str, list[str]]) -> Permission:
    usual = permission_of(name)
    stated = frozenset(right for right in RIGHTS if right in entry["may"]) if "may" in entry else usual.rights
    return replace(usual, vendors=tuple(entry.get("vendors", usual.vendors)), rights=stated)
