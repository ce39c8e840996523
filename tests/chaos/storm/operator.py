"""The person who operates it: connects again what was revoked, and retries what was given up, by the product's own API."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from millrace.api_client import ApiClient
from millrace.demo import BOOKS, MAILCHIMP, Demo, consent
from millrace.errors import CommandError
from tests.e2e.road import Road

PEOPLE = {BOOKS: "demo@eu.example", MAILCHIMP: "demo"}
CONNECTED_WITHIN_S = 120.0


def connect_mailchimp(demo: Demo, say: Callable[[str], None]) -> None:
    """By consent, unlike the demo: an API key that was revoked has no successor in the sandbox."""
    begun = demo.console.post("/connections", {"vendor": "mailchimp", "name": MAILCHIMP})
    consent(begun["road"]["start_url"], PEOPLE[MAILCHIMP])
    road = begun["road"]
    while not road["over"]:
        assert time.monotonic() < demo.deadline, road["message"]
        road = demo.console.get(f"/connections/{begun['connection']['id']}/road", wait_s=2.0)
    assert road["state"] == "connected", road["message"]


@dataclass
class Operator:
    """Looks now and then; whatever does not answer just now is looked at again later."""

    road: Road
    reconnected: list[str] = field(default_factory=list)
    trouble: str = ""
    """What the last look ended with."""

    def look(self) -> bool:
        """Connects again what needs it; whether all was well."""
        try:
            with self.road.console() as console:
                return not [name for name in PEOPLE if not self._well(console, name)]
        except (CommandError, httpx.HTTPError, ValueError) as trouble:
            self.trouble = repr(trouble)
            return False

    def until_all_is_well(self) -> None:
        deadline = time.monotonic() + CONNECTED_WITHIN_S
        while not self.look():
            assert time.monotonic() < deadline, f"not connected again within {CONNECTED_WITHIN_S} s: {self.trouble}"
            time.sleep(0.3)

    def given_up(self) -> list[Any]:
        """What waits for a person: dead and parked records, and reads that ended, with the reason that people are shown."""
        return self.road.sql.rows(
            "select record, state, code, attempts, message, vendor_words from flow.work_item where state in ('dead', 'parked') "
            "union all select err_topic, state, err_code, err_attempts, err_message, err_vendor_words from flow.dead_letter "
            "where state = 'open' and err_group = 'reader'"
        )

    def retry_all(self) -> None:
        with self.road.console() as console:
            for code in sorted({row["code"] for row in self.given_up()}):
                console.post("/dead-letters/retry", {"code": code})

    def _well(self, console: ApiClient, name: str) -> bool:
        [found] = console.get("/connections", name=name)["items"]
        if found["standing"] != "needs_reauth":
            return bool(found["standing"] != "connecting")
        begun = console.post(f"/connections/{found['id']}/reconnect", self._given(name))
        consent(begun["road"]["start_url"], PEOPLE[name])
        self.reconnected.append(name)
        time.sleep(0.2)
        return False

    def _given(self, name: str) -> dict[str, str]:
        if name == BOOKS:
            return {"site": "eu", "place": str(self.road.books.account["organization_id"])}
        return {}
