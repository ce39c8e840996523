"""`python -m tests.support.hurried_broker`: the token-broker with all vendors, which leaves a refresh that nobody saw the end of alone for a second."""

from __future__ import annotations

import sys

from common.service import run
from tests.support.rotating_broker import HORIZON
from token_broker.main import SERVICE, build_with
from token_broker.settings import BrokerSettings
from vendors.registry import VENDORS

if __name__ == "__main__":
    sys.exit(run(SERVICE, BrokerSettings, build_with(VENDORS, horizon=HORIZON)))
