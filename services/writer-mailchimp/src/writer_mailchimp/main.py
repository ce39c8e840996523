"""The Mailchimp writer: which vendors it writes to; the rest is `writing.service`."""

from __future__ import annotations

from vendors import mailchimp
from writer_mailchimp.settings import WriterMailchimpSettings
from writing.service import run_writer

SERVICE = "writer-mailchimp"
VENDORS = (mailchimp.VENDOR,)


def main() -> int:
    """Runs until SIGTERM; the exit code is the supervisor's."""
    return run_writer(SERVICE, WriterMailchimpSettings, VENDORS)
