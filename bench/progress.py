"""What a long measurement says while it goes on: often to a person who looks, seldom into a file."""

from __future__ import annotations

import sys
import time

_ON_A_TERMINAL_S, _IN_A_PIPE_S = 2.0, 20.0


class Progress:
    """Lines on stderr, each with the seconds since the beginning."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._began = time.monotonic()
        self._every = _ON_A_TERMINAL_S if sys.stderr.isatty() else _IN_A_PIPE_S
        self._next = 0.0

    def say(self, words: str) -> None:
        """A step: always shown."""
        now = time.monotonic()
        self._next = now + self._every
        print(f"{self._part} {now - self._began:5.0f} s  {words}", file=sys.stderr, flush=True)

    def tell(self, words: str) -> None:
        """How far a step is: shown when the last line is old enough."""
        if time.monotonic() >= self._next:
            self.say(words)
