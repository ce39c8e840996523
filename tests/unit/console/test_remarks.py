"""What a vendor wants a person to know of a source stands before everything else that a preview or an apply says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.use_cases.drafting import Draft
from console.use_cases.leg_drafting import DraftLeg, End
from vendors import shopify
from vendors.vendor import connection_of

CUT, WHOLE = "read_customers,read_orders", "read_all_orders,read_customers,read_orders"


def leg(source: End, entity: str) -> DraftLeg:
    fields: dict[str, Any] = dict.fromkeys(DraftLeg.__slots__)
    written = SimpleNamespace(source_entity=entity)
    return DraftLeg(**fields | {"source": source, "written": cast(Any, written), "notes": (f"a note of {entity}",)})


class TestNotes:
    @pytest.mark.parametrize(("scopes", "said"), [(CUT, True), (WHOLE, False)])
    def test_tell_once_that_only_the_orders_of_sixty_days_are_seen(self, scopes: str, said: bool) -> None:
        shop = connection_of(shopify.VENDOR.name, "shop", shop="demo.myshopify.com", scopes=scopes)
        source = End(shop, shopify.VENDOR, cast(Any, None), cast(Any, None))
        draft = Draft(source, source, tuple(leg(source, entity) for entity in ("customer", "order", "order")))
        *remarks, _, _, _ = draft.notes
        assert [("60 days" in one) for one in remarks] == [True] * said
