"""Channels in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from millrace.moments import local

EMPTY = """There are no channels yet: a connection that calls us when something changes.
The first one comes with the first active sync: `millrace sync apply -f FILE`."""
STATES = {
    "new": "not audited yet",
    "kept": "kept",
    "waits": "the last audit failed",
    "by_hand": "has to be registered by a person",
}


def table(channels: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each, and what is to be done about it."""
    width = max([len(one["name"]) for one in channels] + [10])
    yield f"{'Connection':<{width}}  {'State':<32}  {'Audited':<19}  {'Last webhook':<19}  Hears"
    for one in channels:
        subjects = ", ".join(it["subject"] for it in one["subjects"] if it["wanted"]) or "nothing any more"
        yield (
            f"{one['name']:<{width}}  {STATES[one['state']]:<32}  {_when(one['audited_at']):<19}  {_when(last_heard(one)):<19}  {subjects}"
        )
        yield from (f"{'':<{width}}  {line}" for line in remarks(one))


def remarks(channel: Mapping[str, Any]) -> Iterator[str]:
    """What its webhooks tell of, what was found, what failed, and the next step."""
    if channel["found"]:
        yield f"found {_when(channel['found_at'])}: {'; '.join(channel['found'])}"
    if channel["words"]:
        yield f"{channel['words']} [{channel['code']}]" if channel["code"] not in channel["words"] else channel["words"]
    if channel["state"] == "by_hand":
        yield f"Register them with `millrace channel set-up {channel['name']}`."
    for it in channel["subjects"]:
        if it["wanted"] and it["webhooks"]:
            yield f"webhooks of {it['subject']}: {'; '.join(it['webhooks'])}"
    if channel["state"] == "waits":
        yield f"It is tried again at {_when(channel['next_audit_at'])}; now with `millrace channel audit {channel['name']}`."


def set_up_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What a person types into the vendor's settings."""
    name = told["channel"]["name"]
    yield f"Register these webhooks in the settings of {name}, each to be sent by POST, as JSON, with the whole record:"
    yield ""
    for hook in told["hooks"]:
        yield f"  {hook['event']:<28}  {hook['url']}"
    yield ""
    if told["secret"] is None:
        yield f"Give all of them the secret that was shown before; a new one with `millrace channel set-up {name} --new-secret`."
    else:
        yield f"Give all of them this secret, which is not shown again: {told['secret']}"


def last_heard(channel: Mapping[str, Any]) -> str | None:
    """The newest webhook that was verified, whatever it told of."""
    return max((it["heard_at"] for it in channel["subjects"] if it["heard_at"]), default=None)


def _when(moment: str | None) -> str:
    return "never" if moment is None else local(moment)[:19]


def app_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """How a vendor calls us for all connections."""
    yield f"Enter this address in the settings of the application at {told['title']}:"
    yield f"  {told['address']}"
    yield from (f"{number}. {step}" for number, step in enumerate(told["steps"], 1))
    if told["has_secret"]:
        yield "A secret is entered: what is signed with it is believed."
    else:
        yield f"Nothing is believed yet: millrace channel app {told['vendor']} --secret-file FILE takes the secret that is shown there."
    for one in told["connections"]:
        yield f"{one['name']}: {'last event ' + local(one['heard_at']) if one['heard_at'] else 'no event yet'}"
    yield from (trouble_line(one) for one in told["troubles"])


def trouble_line(trouble: Mapping[str, Any]) -> str:
    """What came and was not taken."""
    return f"{local(trouble['at'])}: {trouble['message']} ({trouble['words']}) {trouble['action']} [{trouble['code']}]"
