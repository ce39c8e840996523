"""`python -m mapper` runs the service."""

import sys

from mapper.main import main

if __name__ == "__main__":
    sys.exit(main())
