"""A whole account whose poller, mapper and writer are each killed with -9 in the midst of its load: a long story (`make test-long`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.account import REPEATED_A_KILL

CUSTOMERS = int(os.environ.get("KILLED_ACCOUNT_CUSTOMERS", "5000"))
VICTIMS = ("poller", "mapper", "writer")


@pytest.mark.timeout(1200)
def test_everybody_is_there_once_and_few_calls_are_repeated(tmp_path: Path) -> None:
    told = tmp_path / "found.json"
    words = ["account", "--customers", str(CUSTOMERS), "--kill", *VICTIMS, "--sandbox-time", "--json", str(told)]
    # Its exit code speaks of the clock on the wall, too, which belongs to everybody on the machine.
    subprocess.run([sys.executable, "-m", "bench", *words], check=False, timeout=1100)
    found = {name.partition(": ")[2]: value for name, value in json.loads(told.read_text()).items()}
    assert found["kills"] == len(VICTIMS)
    assert found["calls: repeated"] <= REPEATED_A_KILL * len(VICTIMS)
    for none in ("not ended", "not accounted for", "answers 429", "members made twice"):
        assert found[none] == 0, none
