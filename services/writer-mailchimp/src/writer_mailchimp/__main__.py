"""`python -m writer_mailchimp` runs the service."""

import sys

from writer_mailchimp.main import main

if __name__ == "__main__":
    sys.exit(main())
