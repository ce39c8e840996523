"""`python -m tests.support.toy_service FILE`: the service that the test in FILE has written, with what every service imports at hand."""

import sys
from pathlib import Path

import common.environment
import common.runtime
import common.service
import common.settings  # noqa: F401 - imported once for all toys, and not by each of them

if __name__ == "__main__":
    toy = Path(sys.argv[1])
    exec(compile(toy.read_text(), str(toy), "exec"), {"__name__": "__main__"})
