"""Messages to hooks: how they are sent, tried again, signed at each attempt, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl

import orjson

from sandbox.delivery import Attempt, Delivery
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.call import Sendable
from sandbox.mailchimp.hook import Hook
from sandbox.mailchimp.mandrill import FIELD, TEST_KEY, signed
from sandbox.mailchimp.signatures import audience_signature

VENDOR = "mailchimp"
GONE = 410
ANSWER_WITHIN_S = 10.0
# Growing waits, 75 minutes in all; the vendor names the sum and not the steps.
SCHEDULE = (0.0, 60.0, 180.0, 420.0, 900.0, 1140.0, 1800.0)
FORM = {"content-type": "application/x-www-form-urlencoded"}
AGENTS = {"audience": "MailChimp.com", "batch": "MailChimp.com", "mandrill": "Mandrill-Webhook/1.0"}


def delivery_of(account: str, message: Sendable) -> Delivery:
    head = message.kind == "mandrill-head"
    kind = "mandrill" if head else message.kind
    once = head or message.topic == TEST_KEY
    return Delivery(
        vendor=VENDOR,
        account=account,
        hook_id=message.hook_id,
        url=message.url,
        method="HEAD" if head else "POST",
        headers={"user-agent": AGENTS[kind]} | ({} if head else FORM),
        body=message.body,
        schedule=SCHEDULE[:1] if once else SCHEDULE,
        timeout_s=ANSWER_WITHIN_S,
        topic=message.topic,
        context=message.kind,
    )


def validation(account: str, url: str) -> Delivery:
    """The check of an address before a hook is accepted: a GET, nothing else."""
    agent = {"user-agent": "MailChimp.com WebHook Validator"}
    return Delivery(VENDOR, account, "", url, "GET", agent, b"", SCHEDULE[:1], ANSWER_WITHIN_S, "validation")


def stamped(account: Account, delivery: Delivery, now: datetime) -> Delivery:
    """The delivery as it goes out now: a signature carries the time, and an old one would be refused."""
    if delivery.context == "audience":
        hook = hook_of(account, delivery.hook_id)
        if hook is None or not hook.secret:
            return delivery
        signature = audience_signature(hook.secret, int(now.timestamp()), delivery.body)
        return with_header(delivery, {"x-mailchimp-signature": signature})
    mandrill = account.mandrill_hooks.get(int(delivery.hook_id)) if delivery.context == "mandrill" else None
    if mandrill is None:
        return delivery
    events = orjson.loads(dict(parse_qsl(delivery.body.decode()))[FIELD])
    return with_header(delivery, signed(mandrill, events, TEST_KEY if delivery.topic == TEST_KEY else ""))


def with_header(delivery: Delivery, header: Mapping[str, str]) -> Delivery:
    return replace(delivery, headers={**delivery.headers, **header})


def hook_of(account: Account, hook_id: str) -> Hook | None:
    return next((found.hooks[hook_id] for found in account.audiences.values() if hook_id in found.hooks), None)


def tries_again(account: Account, delivery: Delivery, attempt: Attempt) -> bool:
    """Whether the schedule goes on; 410 disables an audience's hook at once."""
    if delivery.context != "audience":
        return delivery.context != ""
    hook = hook_of(account, delivery.hook_id)
    if hook is not None and attempt.status == GONE:
        hook.enabled = False
    return hook is not None and hook.enabled
