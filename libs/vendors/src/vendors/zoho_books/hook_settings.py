"""What an organisation of Zoho Books has of our webhooks and of its workflow rules, held against what is wanted (sheet, section 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from common.http.call import Api, Call
from vendors.channel import HookSubscription
from vendors.zoho_books import wire

# Our event, and the rule that tells of it.
EVENTS: Mapping[str, str] = {"created": "add", "edited": "edit", "deleted": "delete"}
# Our entity, and the module that the vendor's settings name.
MODULES: Mapping[str, str] = {
    "customer": "contact",
    "invoice": "invoice",
    "payment": "customer_payment",
    "bill": "bill",
    "purchase_order": "purchaseorder",
}
HOOKS, RULES = "/settings/webhooks", "/settings/workflows"
_MOST_PAGES = 20

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WantedEvent:
    """What the vendor has for one event of one kind of records."""

    subject: str
    event: str
    url: str
    hook: Row | None
    rule: Row | None

    @property
    def name(self) -> str:
        return f"{self.subject} {self.event}"

    @property
    def module(self) -> str:
        return MODULES[self.subject]

    @property
    def has_moved(self) -> bool:
        return self.hook is not None and self.hook["url"] != self.url

    @property
    def is_open(self) -> bool:
        """Somebody took its secret away: nothing that it sends is believed."""
        return self.hook is not None and self.hook.get("is_secure") is False

    @property
    def is_off(self) -> bool:
        return self.rule is not None and not self.rule.get("is_active", True)

    @property
    def lacks(self) -> list[str]:
        """What is missing, in words."""
        found = {
            "webhook": self.hook is None,
            "address of the webhook": self.has_moved,
            "secret of the webhook": self.is_open,
            "workflow rule": self.rule is None,
            "switched off: workflow rule": self.is_off,
        }
        return [f"{what} for {self.name}" for what, is_so in found.items() if is_so]


@dataclass(frozen=True, slots=True)
class HookSettings:
    """The webhooks that call a connection's address, and all workflow rules."""

    wanted: Sequence[WantedEvent]
    superfluous: Sequence[Row]
    rules: Sequence[Row]

    def rules_of(self, hook: str) -> list[Row]:
        """The rules that run a webhook."""
        return [rule for rule in self.rules if _runs(rule, hook)]


async def read(wanted: HookSubscription, api: Api) -> HookSettings:
    """Both lists, once, whatever is wanted."""
    hooks = [hook async for hook in _all(api, HOOKS, "webhooks") if wanted.is_ours(str(hook.get("url", "")))]
    rules = [rule async for rule in _all(api, RULES, "workflows")]
    events = [
        _event(subject, event, wanted, hooks, rules) for subject in sorted(wanted.subjects) for event in EVENTS
    ]  # fmt: skip
    chosen = [str(one.hook["webhook_id"]) for one in events if one.hook is not None]
    return HookSettings(events, [hook for hook in hooks if str(hook["webhook_id"]) not in chosen], rules)


def address(wanted: HookSubscription, subject: str, event: str) -> str:
    """With what a body does not tell."""
    return f"{wanted.base}?{urlencode({'entity': MODULES[subject], 'event': event})}"


def _event(
    subject: str, event: str, wanted: HookSubscription, hooks: Sequence[Row], rules: Sequence[Row]
) -> WantedEvent:
    """Of several webhooks for one event, the one that works."""
    url = address(wanted, subject, event)
    fitting = [
        WantedEvent(subject, event, url, hook, next((r for r in rules if _runs(r, str(hook["webhook_id"]))), None))
        for hook in hooks
        if _asks(hook["url"]) == _asks(url)
    ]
    return min(fitting, key=lambda one: len(one.lacks), default=WantedEvent(subject, event, url, None, None))


async def _all(api: Api, path: str, key: str) -> AsyncIterator[Row]:
    for page in range(1, _MOST_PAGES + 1):
        query = {"page": str(page), "per_page": "200"}
        listed = wire.body_of((await api.call(Call("GET", path, f"{key}.list", query=query))).body)
        for one in listed.get(key) or ():
            yield one
        if not (listed.get("page_context") or {}).get("has_more_page"):
            return


def _asks(url: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(url).query)
    return query.get("entity", [""])[0], query.get("event", [""])[0]


def _runs(rule: Row, hook: str) -> bool:
    actions = rule.get("instant_actions") or ()
    return any(one.get("action_type") == "webhook" and str(one.get("action_id")) == hook for one in actions)
