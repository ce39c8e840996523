"""`python -m bench [PART [its options]]`, which `make bench ARGS="PART ..."` calls; without a part the whole of WHOLE, one after the other.

Each part measures, prints one table with goals beside, and exits non-zero when one is missed. `--json FOLDER` and `--against FOLDER`
without a part give each its file there. bench/README.md says what each measures.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

# Each is a module with `def main(words) -> int`.
PARTS = (
    "bus",
    "gateway",
    "mapper",
    "burst",
    "orders",
    "pace",
    "account",
    "replay",
    "replicas",
    "restart",
    "idle",
    "quota",
    "tokens",
)
# What needs no running stack and no hour.
WHOLE = ("bus", "gateway", "mapper", "burst", "orders", "pace", "account", "replay", "replicas", "restart")


def main(words: Sequence[str]) -> int:
    """The exit code: the first that is not success."""
    if words and not words[0].startswith("-"):
        return _part(words[0], words[1:])
    asked = _arguments(words)
    for folder in (asked.json, asked.against):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    codes = [_shown(part, _files(part, asked)) for part in WHOLE]
    return next((code for code in codes if code), 0)


def _part(name: str, words: Sequence[str]) -> int:
    if name not in PARTS:
        print(f"There is no bench for {name}; there is {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"bench.{name}").main(words))


def _shown(part: str, words: Sequence[str]) -> int:
    print(f"== {part}", flush=True)
    return _part(part, words)


def _files(part: str, asked: argparse.Namespace) -> list[str]:
    words = ["--json", str(asked.json / f"{part}.json")] if asked.json else []
    before = asked.against / f"{part}.json" if asked.against else None
    return words + (["--against", str(before)] if before is not None and before.exists() else [])


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write what each part has measured there")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="what an earlier run has written there")
    return parser.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
