"""How the command speaks: results on stdout, everything else on stderr, live only where somebody looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from millrace.errors import CommandError


def note(text: str) -> None:
    """Progress and remarks."""
    print(text, file=sys.stderr, flush=True)


def show_error(error: CommandError) -> None:
    note(f"error: {error.message}")
    if error.remedy:
        note(f"       {error.remedy}")


def is_live(environment: Mapping[str, str] | None = None) -> bool:
    """Whether lines may be drawn over: a terminal that can do it."""
    given = os.environ if environment is None else environment
    return sys.stderr.isatty() and given.get("TERM", "dumb") != "dumb"
