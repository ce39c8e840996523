"""The Zoho writer: which vendors it writes to; the rest is `writing.service`."""

from __future__ import annotations

from vendors.registry import VENDORS
from writer_zoho.settings import WriterZohoSettings
from writing.service import run_writer

SERVICE = "writer-zoho"
# Zoho's products share a login: they are written by one service, whichever of them there are.
FAMILY = "zoho-"


def main() -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    family = [vendor for name, vendor in VENDORS.items() if name.startswith(FAMILY) and vendor.targets]
    return run_writer(SERVICE, WriterZohoSettings, family)
