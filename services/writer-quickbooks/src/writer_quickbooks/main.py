"""The QuickBooks writer: which vendors it writes to; the rest is `writing.service`."""

from __future__ import annotations

from vendors import quickbooks
from writer_quickbooks.settings import WriterQuickBooksSettings
from writing.service import run_writer

SERVICE = "writer-quickbooks"
VENDORS = (quickbooks.VENDOR,)


def main() -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    return run_writer(SERVICE, WriterQuickBooksSettings, VENDORS)
