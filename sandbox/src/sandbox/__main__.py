"""`python -m sandbox --port P --home DIR`."""

from __future__ import annotations

from sandbox.server import main
from sandbox.settings import read

if __name__ == "__main__":
    main(read())
