"""A writer service that serves two vendors: the second is the first under another name."""

import sys
from dataclasses import replace

from common.contracts.ids import VendorName
from common.http.settings import DoorSettings
from vendors import mailchimp
from writing.service import run_writer

OTHER = replace(mailchimp.VENDOR, name=VendorName("other-mail"))

if __name__ == "__main__":
    sys.exit(run_writer("writer-two", DoorSettings, (mailchimp.VENDOR, OTHER)))
