"""`python -m token_broker` runs the service."""

import sys

from token_broker.main import main

if __name__ == "__main__":
    sys.exit(main())
