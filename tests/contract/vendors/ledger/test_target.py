"""Parties of the ledger, written: the shared suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.vendors.ledger import account
from tests.contract.vendors.target_suite import TargetSuite
from tests.support.ledger.process import LedgerProcess, ledger_process
from tests.support.ledger.vendor import PARTY, VENDOR


@pytest.fixture(scope="module")
def ledger() -> Iterator[LedgerProcess]:
    with ledger_process() as started:
        yield started


@pytest.fixture
def sandbox(ledger: LedgerProcess) -> LedgerProcess:
    ledger.reset()
    return ledger


class TestLedgerTarget(TargetSuite):
    vendor = VENDOR
    entity = PARTY
    opened = account.opened
