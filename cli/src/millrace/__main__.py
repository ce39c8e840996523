"""`python -m millrace`."""

from millrace.app import main

if __name__ == "__main__":
    raise SystemExit(main())
