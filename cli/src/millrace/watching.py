"""Watching a run: asked for again and again, a line on the terminal when it moves, until every record has its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from millrace.api_client import ApiClient
from millrace.run_words import progress_line
from millrace.terminal import note

EVERY_S = 0.5


def watched(client: ApiClient, run: str) -> Mapping[str, Any]:
    """The run at its end."""
    told = ""
    while True:
        found: Mapping[str, Any] = client.get(f"/runs/{quote(run, safe='')}")
        if found["finished_at"] is not None:
            return found
        line = progress_line(found)
        if line != told:
            note(line)
            told = line
        time.sleep(EVERY_S)
