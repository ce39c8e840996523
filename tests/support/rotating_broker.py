"""`python -m tests.support.rotating_broker`: the token-broker, letting in the rotating vendor and nobody else."""

from __future__ import annotations

import sys
from datetime import timedelta

from pydantic import Field

from common.http.profile import Timeouts
from common.secret import Secret
from common.service import run
from common.settings import Address
from tests.support.rotating_vendor import rotating
from token_broker.main import SERVICE, build_with
from token_broker.settings import BrokerSettings

# In the field a refresh is waited for twenty seconds and left alone for forty; no test waits so long.
HORIZON = timedelta(seconds=1.5)
PATIENCE = Timeouts(connect=1.0, read=0.8, write=0.8, pool=0.8, total=1.0)


class RotatingSettings(BrokerSettings):
    """The broker's settings, and those of the vendor of the tests."""

    rotating_base_url: Address | None = Field(None, description="Where the rotating vendor is.")
    rotating_client_id: str = Field("", description="Our client id there.")
    rotating_client_secret: Secret = Field(Secret(""), description="Our client secret there.")


if __name__ == "__main__":
    vendor = rotating()
    sys.exit(run(SERVICE, RotatingSettings, build_with({"rotating": vendor}, PATIENCE, HORIZON)))
