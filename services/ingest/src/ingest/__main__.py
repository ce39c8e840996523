"""`python -m ingest` runs the service."""

import sys

from ingest.main import main

if __name__ == "__main__":
    sys.exit(main())
