"""From a change to a webhook: which rules fire, what is sent, what its history says (sheet, section 7).

Messages are put in the queue at the moment of the change, in the order of the changes; the core sends them later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

from sandbox.delivery import Attempt, Delivery
from sandbox.zoho_books.call import Call, Change
from sandbox.zoho_books.hook_api import MODULES
from sandbox.zoho_books.hooks import FORM_BODY, Hook, HookHistory, compose, signature
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.switches import Switches
from sandbox.zoho_books.wire import Document

VENDOR = "zoho-books"
KEPT_HISTORIES = 10_000
TIMEOUT_S = 15.0  # Books says nothing; the sister product waits so long


class Sends(Protocol):
    """The core's delivery queue."""

    def send(self, delivery: Delivery) -> str: ...


class Dispatch:
    """Runs workflow rules after a call, and after what people did."""

    def __init__(self, queue: Sends) -> None:
        self._queue = queue

    def run(self, call: Call) -> None:
        self.tell(call.org, call.switches, call.changes, call.now)
        for history in call.resends:
            self._resend(call, history)

    def tell(self, org: Organisation, switches: Switches, changes: Iterable[Change], now: int) -> None:
        for change in changes:
            for hook in _fired(org, change):
                self._send(org, switches, hook, change, now)

    def _send(self, org: Organisation, switches: Switches, hook: Hook, change: Change, now: int) -> None:
        """Beyond the day's quota nothing is sent, and nothing tells of it."""
        if not self._has_quota(org, switches, now):
            return
        message = compose(hook, _told(org, switches, change))
        history = HookHistory(
            org.new_id(), hook.id, change.entity, change.id, now, message.url, message.method, message.body
        )
        org.histories[history.id] = history
        while len(org.histories) > KEPT_HISTORIES:
            del org.histories[next(iter(org.histories))]
        schedule = (0.0, *switches.hook_retries_s)
        self._queue.send(
            Delivery(
                VENDOR, org.account, hook.id, message.url, message.method, message.headers, message.body,
                schedule, TIMEOUT_S, f"{change.entity}.{change.trigger}", history.id,
            )
        )  # fmt: skip

    @staticmethod
    def _has_quota(org: Organisation, switches: Switches, now: int) -> bool:
        today = org.today(now)
        sent = org.hooks_sent.get(today, 0)
        if sent >= switches.hooks_per_day:
            return False
        org.hooks_sent = {today: sent + 1}
        return True

    def _resend(self, call: Call, history: HookHistory) -> None:
        """The same bytes again, signed anew with the hook's present secret."""
        hook = call.org.hooks.get(history.hook_id)
        if hook is None or not self._has_quota(call.org, call.switches, call.now):
            return
        headers = compose(hook, {}).headers
        if hook.secret:
            headers["X-Zoho-Webhook-Signature"] = resigned(hook, history)
        self._queue.send(
            Delivery(
                VENDOR, call.org.account, hook.id, history.url, history.method, headers, history.body,
                (0.0,), TIMEOUT_S, f"{history.entity}.resent", history.id,
            )
        )  # fmt: skip

    @staticmethod
    def delivered(org: Organisation, delivery: Delivery, attempt: Attempt) -> bool:
        history = org.histories.get(delivery.context)
        if history is not None:
            history.attempts += 1
            history.http_status = attempt.status
            history.status = "success" if 200 <= attempt.status < 300 else "failed"
        return True


def _fired(org: Organisation, change: Change) -> list[Hook]:
    """The hooks of the rules this change sets off, in the rules' order."""
    rules = [
        rule for rule in org.rules.values()
        if MODULES.get(rule.entity) == change.entity and rule.fires(rule.entity, change.trigger, change.changed)
    ]  # fmt: skip
    return [org.hooks[hook_id] for rule in rules for hook_id in rule.hook_ids if hook_id in org.hooks]


def _told(org: Organisation, switches: Switches, change: Change) -> Document:
    if switches.hooks_name_organization:
        return {"organization_id": org.id} | change.document
    return change.document


def resigned(hook: Hook, history: HookHistory) -> str:
    return signature(hook.secret, urlsplit(history.url).query, hook.body_type == FORM_BODY, history.body)
