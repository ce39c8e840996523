"""Currencies are those that the organisation has enabled: what an invoice is made out in is one of its list, by its id."""

from __future__ import annotations

import pytest

from common.failures import Rejected
from tests.contract.vendors.zoho_books import account as simulator
from tests.support.sandbox import SandboxProcess
from vendors.zoho_books.invoice_codes import ZB_CURRENCY_UNKNOWN
from vendors.zoho_books.organisation_lists import read_facts


async def test_are_told_by_the_organisations_own_list_and_no_other_is_taken(sandbox: SandboxProcess) -> None:
    async with simulator.opened(sandbox) as account:
        rows = account.books.told("GET", "/settings/currencies")["currencies"]
        facts = await read_facts(account.api)
    assert {code: facts.currency(code) for code in facts.currencies} == {
        row["currency_code"]: row["currency_id"] for row in rows
    }
    assert facts.base == next(row["currency_code"] for row in rows if row["is_base_currency"])
    for other in ("INR", "eur", ""):
        with pytest.raises(Rejected) as refused:
            facts.currency(other)
        assert refused.value.code == ZB_CURRENCY_UNKNOWN.name
        assert "Settings, Currencies" in ZB_CURRENCY_UNKNOWN.action
