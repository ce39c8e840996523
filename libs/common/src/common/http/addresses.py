"""Which addresses the door opens to: the vendor's own hosts over TLS, or a stand-in on this machine.

A poisoned host would receive our credential, so an address is checked after it was built, whatever it was built from.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from common.clock import is_loopback
from common.failures import Bug


def checked(base: str, hosts: frozenset[str], override: str) -> str:
    """The address itself when it is one we may call; raises a `Bug` otherwise."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    if parts.username or parts.password or parts.query or parts.fragment or not host:
        raise _refused(host, "an address holds a scheme, a host and a path, nothing else")
    if override and not base.startswith(override.rstrip("/") + "/"):
        raise _refused(host, "the address does not lie below the configured one")
    if parts.scheme == "http" and not (override and is_loopback(base)):
        raise _refused(host, "plain http is for a stand-in on this machine only")
    if parts.scheme not in ("http", "https"):
        raise _refused(host, "the scheme must be https")
    if not override and (not _allowed(host, hosts) or parts.port not in (None, 443)):
        raise _refused(host, "the host is not on the vendor's list")
    return base.rstrip("/")


def checked_file(address: str, hosts: frozenset[str], override: str) -> str:
    """The address of a file with its query, when its host is one of these; raises a `Bug` otherwise."""
    parts = urlsplit(address)
    checked(urlunsplit((parts.scheme, parts.netloc, parts.path, "", parts.fragment)), hosts, override)
    return address


def filled(template: str, path: Mapping[str, str]) -> str:
    """The path with its values, each quoted whole: a value can never become a second segment."""
    return template.format_map({name: _segment(value) for name, value in path.items()})


def _segment(value: str) -> str:
    # `.` and `..` are quoted by nobody and climb up: an id that is one of them is no id.
    if value in ("", ".", ".."):
        raise Bug("DOOR_PATH_REFUSED", "A path segment of a vendor call would be empty or climb up.")
    return quote(value, safe="")


def _allowed(host: str, hosts: frozenset[str]) -> bool:
    return host in hosts or f"*.{host.partition('.')[2]}" in hosts


def _refused(host: str, why: str) -> Bug:
    return Bug("DOOR_HOST_REFUSED", f"No call was made to {host[:80] or 'an address without a host'}: {why}.")
