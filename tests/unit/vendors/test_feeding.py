"""Of what a leg wants to be told: what it writes only where its target makes something of it."""

from __future__ import annotations

import pytest

from common.contracts.ids import ConnectionId, Entity, SyncId
from common.contracts.syncs import Leg
from vendors.feeding import heard_of
from vendors.registry import vendor_named


@pytest.mark.parametrize(("vendor", "entity", "hears"), [("mailchimp", "member", True), ("zoho-books", "customer", False), ("zoho-books", "invoice", False)])  # fmt: skip
def test_webhooks_of_what_is_written_are_asked_for_where_somebody_hears(
    vendor: str, entity: str, *, hears: bool
) -> None:
    """Of an organisation's quota nothing goes for events of our own invoices."""
    leg = Leg(
        SyncId("s"), Entity("order"), "forward", ConnectionId("shop"), Entity("order"), "", ConnectionId("there"), Entity(entity), "", "state", None,
    )  # fmt: skip
    told = heard_of(vendor_named("shopify").source, vendor_named(vendor).targets[Entity(entity)], leg)
    assert [connection for connection, _, _ in told] == ["shop", *(["there"] if hears else [])]
