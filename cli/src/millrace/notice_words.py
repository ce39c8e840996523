"""Summaries, destinations and notifications in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from millrace.moments import local

NO_DESTINATION = """Nothing is sent anywhere yet: summaries and alerts are in `millrace notification list` alone.
Add an address with `millrace destination add finance@example.org`, or a webhook with `millrace destination add https://...`."""
NO_NOTIFICATION = "Nothing stands still, and nothing waits for a person."
_STATES = {"waiting": "to be sent", "sent": "sent", "failed": "given up"}


def setting_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """When and where to."""
    if told["at"] is None:
        yield "No daily summary is made. Begin with `millrace summary set --at 07:00 --zone Europe/Madrid`."
        return
    yield f"Made at {told['at']} {told['zone']} of the day before, next at {local(told['next_at'])}."
    yield f"Sent to {', '.join(told['to']) or 'nobody; `millrace destination add` names an address'}."


def summary_line(told: Mapping[str, Any]) -> str:
    """In what is shown of a sync: whether, when and where its days are told of."""
    if told["at"] is None:
        return "summary     none a day; see `millrace summary set --help`"
    return (
        f"summary     daily at {told['at']} {told['zone']}, to {', '.join(told['to']) or 'the list of notifications'}"
    )


def destination_table(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each, and why the last thing was not taken."""
    width = max([len(one["address"]) for one in items] + [11])
    yield f"{'Destination':<{width}}  {'Told':<20}  Last"
    for one in items:
        told = " and ".join(word for word in ("summaries", "alerts") if one[word])
        yield f"{one['address']:<{width}}  {told:<20}  {_last(one['last'])}"
        if one["last"] and one["last"]["words"]:
            yield f"{'':<{width}}  {one['last']['words']}"


def _last(last: Mapping[str, Any] | None) -> str:
    if last is None:
        return "nothing yet"
    when = last["ended_at"] or last["due_at"]
    tries = f", attempt {last['attempts']}" if last["attempts"] > 1 else ""
    return f"{last['kind']}, {_STATES[last['state']]} {local(when)}{tries}"


def notification_table(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each."""
    for one in items:
        over = f" (over since {local(one['resolved_at'])})" if one["resolved_at"] else ""
        about = f"{one['connection']}: " if one["connection"] else ""
        code = f" [{one['code']}]" if one["code"] else ""
        yield f"{local(one['at'])}  {one['kind']}  {about}{one['message']}{code}{over}"
