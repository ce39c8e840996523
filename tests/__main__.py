"""`python -m tests`: every test, first those that bear company side by side, then those that measure or break things, alone.

`make test` runs it; further arguments go to pytest. Browser tests are `make test-browser`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

NOTHING_MATCHED = 5
PHASES = (
    ("side by side", ["-m", "not browser and not alone", "-n", "2", "--dist", "loadfile"]),
    ("alone", ["-m", "alone and not browser"]),
)


def main(arguments: Sequence[str]) -> int:
    """Runs both; the exit code is the first that is not success. A choice that one of them lacks is none of its business."""
    codes = []
    for name, options in PHASES:
        print(f"== tests {name}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", "pytest", *options, *arguments], check=False).returncode)
    failed = [code for code in codes if code not in (0, NOTHING_MATCHED)]
    return failed[0] if failed else min(codes)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
