"""Webhooks: who is told what, signed how, how long it is tried, and what happens to who does not answer (sheet, section 3)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sandbox.shopify.posting import REPEATS, path_of, signature
from sandbox.shopify.schema_words import ENUMS
from tests.contract.sandbox.shopify.shop import Listener, Shop

DEAD = "http://127.0.0.1:9/hook"


async def settled(shop: Shop, condition: Any, within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the condition is the sandbox's own state
            await asyncio.sleep(0.01)


class TestSignature:
    def test_is_that_of_the_sheet(self) -> None:
        body = (
            b'{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508","name":"#9999",'
            b'"currency":"USD","total_price":"403.00","updated_at":"2026-01-01T00:00:00-05:00"}'
        )
        assert len(body) == 185
        assert signature("shopify-app-secret-31aa", body) == "CKPronsvrFk/+6UhvcEy66VOlK5juzfM2GgxFRym1ZQ="

    async def test_is_by_the_secret_of_the_subscribers_own_app(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url)
        await shop.order()
        [heard] = await listener.until(1)
        assert heard.signed_with(shop.row["custom_secret"])
        assert not heard.signed_with(shop.row["client_secret"])

    async def test_after_a_rotation_the_oldest_signs_until_its_end_has_spread(
        self, shop: Shop, listener: Listener
    ) -> None:
        await shop.subscribe(listener.url)
        new = shop.act("rotate_secret", app="custom")["client_secret"]
        await shop.order()
        shop.act("revoke_secret", app="custom")
        await listener.until(1)
        await shop.order()
        await listener.until(2)
        shop.later(3601)
        await shop.order()
        heard = await listener.until(3)
        old = shop.row["custom_secret"]
        assert [one.signed_with(old) for one in heard] == [True, True, False]
        assert heard[2].signed_with(new)


class TestSubscriptions:
    async def test_are_listed_and_deleted(self, shop: Shop) -> None:
        made = (await shop.subscribe(DEAD, name="orders-1"))["webhookSubscription"]
        query = "{webhookSubscriptions(first:5){nodes{id uri topic name}}}"
        assert (await shop.data(query))["webhookSubscriptions"]["nodes"] == [
            {"id": made["id"], "uri": DEAD, "topic": "ORDERS_CREATE", "name": "orders-1"}
        ]
        delete = "mutation($i:ID!){webhookSubscriptionDelete(id:$i){deletedWebhookSubscriptionId userErrors{message}}}"
        assert (await shop.data(delete, i=made["id"]))["webhookSubscriptionDelete"]["userErrors"] == []
        assert (await shop.data(query))["webhookSubscriptions"]["nodes"] == []

    async def test_same_topic_and_address_twice_is_refused(self, shop: Shop) -> None:
        await shop.subscribe(DEAD)
        assert "already been taken" in (await shop.subscribe(DEAD))["userErrors"][0]["message"]
        assert (await shop.subscribe(DEAD, "ORDERS_PAID"))["userErrors"] == []

    @pytest.mark.parametrize(
        "uri", ["http://hooks.example/x", "https://localhost/x", "https://a.internal/x", "https://x.myshopify.com/"]
    )
    async def test_addresses_inside_are_refused_where_that_is_strict(self, shop: Shop, uri: str) -> None:
        shop.switch(hook_addresses="public")
        assert (await shop.subscribe(uri))["userErrors"] != []
        assert (await shop.subscribe("https://hooks.example/x"))["userErrors"] == []

    async def test_privacy_topics_cannot_be_asked_for(self, shop: Shop) -> None:
        found = await shop.ask(
            'mutation{webhookSubscriptionCreate(topic:CUSTOMERS_REDACT,webhookSubscription:{uri:"https://a.example"}){userErrors{message}}}'
        )
        assert "errors" in found

    async def test_are_an_applications_own(self, shop: Shop) -> None:
        await shop.subscribe(DEAD)
        token = (await shop.granted())["access_token"]
        assert (await shop.ask("{webhookSubscriptions(first:5){nodes{id}}}", token=token))["data"][
            "webhookSubscriptions"
        ]["nodes"] == []

    def test_topics_have_the_names_of_their_paths(self) -> None:
        paths = {path_of(topic) for topic in ENUMS["WebhookSubscriptionTopic"].split()}
        assert {
            "orders/create",
            "app/uninstalled",
            "inventory_levels/update",
            "bulk_operations/finish",
            "customer.tags_added",
        } <= paths
        assert "customers_email_marketing_consent/update" in paths
        assert "customers/purchasing_summary" in paths


class TestDelivery:
    async def test_headers(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url, name="orders-1")
        await shop.subscribe(listener.url, "ORDERS_PAID")
        await shop.order(("5.00", 1), financialStatus="PAID")
        created, paid = sorted(await listener.until(2), key=lambda one: one.headers["x-shopify-topic"])
        assert created.headers["x-shopify-topic"] == "orders/create"
        assert created.headers["x-shopify-shop-domain"] == "demo.myshopify.com"
        assert created.headers["x-shopify-api-version"] == "2026-04"
        assert created.headers["x-shopify-name"] == "orders-1"
        assert created.headers["x-shopify-event-id"] == paid.headers["x-shopify-event-id"]
        assert created.headers["x-shopify-webhook-id"] != paid.headers["x-shopify-webhook-id"]
        assert "x-shopify-triggered-at" in created.headers

    async def test_of_an_order_is_the_whole_order(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url)
        await shop.order(("5.00", 2))
        [heard] = await listener.until(1)
        body = json.loads(heard.body)
        assert body == next(iter(shop.state["orders"].values()))

    async def test_of_a_customer_lacks_tags_consent_and_totals(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url, "CUSTOMERS_CREATE")
        shop.act("customer", customer={"email": "ada@shop.example", "tags": ["vip"]})
        [heard] = await listener.until(1)
        body = json.loads(heard.body)
        assert body["email"] == "ada@shop.example"
        assert not {"tags", "email_marketing_consent", "orders_count", "total_spent"} & set(body)

    async def test_of_an_edit_is_no_order(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url, "ORDERS_EDITED")
        order = shop.place(("5.00", 1))
        line = {"title": "More", "quantity": 1, "priceSet": {"shopMoney": {"amount": "5.00", "currencyCode": "EUR"}}}
        shop.act("edit_order", id=order["admin_graphql_api_id"], order={"lineItems": [line]})
        [heard] = await listener.until(1)
        assert set(json.loads(heard.body)) == {"order_edit"}

    async def test_of_a_refund_and_a_deletion(self, shop: Shop, listener: Listener) -> None:
        for topic in ("REFUNDS_CREATE", "ORDERS_DELETE"):
            await shop.subscribe(listener.url, topic)
        order = shop.place(("5.00", 1), financialStatus="PAID")
        refund = {"transactions": [{"amount": "5.00", "gateway": "manual", "kind": "REFUND"}]}
        shop.act("refund_order", id=order["admin_graphql_api_id"], refund=refund)
        shop.act("delete_order", id=order["admin_graphql_api_id"])
        bodies = {one.headers["x-shopify-topic"]: json.loads(one.body) for one in await listener.until(2)}
        assert bodies["refunds/create"]["order_id"] == order["id"]
        assert bodies["refunds/create"]["transactions"][0]["amount"] == "5.00"
        assert bodies["orders/delete"] == {"id": order["id"]}

    async def test_is_trimmed_and_filtered_as_asked(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url, includeFields=["id", "updated_at"], filter="test:false")
        shop.place(("1.00", 1), test=True)
        shop.place(("1.00", 1))
        [heard] = await listener.until(1)
        assert set(json.loads(heard.body)) == {"id", "updated_at"}


class TestRepeats:
    def test_are_eight_in_four_hours(self) -> None:
        assert len(REPEATS) == 8
        assert sum(REPEATS) == pytest.approx(4 * 3600)

    async def test_bring_the_original_body_to_the_original_address(self, shop: Shop, listener: Listener) -> None:
        listener.status = 500
        made = (await shop.subscribe(listener.url))["webhookSubscription"]
        order = shop.place(("5.00", 1))
        await listener.until(1)
        update = "mutation($i:ID!,$w:WebhookSubscriptionInput!){webhookSubscriptionUpdate(id:$i,webhookSubscription:$w){userErrors{message}}}"
        await shop.data(update, i=made["id"], w={"uri": DEAD})
        shop.act("reword_order", id=order["admin_graphql_api_id"], order={"note": "later"})
        await settled(shop, lambda: shop.core.deliveries.attempts == 1)
        shop.later(REPEATS[0] + 1)
        first, second = await listener.until(2)
        assert first.body == second.body
        assert first.headers["x-shopify-webhook-id"] == second.headers["x-shopify-webhook-id"]

    async def test_in_vain_cost_the_subscription(self, shop: Shop) -> None:
        await shop.subscribe(DEAD)
        shop.place(("5.00", 1))
        for turn, wait in enumerate(REPEATS):
            await settled(shop, lambda turn=turn: shop.core.deliveries.attempts == turn + 1)
            assert shop.state["webhook_subscriptions"] != {}
            shop.later(wait + 1)
        await settled(shop, lambda: shop.core.deliveries.attempts == 9)
        assert shop.state["webhook_subscriptions"] == {}
        assert shop.state["deleted_webhook_subscriptions"][0]["uri"] == DEAD

    async def test_patience_is_a_second_and_five(self, shop: Shop) -> None:
        shop.core.clock.advance(0)
        await shop.subscribe(DEAD)
        sent: list[Any] = []
        shop.core.deliveries.send = sent.append  # type: ignore[assignment]
        shop.place(("5.00", 1))
        assert (sent[0].connect_s, sent[0].timeout_s) == (1.0, 5.0)


class TestPrivacy:
    async def test_topics_go_to_the_applications_own_address(self, shop: Shop, listener: Listener) -> None:
        made = shop.act("customer", customer={"email": "ada@shop.example"})
        shop.act("privacy_address", uri=listener.url)
        shop.act("privacy", topic="customers/redact", customer=made["id"])
        [heard] = await listener.until(1)
        body = json.loads(heard.body)
        assert heard.signed_with(shop.row["client_secret"])
        assert body["shop_domain"] == "demo.myshopify.com"
        assert body["customer"]["email"] == "ada@shop.example"

    async def test_shop_is_to_be_forgotten_two_days_after_uninstalling(self, shop: Shop, listener: Listener) -> None:
        token = (await shop.granted())["access_token"]
        query = f"mutation{{webhookSubscriptionCreate(topic:APP_UNINSTALLED,webhookSubscription:{{uri:{json.dumps(listener.url)}}}){{userErrors{{message}}}}}}"
        await shop.ask(query, token=token)
        shop.act("privacy_address", uri=listener.url)
        shop.act("uninstall")
        await listener.until(1)
        shop.later(48 * 3600 + 1)
        topics = [one.headers["x-shopify-topic"] for one in await listener.until(2)]
        assert topics == ["app/uninstalled", "shop/redact"]
        assert shop.state["webhook_subscriptions"] == {}

    async def test_unapproved_application_hears_of_no_person(self, shop: Shop, listener: Listener) -> None:
        token = (await shop.granted())["access_token"]
        query = f"mutation{{webhookSubscriptionCreate(topic:CUSTOMERS_CREATE,webhookSubscription:{{uri:{json.dumps(listener.url)}}}){{userErrors{{message}}}}}}"
        await shop.ask(query, token=token)
        shop.switch(protected_data=False)
        shop.act("customer", customer={"email": "ada@shop.example", "firstName": "Ada"})
        [heard] = await listener.until(1)
        body = json.loads(heard.body)
        assert (body["email"], body["first_name"]) == (None, None)
