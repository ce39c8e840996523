"""The webhook subscriptions of a shop (sheet, section 3.1), found by the address they call and made anew where the vendor dropped them.

After eight repeats in vain a subscription is deleted and nobody is told. So what is there is asked, and compared with what is wanted: one
subscription a topic, all at one address, as the vendor refuses the same topic and address twice. One of a former address goes only when that of
the present one is there; one that somebody has trimmed stands in the way and goes first. Whoever dies in between finds the rest at the next
audit, and what was not told meanwhile is read by the look that follows whatever was mended.

They are signed with the secret of the application and not with one of their own, so nothing is made or kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.contracts.ids import Entity
from common.failures import Rejected
from common.http.call import Api, VendorAnswer
from vendors.answers import reading
from vendors.channel import Assistant, Audited, DescribedHook, HookSecrets, HookSubscription
from vendors.shopify import queries, versions, wire
from vendors.shopify.client import asked, changed, told
from vendors.shopify.errors import SH_HOOK_REFUSED
from vendors.shopify.topics import SUBSCRIBED, TOPICS, HookTopic

_TAKEN = "already been taken"
Hook = Mapping[str, Any]


class ShopifyChannel:
    """Subscriptions by topic; the subject is the kind of record."""

    assistant: Assistant | None = None

    def subject(self, entity: Entity, place: str) -> str:
        return entity

    def hooks(self, wanted: HookSubscription) -> Sequence[DescribedHook]:
        return [
            DescribedHook(topic.entity or wanted.subjects[0], path, wanted.base)
            for path, topic in SUBSCRIBED.items()
            if _is_needed(topic, wanted)
        ]

    def heard(self, query: str, body: bytes) -> str:
        """By the form of the body; one of a deletion holds an id and nothing else, and could be of either."""
        try:
            found = wire.body_of(body)
        except wire.UnreadableBody:
            return ""
        return next((one.entity for one in TOPICS.values() if not one.gone and one.has_form(found)), "")

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        listed = await api.call(asked(queries.HOOKS, "webhooks.list"))
        return [_words(topic) for topic in _lacking(wanted, _ours(wanted, listed))]

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        return (await self.audit(wanted, (), api, secrets)).mended

    async def audit(
        self, wanted: HookSubscription, left: Sequence[str], api: Api, secrets: HookSecrets
    ) -> Audited:  # fmt: skip
        """What replaces a former address is in the words of what was mended; whatever else goes is removed."""
        listed = await api.call(asked(queries.HOOKS, "webhooks.list"))
        ours = _ours(wanted, listed)
        lacking, superfluous = _lacking(wanted, ours), _superfluous(wanted, ours)
        mended, removed = {topic.api_name for topic in lacking}, list[str]()
        # One that stands in the place of ours has to go first.
        in_the_way = [hook for hook in superfluous if hook["uri"] == wanted.base]
        for hook in in_the_way:
            await _delete(str(hook["id"]), api)
        for topic in lacking:
            await _make(topic, wanted.base, api)
        for hook in superfluous:
            if hook not in in_the_way:
                await _delete(str(hook["id"]), api)
            removed += [] if hook["topic"] in mended else [str(hook["topic"])]
        notices = versions.of_answer(listed.headers.get(versions.SERVED, ""), listed.date)
        return Audited([_words(topic) for topic in lacking], removed, notices, versions.KINDS)


def _words(topic: HookTopic) -> str:
    return f"the webhook {topic.api_name}"


def _needed(wanted: HookSubscription) -> list[HookTopic]:
    return [topic for topic in SUBSCRIBED.values() if _is_needed(topic, wanted)]


def _is_needed(topic: HookTopic, wanted: HookSubscription) -> bool:
    """Whoever wants to hear anything of a shop has to hear that it let us out."""
    return topic.entity in wanted.subjects if topic.entity else bool(wanted.subjects)


def _lacking(wanted: HookSubscription, ours: Iterable[Hook]) -> list[HookTopic]:
    there = {hook["topic"] for hook in ours if _is_right(hook, wanted)}
    return [topic for topic in _needed(wanted) if topic.api_name not in there]


def _is_right(hook: Hook, wanted: HookSubscription) -> bool:
    """A subscription that trims or filters what it tells would hide changes."""
    whole = not hook.get("filter") and not hook.get("includeFields") and hook.get("format") == "JSON"
    return whole and hook.get("uri") == wanted.base


def _superfluous(wanted: HookSubscription, ours: Sequence[Hook]) -> list[Hook]:
    """Whatever calls us for nothing: of a topic or an address that is not wanted, or trimmed by somebody."""
    needed = {topic.api_name for topic in _needed(wanted)}
    return [hook for hook in ours if hook["topic"] not in needed or not _is_right(hook, wanted)]


def _ours(wanted: HookSubscription, answer: VendorAnswer) -> list[Hook]:
    """All of this application's subscriptions that lead to this connection; a page holds as many as there can be topics."""
    with reading(answer):
        listed = wire.rows(told(answer)["webhookSubscriptions"])
        return [one for one in listed if wanted.is_ours(str(one["uri"]))]


async def _make(topic: HookTopic, address: str, api: Api) -> None:
    """Made twice it is there once: the vendor refuses the second, which is what we want."""
    answer = await api.call(changed(queries.HOOK_CREATE, "webhooks.create", topic=topic.api_name, uri=address))
    _judge(told(answer).get("webhookSubscriptionCreate"), but=_TAKEN)


async def _delete(hook: str, api: Api) -> None:
    """Deleted twice it is gone once."""
    answer = await api.call(changed(queries.HOOK_DELETE, "webhooks.delete", id=hook))
    _judge(told(answer).get("webhookSubscriptionDelete"), but="does not exist")


def _judge(result: Any, but: str) -> None:
    """What the vendor refuses is told in its own words."""
    words = [str(one.get("message", "")) for one in wire.rows((result or {}).get("userErrors"))]
    refused = [one for one in words if but not in one]
    if refused or not isinstance(result, dict):
        raise Rejected(SH_HOOK_REFUSED.name, SH_HOOK_REFUSED.meaning, vendor_words=" | ".join(refused)[:300])
