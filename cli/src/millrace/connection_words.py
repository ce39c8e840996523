"""Connections in lines for people."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

STANDINGS = {
    "ok": "OK",
    "connecting": "Connecting",
    "restored": "Database went back",
    "needs_reauth": "Reconnect",
    "refused": "Refused by the vendor",
    "vendor_away": "Vendor away",
    "paused": "Paused",
    "throttled": "Throttled",
    "exhausted": "Quota used up",
    "deleting": "Deleting",
}
KINDS = {"oauth": "consent", "api_key": "API key", "client_credentials": "client credentials"}
NEXT = {
    "needs_reauth": "millrace connection reconnect {name}",
    "paused": "millrace connection resume {name}",
    "refused": "millrace connection resume {name}",
    "connecting": "millrace connection add --vendor {vendor} --name {name}",
}


def line_of(one: Mapping[str, Any], width: int) -> str:
    """One connection in a list."""
    grant = one["grant"] or {}
    standing = STANDINGS.get(one["standing"], one["standing"])
    token = _token(grant) if grant else "-"
    trouble = f"  {one['trouble']}" if one["trouble"] else ""
    return (
        f"{one['name']:<{width}}  {one['title']:<12}  {grant.get('site') or '-':<4}  {standing:<13}  {token}{trouble}"
    )


def details_of(one: Mapping[str, Any]) -> list[str]:
    """Everything about one connection."""
    lines = [
        ("name", one["name"]),
        ("id", one["id"]),
        ("vendor", one["title"]),
        ("state", _standing(one)),
        *(("waits", _gate(gate)) for gate in one["gates"]),
        *_grant_lines(one["grant"]),
        *((name.replace("_", " "), value) for name, value in sorted(one["details"].items())),
        ("last tried", f"{_local(one['tested_at'])}" if one["tested_at"] else "never"),
        ("added", f"{_local(one['created_at'])} by {one['created_by'] or 'nobody'}"),
    ]
    return [f"{label:<16}  {value}" for label, value in lines]


def quota_lines(quota: Mapping[str, Any]) -> list[str]:
    """The quota, a line a limit."""
    if not quota["limits"]:
        return ["quota             nothing is counted for this connection"]
    lines = [_limit(limit) for limit in quota["limits"]]
    if not quota["metered"]:
        lines.append("quota             Redis is away: calls go one by one, and their number is not known")
    return lines


def vendor_line(one: Mapping[str, Any]) -> str:
    """A vendor and its ways."""
    sites = f"; data centres {', '.join(one['sites'])}" if one["sites"] else ""
    own = one.get("own_site")
    sites += f"; name the {own['word']}: --{own['word']} {own['example']}" if own else ""
    ready = "" if one["ready"] or "consent" not in one["ways"] else "; consent needs a client id and secret"
    return f"{one['vendor']:<16}  {one['title']:<12}  by {', '.join(one['ways'])}{sites}{ready}"


def _standing(one: Mapping[str, Any]) -> str:
    word = STANDINGS.get(one["standing"], one["standing"])
    why = f": {one['trouble']}" if one["trouble"] else ""
    remedy = NEXT.get(one["standing"], "").format(name=shlex.quote(one["name"]), vendor=one["vendor"])
    return f"{word}{why}" + (f" ({remedy})" if remedy else "")


def _gate(gate: Mapping[str, Any]) -> str:
    until = f" until {_local(gate['until'])}" if gate["until"] else ""
    place = f" in {gate['place']}" if gate.get("place") else ""
    return f"{gate['reason']}{place}{until}: {gate['message']}".rstrip(": ")


def _grant_lines(grant: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if grant is None:
        yield "access", "not known (none yet, or the token-broker is away)"
        return
    yield "access", f"{KINDS.get(grant['kind'], grant['kind'])}, given {_local(grant['granted_at'])}, {_token(grant)}"
    if grant["refresh_expires_at"]:
        yield "grant ends", f"{_local(grant['refresh_expires_at'])} unless it is renewed"
    if grant["grant_ends_at"]:
        yield "in any case", _local(grant["grant_ends_at"])
    if grant["budget"]:
        yield "new tokens", f"{grant['budget']['used']:.0f} of {grant['budget']['of']:.0f}"
    if grant["siblings"]:
        yield "grants of user", f"{grant['siblings']['held']} of {grant['siblings']['of']}"
    for warning in grant["warnings"]:
        yield "warning", warning


def _token(grant: Mapping[str, Any]) -> str:
    if grant["state"] != "active":
        return str(grant["reason"] or grant["state"])
    if not grant["expires_at"]:
        return "does not expire"
    left = (datetime.fromisoformat(grant["expires_at"]) - datetime.now(UTC)).total_seconds()
    return f"{max(0, left) / 60:.0f} min left"


def _limit(limit: Mapping[str, Any]) -> str:
    used = "?" if limit["used"] is None else limit["used"]
    words = [_used(limit, used), f"{limit['reserved']} of {limit['count']} reserved for others"]
    if limit["in_flight"]:
        words.append(f"{limit['in_flight']} under way")
    if limit["waiting"]:
        words.append(f"{limit['waiting']} waiting")
    if limit["exhausted"]:
        words.append("the vendor says it is used up")
    if limit["paused_until"]:
        words.append(f"paused until {_local(limit['paused_until'])}")
    if limit.get("forecast") is not None:
        words.append(f"about {limit['forecast']} at the month's end")
    if limit["resets_at"]:
        words.append(f"new at {_local(limit['resets_at'])}")
    return f"{'quota ' + limit['name'].replace('_', ' '):<17} {', '.join(words)}"


def _used(limit: Mapping[str, Any], used: object) -> str:
    if limit["shape"] == "points":
        return f"{used} of {limit['ours']} points used, {limit['count'] / limit['window_s']:.0f} come back a second"
    what = {"daily": "today", "monthly": "this month", "concurrency": "at once"}.get(
        limit["shape"], f"in {limit['window_s']:.0f} s"
    )
    return f"{used} of {limit['ours']} used {what}"


def _local(moment: str | None) -> str:
    """In the reader's own time zone."""
    if not moment:
        return "-"
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z").strip()
