"""Messages to subscribers: their headers, their signature, their repeats, and what becomes of who does not answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from sandbox.delivery import Attempt, Delivery
from sandbox.shopify import versions
from sandbox.shopify.apps import App
from sandbox.shopify.bodies import without_persons
from sandbox.shopify.call import Call, Document, Event
from sandbox.shopify.search import matcher
from sandbox.shopify.shop import Shop
from sandbox.shopify.subscription import Subscription
from sandbox.shopify.world import VENDOR, World

CONNECT_WITHIN_S = 1.0
ANSWER_WITHIN_S = 5.0
# Eight repeats, each after twice the wait of the one before, four hours in all; the vendor names count and sum.
REPEATS = tuple(14_400 / 255 * 2**turn for turn in range(8))
SCHEDULE = (0.0, *REPEATS)
# The words of a topic that belong together; the rest of its name is what happened.
COMPOUND = (
    "customers_email_marketing_consent",
    "inventory_levels",
    "bulk_operations",
    "draft_orders",
    "order_transactions",
    "customer_tags",
)
PRIVACY = ("customers/data_request", "customers/redact", "shop/redact")


def path_of(topic: str) -> str:
    """ORDERS_CREATE as `orders/create`, CUSTOMER_TAGS_ADDED as `customer.tags_added`."""
    name = topic.lower()
    if name.startswith("customer_tags"):
        return name.replace("customer_", "customer.", 1)
    head = next((one for one in COMPOUND if name.startswith(f"{one}_")), name.partition("_")[0])
    return f"{head}/{name[len(head) + 1 :]}"


def signature(secret: str, body: bytes) -> str:
    """X-Shopify-Hmac-Sha256: base64 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def messages(call: Call, event: Event) -> list[Delivery]:
    """One message for each subscription that wants this event."""
    hooks = [hook for hook in call.shop.hooks.values() if hook.topic == event.topic and fits(hook, event.body)]
    return [message(call, hook, event) for hook in hooks]


def fits(hook: Subscription, body: Document) -> bool:
    if not hook.filter:
        return True
    found, _ = matcher(hook.filter, {name: reader(name) for name in body}, lambda _: "")
    return found(body)


def reader(name: str) -> Any:
    return lambda body: body.get(name)


def message(call: Call, hook: Subscription, event: Event) -> Delivery:
    app = call.world.apps[hook.app]
    approved = app.custom or call.world.switches.protected_data
    content = event.body if approved else without_persons(event.body)
    if hook.include_fields:
        content = {name: value for name, value in content.items() if name in hook.include_fields}
    headers = heads(call.world, call.shop, app, path_of(event.topic), call.now, event.cause, hook.version)
    if hook.name:
        headers["x-shopify-name"] = hook.name
    return signed(call.world, app, call.shop, str(hook.legacy_resource_id), hook.uri, headers, content, call.now)


def heads(world: World, shop: Shop, app: App, topic: str, now: datetime, cause: str, version: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": shop.myshopify_domain,
        "x-shopify-api-version": versions.served(version, now) or version,
        "x-shopify-webhook-id": str(uuid.uuid4()),
        "x-shopify-event-id": cause,
        "x-shopify-triggered-at": now.isoformat(timespec="microseconds").replace("+00:00", "000Z"),
    }


def signed(
    world: World,
    app: App,
    shop: Shop,
    hook_id: str,
    uri: str,
    headers: Mapping[str, str],
    content: Document,
    now: datetime,
) -> Delivery:
    body = orjson.dumps(content)
    secret = app.signing_secret(now, world.switches.secret_lag_s)
    return Delivery(
        vendor=VENDOR,
        account=shop.handle,
        hook_id=hook_id,
        url=uri,
        method="POST",
        headers={**headers, "x-shopify-hmac-sha256": signature(secret, body)},
        body=body,
        schedule=SCHEDULE,
        timeout_s=ANSWER_WITHIN_S,
        topic=headers["x-shopify-topic"],
        context=app.key,
        connect_s=CONNECT_WITHIN_S,
    )


def privacy(world: World, app: App, shop: Shop, topic: str, content: Document, now: datetime) -> Delivery | None:
    """A privacy topic goes to the address of the application's own configuration; no subscription can ask for it."""
    if app.privacy_uri is None:
        return None
    headers = heads(world, shop, app, topic, now, str(uuid.uuid4()), app.api_version)
    return signed(world, app, shop, "", app.privacy_uri, headers, content, now)


def ended(shop: Shop, delivery: Delivery, attempt: Attempt) -> bool:
    """Whether to go on; after the last repeat in vain the subscription is gone, and a mail nobody reads says so."""
    failed = not 200 <= attempt.status < 300
    if failed and attempt.last and delivery.hook_id:
        dropped(shop, int(delivery.hook_id))
    return True


def dropped(shop: Shop, number: int) -> None:
    hook = shop.hooks.pop(number, None)
    if hook is not None:
        shop.mails += 1
        shop.deleted_hooks.append({"id": hook.legacy_resource_id, "topic": hook.topic, "uri": hook.uri})
