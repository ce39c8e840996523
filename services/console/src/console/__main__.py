"""`python -m console`."""

from __future__ import annotations

from console.main import main

if __name__ == "__main__":
    raise SystemExit(main())
