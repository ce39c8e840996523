"""A whole shop by its file, through the product's own door to a sandbox of its own process."""

from __future__ import annotations

import pytest

from common.failures import RateLimited
from tests.contract.vendors.shopify.account import opened
from tests.support.sandbox import SandboxProcess
from vendors import shopify
from vendors.shopify import bulk
from vendors.vendor import Cursor, Entity

ORDER, MANY = Entity("order"), 60


async def test_is_waited_for_and_told_from_the_vendors_store_of_files(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "FROM", {ORDER: 40})
    whole, cursor, told = shopify.VENDOR.whole, None, 0
    assert whole is not None
    async with opened(sandbox) as account:
        account.fill(ORDER, MANY)
        with pytest.raises(RateLimited):
            async for page in whole.pages(account.connection, ORDER, None, account.api):
                assert page.states == []
                cursor = page.next
        account.advance(10)
        calls = account.calls()
        async for page in whole.pages(account.connection, ORDER, Cursor(str(cursor)), account.api):
            told += len([one for one in page.states if one.coverage == "detail"])
        assert told == MANY
        # A look and the file, which is no call of the API.
        assert account.calls() - calls <= 2
