"""The Zoho writer: which vendors it writes to; the rest is `writing.service`."""

from __future__ import annotations

from vendors import zoho_books
from writer_zoho.settings import WriterZohoSettings
from writing.service import run_writer

SERVICE = "writer-zoho"
VENDORS = (zoho_books.VENDOR,)


def main() -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    return run_writer(SERVICE, WriterZohoSettings, VENDORS)
