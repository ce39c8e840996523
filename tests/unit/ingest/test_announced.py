"""Whose changes a webhook should have told of: looks are hurried for want of them, and of them alone."""

from __future__ import annotations

import pytest

from common.contracts.ids import ConnectionId, VendorName
from common.state.polls import Polled
from ingest.poll_turn import is_announced
from vendors.registry import VENDORS

SILENT = {name for name, vendor in VENDORS.items() if vendor.inbox is None}


class TestAnnounced:
    @pytest.mark.parametrize("name", sorted(VENDORS))
    def test_nobody_is_waited_for_where_no_webhook_is_heard(self, name: str) -> None:
        vendor = VENDORS[VendorName(name)]
        assert vendor.source is not None
        told = [is_announced(vendor, Polled(ConnectionId("c"), one, "place")) for one in vendor.source.entities]
        assert any(told) is (name not in SILENT)
