"""`python -m writer_zoho` runs the service."""

import sys

from writer_zoho.main import main

if __name__ == "__main__":
    sys.exit(main())
