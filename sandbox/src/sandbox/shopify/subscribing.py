"""Subscriptions made, changed and deleted by their application."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sandbox.shopify.call import Call, Document, Refusal, number_of
from sandbox.shopify.subscription import Subscription

NAME = re.compile(r"[A-Za-z0-9_-]{1,50}\Z")
INPUT = "webhookSubscription"


def created(call: Call, topic: str, given: Document) -> Subscription:
    uri = given.get("uri") or given.get("callback_url")
    check(call, uri, given.get("name"))
    assert uri is not None
    if any((one.app, one.topic, one.uri) == (call.caller.app.key, topic, uri) for one in call.shop.hooks.values()):
        raise Refusal("Address for this topic has already been taken", INPUT, "callbackUrl")
    version = call.version if call.world.switches.hook_version == "url" else call.caller.app.api_version
    hook = Subscription(call.shop.new_id(), call.caller.app.key, topic, uri, call.now, call.now, version)
    fill(hook, given)
    call.shop.hooks[hook.legacy_resource_id] = hook
    call.note("webhook_subscription", hook.legacy_resource_id, "create")
    return hook


def changed(call: Call, hook: Subscription, given: Document) -> Subscription:
    uri = given.get("uri") or given.get("callback_url") or hook.uri
    check(call, uri, given.get("name"))
    hook.uri, hook.updated_at = uri, call.now
    fill(hook, given)
    call.note("webhook_subscription", hook.legacy_resource_id, "update")
    return hook


def removed(call: Call, given: str) -> Subscription:
    hook = own(call, given)
    del call.shop.hooks[hook.legacy_resource_id]
    call.note("webhook_subscription", hook.legacy_resource_id, "delete")
    return hook


def own(call: Call, given: str) -> Subscription:
    hook = call.shop.hooks.get(number_of(given, "WebhookSubscription"))
    if hook is None or hook.app != call.caller.app.key:
        raise Refusal("Webhook subscription does not exist", "id")
    return hook


def fill(hook: Subscription, given: Document) -> None:
    hook.format = given.get("format") or hook.format
    for name in ("filter", "name"):
        if name in given:
            setattr(hook, name, given[name])
    hook.include_fields = list(given.get("include_fields") or hook.include_fields)
    hook.metafield_namespaces = list(given.get("metafield_namespaces") or hook.metafield_namespaces)


def check(call: Call, uri: str | None, name: str | None) -> None:
    if not uri:
        raise Refusal("Address can't be blank", INPUT, "callbackUrl")
    if name is not None and not NAME.match(name):
        raise Refusal("Name is invalid", INPUT, "name")
    strict = call.world.switches.hook_addresses == "public"
    if reason := unfit(uri, strict=strict):
        raise Refusal(f"Address {reason}", INPUT, "callbackUrl")


def unfit(uri: str, *, strict: bool) -> str:
    """What is wrong with an address; what lies in this machine or at the vendor's is refused when it is strict."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "is invalid"
    if parts.scheme not in ("http", "https") or not host:
        return "is invalid"
    if not strict:
        return ""
    if parts.scheme != "https":
        return "protocol http:// is not supported"
    inside = host in ("localhost", "127.0.0.1", "::1") or host.endswith((".internal", ".myshopify.com", ".shopify.com"))
    return "is not allowed" if inside else ""
