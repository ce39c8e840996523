"""Webhooks of Zoho Books (sheet, section 7): one webhook and one workflow rule for each event, because a body does not tell its event.

What is there is found by the address it calls. A webhook whose secret we do not know any more gets a new one; a rule that somebody
switched off is switched on; an address that moved is corrected. Nothing is ever made twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from common.http.call import Api, Call
from common.secret import Secret
from vendors.channel import HookSecrets, HookSubscription
from vendors.zoho_books import wire

SLOT = "default"
# Our event, and the rule that tells of it.
EVENTS: Mapping[str, str] = {"created": "add", "edited": "edit", "deleted": "delete"}
# Our entity, and the module that the vendor's settings name.
MODULES: Mapping[str, str] = {"customer": "contact", "invoice": "invoice", "payment": "customer_payment"}
HOOKS, RULES = "/settings/webhooks", "/settings/workflows"
_MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class _There:
    """What the vendor has for one event."""

    event: str
    url: str
    hook: Mapping[str, Any] | None
    rule: Mapping[str, Any] | None

    @property
    def lacks(self) -> list[str]:
        """What is missing, in words."""
        words = [] if self.hook is not None else [f"webhook for {self.event}"]
        if self.hook is not None and self.hook["url"] != self.url:
            words.append(f"address of the webhook for {self.event}")
        if self.rule is None:
            words.append(f"workflow rule for {self.event}")
        elif not self.rule.get("is_active", True):
            words.append(f"workflow rule for {self.event} is switched off")
        return words


class ZohoBooksChannel:
    """Webhooks and workflow rules of one organisation."""

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Reads both lists: a connection without the settings scope fails here, before anything is made."""
        lacks = [words for one in await _there(wanted, api) for words in one.lacks]
        return lacks if await secrets.known(SLOT) else [*lacks, "secret of the webhooks"]

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Each step can be repeated: a crash in between leaves a webhook without a rule, which the next call finds."""
        there = await _there(wanted, api)
        known = await secrets.known(SLOT)
        secret = known or await secrets.made(SLOT)
        done = []
        for one in there:
            lacks = one.lacks
            if one.hook is not None and known is None:
                lacks.append(f"secret of the webhook for {one.event}")
            if lacks:
                hook = await _hook(one, wanted, api, secret, rekey=known is None)
                await _rule(one, wanted, api, hook)
                done += lacks
        return done


async def _there(wanted: HookSubscription, api: Api) -> list[_There]:
    hooks = [h async for h in _all(api, HOOKS, "webhooks") if wanted.is_ours(str(h.get("url", "")))]
    rules = [r async for r in _all(api, RULES, "workflows")]
    found = []
    for event in EVENTS:
        url = f"{wanted.base}?{urlencode({'entity': MODULES[wanted.subject], 'event': event})}"
        hook = next((h for h in hooks if _asks(h["url"]) == _asks(url)), None)
        rule = next((r for r in rules if hook is not None and _runs(r, str(hook["webhook_id"]))), None)
        found.append(_There(event, url, hook, rule))
    return found


async def _all(api: Api, path: str, key: str) -> AsyncIterator[Mapping[str, Any]]:
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


def _runs(rule: Mapping[str, Any], hook: str) -> bool:
    actions = rule.get("instant_actions") or ()
    return any(one.get("action_type") == "webhook" and str(one.get("action_id")) == hook for one in actions)


async def _hook(one: _There, wanted: HookSubscription, api: Api, secret: Secret, *, rekey: bool) -> str:
    """The webhook's id, once it is as wanted."""
    body: dict[str, Any] = {
        "webhook_name": f"Millrace {MODULES[wanted.subject]} {one.event}",
        "description": "Kept by Millrace; made again when it is deleted.",
        "entity": MODULES[wanted.subject],
        "method": "POST",
        "url": one.url,
        "secret": secret.reveal(),
    }
    if one.hook is None:
        answer = await api.call(Call("POST", HOOKS, "webhooks.create", json=body, writes=True))
        return str(wire.body_of(answer.body)["webhook"]["webhook_id"])
    hook = str(one.hook["webhook_id"])
    if rekey or one.hook["url"] != one.url:
        path = {"id": hook}
        await api.call(Call("PUT", f"{HOOKS}/{{id}}", "webhooks.update", path=path, json=body, writes=True))
    return hook


async def _rule(one: _There, wanted: HookSubscription, api: Api, hook: str) -> None:
    if one.rule is None:
        body = {
            "workflow_name": f"Millrace {MODULES[wanted.subject]} {one.event}",
            "description": "Kept by Millrace; made again when it is deleted.",
            "entity": MODULES[wanted.subject],
            "rule_type": EVENTS[one.event],
            "instant_actions": [{"action_type": "webhook", "action_id": hook}],
        }
        await api.call(Call("POST", RULES, "workflows.create", json=body, writes=True))
    elif not one.rule.get("is_active", True):
        path = {"id": str(one.rule["workflow_id"])}
        await api.call(Call("POST", f"{RULES}/{{id}}/active", "workflows.activate", path=path, writes=True))
