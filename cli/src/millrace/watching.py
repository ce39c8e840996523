"""Watching a run or a reconciliation: asked for again and again, shown as it moves, until every record has its end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from millrace.api_client import ApiClient
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.reconciliation_words import waiting_line
from millrace.run_progress import shown_run
from millrace.terminal import note

EVERY_S = 0.5


def watched(client: ApiClient, run: str) -> Mapping[str, Any]:
    """The run at its end. Whoever interrupts only stops looking: the run is the services'."""
    try:
        with shown_run() as show:
            while True:
                found: Mapping[str, Any] = client.get(f"/runs/{quote(run, safe='')}")
                show(found)
                if found["finished_at"] is not None:
                    return found
                time.sleep(EVERY_S)
    except CommandError as ended:
        if ended.code is not ExitCode.INTERRUPTED:
            raise
        again = f"Look again with `millrace run watch {run}`."
        raise CommandError(f"{run} goes on without you.", again, ExitCode.INTERRUPTED) from ended


def reconciled(client: ApiClient, sync: str) -> Sequence[Mapping[str, Any]]:
    """The reconciliations of a sync when all have ended, and what they handed over is written."""
    told = ""
    while True:
        found: Sequence[Mapping[str, Any]] = client.get(sync)["reconciliations"]
        if all(one["state"] in ("resting", "asked") and not one["waiting"] for one in found):
            return found
        line = waiting_line(found)
        if line != told:
            note(line)
            told = line
        time.sleep(EVERY_S)
