"""The first run of a whole company, before one's eyes; asked for again, everything is read once more and nothing is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from millrace import demo_company
from millrace.api_client import ApiClient, of_stack
from millrace.demo import WITHIN_S, Demo, Say, accounts_at, apply, connect_audiences, connect_organisation
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.run_words import books_lines, duration, reason_lines
from millrace.stack.home import Home
from millrace.stack.services import SANDBOX
from millrace.stack.status import look
from millrace.watching import watched

BOOKS, MAILCHIMP, SYNC = "retail-books", "retail-mailchimp", "retail-customers"
TEMPLATE = "zoho-books-to-mailchimp-basic"
_POLL_S = 0.3

Run = Mapping[str, Any]


def run(home: Home, say: Say) -> Run:
    """The run at its end: the first one, where there was none yet."""
    addresses = {unit.name: unit.facts.get("url", "") for unit in look(home).parts()}
    sandbox, console = addresses.get(SANDBOX), addresses.get("console")
    if not sandbox or not console:
        raise CommandError(
            "The demo needs the local stack with its sandbox.", "Start it with `millrace up` (without NO_DEMO).",
            ExitCode.UNREACHABLE,
        )  # fmt: skip
    with ApiClient(of_stack(home)) as client:
        demo = Demo(client, accounts_at(sandbox), time.monotonic() + WITHIN_S)
        return watched(client, _begun(demo, sandbox, say))


def lines(found: Run) -> Iterator[str]:
    """What became of everybody, and what to look at next."""
    calls = ", ".join(f"{many} {vendor}" for vendor, many in found["calls"].items())
    yield f"{found['id']}: {found['state']} after {duration(found['seconds'])}."
    yield f"Calls: {calls}."
    yield from books_lines(found)
    yield from reason_lines(found)
    if found["updated"]:
        yield "Nobody was subscribed again: who had left has new values, and has left still."
    yield "Look again, and closer:"
    yield from _next(found)


def _next(found: Run) -> Iterator[str]:
    id = found["id"]
    if found["skipped"]:
        yield f"  ./millrace run show {id} --outcome skipped"
        yield f"  ./millrace run export {id} -o run.csv"
    if found["failed"]:
        yield "  ./millrace dead-letter list"
    yield f"  ./millrace sync run {SYNC} --full --wait   # again: no write"


def _begun(demo: Demo, sandbox: str, say: Say) -> str:
    """The id of the run to watch: one that is under way, or a new one of everything."""
    try:
        if not any(sync["name"] == SYNC for sync in demo.console.get("/syncs")["items"]):
            return _first(demo, sandbox, say)
    except (httpx.HTTPError, KeyError, StopIteration) as stopped:
        raise CommandError(f"The demo is not complete: {stopped}", "Repeat `millrace demo`.") from stopped
    under_way = [one for one in _whole(demo) if one["finished_at"] is None]
    if under_way:
        return str(under_way[0]["id"])
    say(f"{SYNC} has had its first run; everything is read once more.")
    return str(demo.console.post(f"/syncs/{SYNC}/runs?full=true")["id"])


def _first(demo: Demo, sandbox: str, say: Say) -> str:
    there = demo_company.furnish(demo, sandbox)
    demo = Demo(demo.console, accounts_at(sandbox), demo.deadline)
    organisation = demo.account("zoho-books", demo_company.ORGANISATION)["organization_name"]
    say(f"{organisation}: {demo_company.CUSTOMERS} customers in Zoho Books.")
    say(f"{there['members']} of them are in its Mailchimp audience, and {there['left']} of those have left it.")
    connect_organisation(demo, say, BOOKS, demo_company.ORGANISATION)
    connect_audiences(demo, say, MAILCHIMP, demo_company.AUDIENCES)
    place = demo.account("mailchimp", demo_company.AUDIENCES)["audience_ids"][0]
    ends = {"source": BOOKS, "target": MAILCHIMP, "place": place}
    apply(demo, lambda _: None, {"name": SYNC, "template": TEMPLATE, "create_fields": True, **ends})
    say(f"{SYNC} joins both; what follows is its first run.")
    while not (found := _whole(demo)):
        if time.monotonic() > demo.deadline:
            raise CommandError(f"The first run of {SYNC} did not begin.", f"See `millrace sync show {SYNC}`.")
        time.sleep(_POLL_S)
    return str(found[0]["id"])


def _whole(demo: Demo) -> list[Run]:
    """The runs that read everything, the newest first."""
    runs = demo.console.get(f"/syncs/{SYNC}/history")["items"]
    return [one for one in runs if one["kind"] in ("backfill", "full")]
