"""A run that is watched: a bar where somebody looks, lines where nobody does."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

from millrace import watching
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.run_progress import Bar, Lines
from tests.unit.cli.test_run_words import RUN

BEGUN = RUN | {
    "state": "Reading",
    "finished_at": None,
    "seconds": None,
    "total": 0,
    "added": 0,
    "removed": 0,
    "failed": 0,
}


def at(ended: int, total: int, read: int | None = 500, **more: Any) -> dict[str, Any]:
    return BEGUN | {"read": read, "total": total, "waiting": total - ended, "added": ended, **more}


class Told:
    """Lines with a clock that a test moves."""

    def __init__(self) -> None:
        self.now, self.lines = 100.0, list[str]()
        self.show = Lines(lambda: self.now, self.lines.append).show

    def after(self, seconds: float, run: dict[str, Any]) -> None:
        self.now += seconds
        self.show(run)


class TestLines:
    def test_come_every_two_seconds_at_first_and_only_when_it_has_moved(self) -> None:
        told = Told()
        told.show(BEGUN)
        for ended in (10, 20, 30, 40, 40, 40, 40):
            told.after(0.5, at(ended, 500))
        assert [line.partition(": ")[2].split(" records")[0] for line in told.lines] == ["begins", "40 of 500"]

    def test_come_rarer_when_it_takes_long(self) -> None:
        told = Told()
        for second in range(3600):
            told.after(1, at(second, 50_000, read=50_000))
        assert 120 <= len(told.lines) <= 200

    def test_tell_at_once_what_is_waited_for(self) -> None:
        told = Told()
        told.show(at(10, 500))
        told.after(0.5, at(11, 500, waits_for={"reason": "throttled", "until": None}))
        told.after(0.5, at(12, 500, waits_for={"reason": "throttled", "until": None}))
        assert len(told.lines) == 2 and told.lines[1].endswith("; waits: vendor quota")


class TestBar:
    def drawn(self, *runs: dict[str, Any]) -> list[str]:
        """What stands on a terminal of eighty columns at the end."""
        screen = io.StringIO()
        console = Console(file=screen, force_terminal=True, width=80, color_system=None, legacy_windows=False)
        with Live(console=console, auto_refresh=False) as live:
            bar = Bar(console, live)
            for run in runs:
                bar.show(run)
        text = re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "\n", screen.getvalue()).replace("\r", "\n")
        return [line.rstrip() for line in text.split("\n") if line.strip()][-2:]

    def test_says_how_far_it_is_and_how_long_it_will_take(self) -> None:
        first, below = self.drawn(BEGUN, at(318, 500, seconds_left=40.2, skipped=15, state="Writing"))
        assert first.startswith("Writing   ━") and first.endswith("318 of 500   about 40 s left")
        assert (len(first) <= 80, below.strip()) == (True, "added 318, skipped 15")

    def test_says_how_many_were_read_while_nobody_knows_how_many_there_are(self) -> None:
        assert self.drawn(at(0, 119, read=None))[-1].endswith("at least 119 so far")

    def test_is_full_at_the_end(self) -> None:
        over = at(500, 500, finished_at="2026-05-04T12:01:05+00:00", state="Completed")
        first, _ = self.drawn(at(10, 500), over)
        assert first.startswith("Done ") and first.endswith("500 of 500")

    def test_what_is_waited_for_is_cut_and_not_wrapped(self) -> None:
        waits = {"reason": "needs_reauth", "until": None}
        counts = dict.fromkeys(("updated", "removed", "unchanged", "skipped", "failed", "superseded"), 100_000)
        lines = self.drawn(at(100_000, 900_000, read=900_000, waits_for=waits, **counts))
        assert lines[0].startswith("Reading ") and lines[1].endswith("…") and max(map(len, lines)) <= 80


class TestWhoStopsLooking:
    def test_is_told_that_the_run_goes_on_and_how_to_look_again(self) -> None:
        class Interrupted:
            def get(self, _path: str) -> Any:
                raise CommandError("Interrupted.", code=ExitCode.INTERRUPTED)

        with pytest.raises(CommandError) as told:
            watching.watched(Interrupted(), "books.full.3")  # type: ignore[arg-type]
        assert told.value.code is ExitCode.INTERRUPTED and told.value.message == "books.full.3 goes on without you."
        assert "millrace run watch books.full.3" in told.value.remedy
