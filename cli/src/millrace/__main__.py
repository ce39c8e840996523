"""`python -m millrace`."""

from millrace.app import main

raise SystemExit(main())
