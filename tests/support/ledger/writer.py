"""The ledger's writer as a process that can be killed: the service that every vendor has, with the ledger's own address."""

from __future__ import annotations

import sys

from pydantic import Field

from common.http.settings import DoorSettings
from common.settings import Address
from tests.support.ledger.vendor import VENDOR
from tests.support.ledger.world import SERVICE
from writing.service import run_writer


class LedgerWriterSettings(DoorSettings):
    """The way to the ledger."""

    ledger_base_url: Address | None = Field(None, description="Where the ledger of the test listens.")


if __name__ == "__main__":
    sys.exit(run_writer(SERVICE, LedgerWriterSettings, [VENDOR]))
