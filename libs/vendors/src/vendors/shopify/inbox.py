"""How webhooks of Shopify are recognised (sheet, section 3.2): base64 HMAC-SHA256 over the raw body.

The signature covers the body and nothing else, and all shops' webhooks are signed with one secret. So the topic and the shop, which stand in
headers, are held against what is known otherwise: the topic against the form of the body, the shop against the connection that is called
(it stands before the secret: `hook_secret`), and against the body where that names one (`shop_of`). After a rotation the vendor signs with
the oldest secret that is not revoked, an hour longer than it should: both count.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from common.contracts.ids import Entity, RecordId
from common.secret import Secret
from vendors.shopify import wire
from vendors.shopify.shops import is_shop
from vendors.shopify.topics import ALL_TOPICS, TOPICS, HookTopic
from vendors.vendor import HookRequest, Subject, Unverified, Verified

SIGNATURE, TOPIC, SHOP = "x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-shop-domain"
WEBHOOK_ID, EVENT_ID = "x-shopify-webhook-id", "x-shopify-event-id"
TRIGGERED_AT, SERVED = "x-shopify-triggered-at", "x-shopify-api-version"


class ShopifyInbox:
    """Verification and subject of a webhook."""

    keeps_headers: tuple[str, ...] = (
        "content-type", SIGNATURE, TOPIC, SHOP, WEBHOOK_ID, EVENT_ID, TRIGGERED_AT, SERVED, "x-shopify-name",
    )  # fmt: skip
    patience = timedelta(seconds=5)

    def greeting(self, request: HookRequest) -> bytes | None:
        """Shopify never validates an address."""
        return None

    def verify(self, request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
        """On the raw bytes, every secret compared, so that the time does not tell which one fits."""
        given = request.headers.get(SIGNATURE, "").strip().encode()
        if not given:
            return Unverified("the signature header is missing")
        pairs = [_shop_and_key(secret) for secret in secrets if secret]
        expected = [(shop, base64.b64encode(hmac.digest(key, request.body, "sha256"))) for shop, key in pairs]
        matches = [shop for shop, one in expected if hmac.compare_digest(one, given)]
        if not matches:
            return Unverified("the signature does not fit")
        if not any(_is_of(shop, request) for shop in matches):
            return Unverified("it is of another shop than the connection that it calls")
        topic = ALL_TOPICS.get(request.headers.get(TOPIC, ""))
        if topic is not None and not fits(topic, request.body):
            return Unverified("the body is not of the form that the topic in the header has")
        return Verified("signature")

    def subject(self, request: HookRequest) -> Subject | None:
        topic = TOPICS.get(request.headers.get(TOPIC, ""))
        return subject_of(topic, request.body) if topic is not None else None


def names_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Under which a delivery comes again: its own id, and what caused it with the topic, as two subscriptions tell of one event.

    Neither is signed, so only the same bytes under the same name are a repeat.
    """
    own, cause = headers.get(WEBHOOK_ID, ""), headers.get(EVENT_ID, "")
    return tuple(([f"delivery {own}"] if own else []) + ([f"{headers.get(TOPIC, '')} {cause}"] if cause else []))


def hook_secret(site: str, secret: Secret) -> Secret:
    """The application's secret as the inbox of one shop's connection gets it: with the shop before it."""
    return Secret(f"{site}:{secret.reveal()}")


def _shop_and_key(secret: bytes) -> tuple[str, bytes]:
    shop, sign, key = secret.partition(b":")
    named = shop.decode("ascii", "replace")
    return (named, key) if sign and is_shop(named) else ("", secret)


def _is_of(shop: str, request: HookRequest) -> bool:
    """Whether header and body agree with the shop; a secret without one belongs to an application of the shop's own."""
    named = {request.headers.get(SHOP, "").lower(), shop_of(request.body) or shop}
    return not shop or named == {shop}


def shop_of(body: bytes) -> str:
    """The shop that a body itself names, under the signature; empty where it names none."""
    try:
        found = wire.body_of(body)
    except wire.UnreadableBody:
        return ""
    host = urlsplit(str(found.get("order_status_url") or "")).hostname or ""
    told = str(found.get("shop_domain") or found.get("myshopify_domain") or "").lower()
    # A shop that sells under a domain of its own shows that one in the address.
    return told or (host if host.endswith(".myshopify.com") else "")


def fits(topic: HookTopic, body: bytes) -> bool:
    """Whether a body can be one of this topic: a header that somebody changed on the way does not make an order a customer."""
    try:
        return topic.has_form(wire.body_of(body))
    except wire.UnreadableBody:
        return False


def subject_of(topic: HookTopic, body: bytes) -> Subject | None:
    """Which record a body is about."""
    try:
        found = wire.body_of(body)
    except wire.UnreadableBody:
        return None
    record = wire.number(_inner(topic, found).get(topic.id_name))
    return Subject(Entity(topic.entity), RecordId(record)) if topic.entity and record else None


def _inner(topic: HookTopic, found: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = found.get(topic.inside) if topic.inside else found
    return inner if isinstance(inner, dict) else {}
