"""Waits for a person in a browser: says what is awaited, offers a choice where there is one, and lets go without losing anything."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import typer

from millrace.api_client import ApiClient
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.terminal import is_live, note

Choose = Callable[[Sequence[Mapping[str, Any]]], str]

POLL_S = 2.0
WORDS = {
    "waiting": "Waiting for the address to be opened",
    "opened": "Waiting for the consent on the vendor's page",
    "exchanging": "The vendor is asked for the access",
    "granted": "The vendor is asked what the access opens",
    "choose": "Waiting for a choice",
    "testing": "Trying the connection",
}


@dataclass(frozen=True)
class Waiting:
    """How long, and what to choose when the consent opens several places."""

    seconds: float
    place: str = ""
    no_wait: bool = False

    def until_over(
        self, client: ApiClient, path: str, name: str, road: dict[str, Any], *, choose: Choose
    ) -> dict[str, Any]:
        """The end of the road; a CommandError when the time is over or somebody interrupts, while the consent goes on."""
        if road["start_url"]:
            note(f"Open this address in a browser and accept:\n\n  {road['start_url']}\n")
        began, shown = time.monotonic(), WaitingLine()
        try:
            while not road["over"]:
                left = self.seconds - (time.monotonic() - began)
                if left <= 0:
                    raise CommandError(
                        f"Nothing was finished in the browser within {self.seconds:.0f} s; the address stays good for a while.",
                        f"See `millrace connection show {name}`.",
                        ExitCode.TIMED_OUT,
                    )
                shown.say(road, time.monotonic() - began)
                road = self._onward(client, path, road, choose, min(left, POLL_S))
        except CommandError as stopped:
            shown.end()
            if stopped.code is ExitCode.INTERRUPTED:
                stopped.remedy = f"The address stays good; see `millrace connection show {name}`."
            raise
        shown.end()
        return road

    def _onward(
        self, client: ApiClient, path: str, road: dict[str, Any], choose: Choose, wait_s: float
    ) -> dict[str, Any]:
        if road["state"] == "choose":
            place = self.place or choose(road["places"])
            chosen: dict[str, Any] = client.post(f"{path}/place", {"place": place})
            return chosen
        if road["state"] == "granted" and road["code"]:
            return dict(client.post(f"{path}/places"))
        found: dict[str, Any] = client.get(f"{path}/road", wait_s=wait_s)
        if found["state"] == "testing":
            time.sleep(min(1.0, wait_s))
        return found


class WaitingLine:
    """One line that is drawn over at a terminal, and one line a change everywhere else."""

    def __init__(self) -> None:
        self._live = is_live()
        self._said = ""

    def say(self, road: Mapping[str, Any], seconds: float) -> None:
        words = WORDS.get(road["state"], road["message"])
        if self._live:
            sys.stderr.write(f"\r\x1b[K{words}, {seconds:.0f} s{_good_for(road)}")
            sys.stderr.flush()
        elif words != self._said:
            note(f"{words}.")
        self._said = words

    def end(self) -> None:
        if self._live and self._said:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def place_by_hand(places: Sequence[Mapping[str, Any]]) -> str:
    """Asks the person at the terminal; without one, says how to choose."""
    listed = "\n".join(f"  {number}  {one['title']} ({one['id']})" for number, one in enumerate(places, 1))
    if not sys.stdin.isatty():
        raise CommandError(
            f"The consent opens {len(places)} places:\n{listed}",
            "Choose one with `millrace connection choose NAME ID`.",
            ExitCode.USAGE,
        )
    note(f"\nThe consent opens {len(places)} places:\n{listed}")
    number = 0
    while not 1 <= number <= len(places):
        number = typer.prompt("Which one", type=int, err=True)
    return str(places[number - 1]["id"])


def _good_for(road: Mapping[str, Any]) -> str:
    if not road["expires_at"] or road["state"] not in ("waiting", "opened"):
        return ""
    left = (datetime.fromisoformat(road["expires_at"]) - datetime.now(UTC)).total_seconds()
    return f"; good for {max(0, left) / 60:.0f} min" if 0 < left < 86400 else ""
