"""`python -m writer_quickbooks` runs the service."""

import sys

from writer_quickbooks.main import main

if __name__ == "__main__":
    sys.exit(main())
