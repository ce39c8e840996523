"""A program that says what it sees, and then ends with the code that it was given, or waits for its end."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main(wish: str) -> int:
    open_files = sorted(int(fd.name) for fd in list(Path("/proc/self/fd").iterdir()) if fd.exists())
    seen = {"words": sys.argv[1:], "environment": dict(os.environ), "folder": str(Path.cwd()), "open_files": open_files}
    print(json.dumps(seen), flush=True)
    while wish == "wait":
        time.sleep(60)
    return int(wish)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
