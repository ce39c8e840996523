"""Subscriptions at the simulated shop: made, audited, made anew, and nobody else's touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson

from sandbox.shopify.posting import REPEATS
from tests.contract.sandbox.shopify.shop import Shop
from tests.contract.sandbox.shopify.test_webhooks import settled
from tests.contract.vendors.shopify.shops import ShopApi
from vendors.channel import Audited, HookSecrets, HookSubscription
from vendors.shopify import versions
from vendors.shopify.channel import ShopifyChannel
from vendors.shopify.shops import VERSION
from vendors.shopify.topics import SUBSCRIBED

CHANNEL = ShopifyChannel()
BASE = "http://127.0.0.1:9/hooks/shopify/c-1"
WANTED = HookSubscription(BASE, ("order", "customer"))
NONE = cast(HookSecrets, None)


def topics(shop: Shop, uri: str = BASE) -> list[str]:
    return sorted(one["topic"] for one in shop.state["webhook_subscriptions"].values() if one["uri"] == uri)


ALL = sorted(topic.api_name for topic in SUBSCRIBED.values())


class TestChannel:
    async def test_makes_what_is_missing_and_then_nothing(self, shop: Shop, api: ShopApi) -> None:
        assert len(await CHANNEL.missing(WANTED, api, NONE)) == len(ALL)
        assert len(await CHANNEL.ensure(WANTED, api, NONE)) == len(ALL)
        assert topics(shop) == ALL
        calls = len(api.calls)
        audited = await CHANNEL.audit(WANTED, (), api, NONE)
        assert (list(audited.mended), list(audited.removed), len(api.calls) - calls) == ([], [], 1)

    async def test_one_that_the_vendor_dropped_is_made_anew(self, shop: Shop, api: ShopApi) -> None:
        await CHANNEL.ensure(HookSubscription(BASE, ("customer",)), api, NONE)
        shop.act("customer", customer={"email": "ada@shop.example"})
        for turn, wait in enumerate(REPEATS):
            await settled(shop, lambda turn=turn: shop.core.deliveries.attempts == turn + 1)
            shop.later(wait + 1)
        await settled(shop, lambda: "CUSTOMERS_CREATE" not in topics(shop))
        audited = await CHANNEL.audit(HookSubscription(BASE, ("customer",)), (), api, NONE)
        assert list(audited.mended) == ["the webhook CUSTOMERS_CREATE"]
        assert "CUSTOMERS_CREATE" in topics(shop)

    async def test_former_address_and_trimmed_ones_are_replaced_and_strangers_stay(
        self, shop: Shop, api: ShopApi
    ) -> None:
        await shop.subscribe("https://before.example/hooks/shopify/c-1", "ORDERS_PAID")
        await shop.subscribe("https://stranger.example/hook", "ORDERS_PAID")
        await shop.subscribe(BASE, "SHOP_UPDATE")
        await shop.subscribe(BASE, "ORDERS_CREATE", includeFields=["id", "updated_at"])
        audited = await CHANNEL.audit(WANTED, (), api, NONE)
        assert topics(shop) == ALL
        assert all(not one["include_fields"] for one in shop.state["webhook_subscriptions"].values())
        assert topics(shop, "https://before.example/hooks/shopify/c-1") == []
        assert topics(shop, "https://stranger.example/hook") == ["ORDERS_PAID"]
        assert list(audited.removed) == ["SHOP_UPDATE"]

    async def test_what_is_wanted_no_more_goes(self, shop: Shop, api: ShopApi) -> None:
        await CHANNEL.ensure(WANTED, api, NONE)
        await CHANNEL.audit(HookSubscription(BASE, ("customer",)), ("order",), api, NONE)
        assert topics(shop) == ["APP_UNINSTALLED", "CUSTOMERS_CREATE", "CUSTOMERS_DELETE", "CUSTOMERS_UPDATE"]

    async def test_audit_tells_of_another_version_and_of_the_end_of_ours(self, shop: Shop, api: ShopApi) -> None:
        def told(audited: Audited) -> list[str]:
            return [one.code for one in audited.notices]

        await CHANNEL.ensure(WANTED, api, NONE)
        shop.core.clock.set(datetime(2026, 11, 30, tzinfo=UTC))
        assert told(await CHANNEL.audit(WANTED, (), api, NONE)) == []
        shop.core.clock.set(versions.ends(VERSION) - timedelta(days=89))
        assert told(await CHANNEL.audit(WANTED, (), api, NONE)) == ["SH_VERSION_ENDING"]
        # Then it falls forward, and nothing fails.
        shop.core.clock.set(versions.ends(VERSION) + timedelta(days=180))
        audited = await CHANNEL.audit(WANTED, (), api, NONE)
        assert told(audited) == ["SH_VERSION_OTHER", "SH_VERSION_ENDING"]
        assert set(audited.judged) == {one.kind for one in audited.notices}

    async def test_body_tells_its_subject(self, shop: Shop) -> None:
        order: dict[str, Any] = shop.place(("1.00", 1))
        assert CHANNEL.heard("", orjson.dumps(order)) == "order"
        assert CHANNEL.heard("", b'{"id": 1}') == ""
        assert CHANNEL.heard("", b"[]") == ""
