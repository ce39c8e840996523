"""Shows a run that is watched: a bar where somebody looks, a line every few seconds where nobody does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from millrace.run_words import counts_line, how_many, left_words, many_words, progress_line
from millrace.terminal import is_live, note

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

Run = Mapping[str, Any]
Show = Callable[[Run], None]
# Often enough at first to see that it moves; the log of an hour stays readable.
SOONEST_S, LATEST_S, SHARE = 2.0, 30.0, 0.1
BAR = 24


@contextmanager
def shown_run() -> Iterator[Show]:
    """Called with each look at the run; the last one is at its end."""
    if not is_live():
        yield Lines().show
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with Live(console=console, auto_refresh=False) as live:
        yield Bar(console, live).show


class Lines:
    """For pipes and logs: at once when something else is waited for, else a line when it has moved and some seconds have passed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, say: Callable[[str], None] = note) -> None:
        self._clock, self._say = clock, say
        self._told, self._waits = "", None
        self._began = self._next = clock()

    def show(self, run: Run) -> None:
        line, now = progress_line(run), self._clock()
        due = now >= self._next or run["waits_for"] != self._waits
        if line == self._told or not due or run["finished_at"] is not None:
            return
        self._told, self._waits = line, run["waits_for"]
        self._next = now + min(LATEST_S, max(SOONEST_S, (now - self._began) * SHARE))
        self._say(line)


class Bar:
    """For people: how far it is, how long it will take, what has become of the records so far."""

    def __init__(self, console: Console, live: Live) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("{task.description:<9}"), BarColumn(BAR), TextColumn("{task.fields[told]}"))
        self._live = live
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task("", total=None, told="")

    def show(self, run: Run) -> None:
        from rich.console import Group
        from rich.text import Text

        many, over = how_many(run), run["finished_at"] is not None
        ended = run["total"] - run["waiting"]
        told = f"{ended} of {many_words(run)}" if many is not None else _so_far(run)
        left = left_words(run)
        self._progress.update(
            self._task, description="Done" if over else run["state"], total=many, completed=ended,
            told=f"{told}{left and f'   {left}'}",
        )  # fmt: skip
        below = Text(f"{'':<10}{counts_line(run)}", style="dim", no_wrap=True, overflow="ellipsis")
        self._live.update(Group(self._progress, below), refresh=True)


def _so_far(run: Run) -> str:
    return f"at least {run['total']} so far" if run["total"] else "begins"
