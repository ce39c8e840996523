"""How a part is asked and how it answers: the same options, the same table, the same file, whatever was measured."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.rows import Goal, compared


def options(part: str, said: str) -> argparse.ArgumentParser:
    """Those that every part has."""
    words = argparse.ArgumentParser(
        prog=f"python -m bench {part}", description=said, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--json", type=Path, help="write what was measured there")
    words.add_argument("--against", type=Path, help="what an earlier run has written: shown beside this one")
    return words


def report(goals: Sequence[Goal], found: Mapping[str, float], asked: argparse.Namespace) -> int:
    """Prints the table and writes the file; the exit code says whether every goal is met."""
    if asked.json:
        asked.json.write_text(json.dumps(dict(found), indent=1) + "\n")
    print(compared(goals, found, json.loads(asked.against.read_text()) if asked.against else {}), flush=True)
    return 0 if all(goal.met(found) for goal in goals) else 1
