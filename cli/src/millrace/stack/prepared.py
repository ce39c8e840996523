"""`python -m millrace.stack.prepared MODULE`: a service that is imported before what it needs is there, and runs when it is told its environment.

Two thirds of a service's start are imports, and Kafka takes seconds of its own after a kill: both go on at once. The environment comes as a
line of JSON on the standard input, because ports and secrets are known late; when the supervisor dies before, the input ends, and so do we.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from millrace.settings import take_over

# Two libraries of the services draw on terminals where this is installed, and it is for the command: 5 MB and a tenth of a second each.
DRAWING = ("rich", "pygments")


def main(module: str) -> None:
    sys.modules.update(dict.fromkeys(DRAWING))  # type: ignore[arg-type]
    spec = find_spec(module)
    program = f"{module}.__main__" if spec is not None and spec.submodule_search_locations else module
    importlib.import_module(program)
    # It runs as the program that it is, not as a module that was imported.
    del sys.modules[program]
    told = sys.stdin.readline()
    if not told:
        return
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    take_over(json.loads(told))
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
