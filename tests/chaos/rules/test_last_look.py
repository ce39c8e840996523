"""The last look at the lease, just before the first byte (R3)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from common.clock import monotonic
from common.failures import Transient
from writing.caller import VendorCaller
from writing.lease_renewer import Lease
from writing.lines import Line


def caller(until: float) -> VendorCaller:
    """With a lease until then; nothing else of it is asked for."""
    nobody = cast(Any, None)
    return VendorCaller(
        nobody,
        nobody,
        nobody,
        asyncio.Semaphore(1),
        Lease(until),
        asyncio.Event(),
        share=Line(1).sharing({}, asyncio.Event().set),
    )


class TestLastLook:
    async def test_nothing_leaves_after_the_lease_is_over(self) -> None:
        with pytest.raises(Transient) as refused:
            caller(monotonic() - 1)._before_send()
        assert refused.value.code == "LEASE_LOST"

    async def test_a_lease_that_holds_lets_the_call_go(self) -> None:
        caller(monotonic() + 60)._before_send()
