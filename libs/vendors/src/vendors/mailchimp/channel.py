"""The webhook of a Mailchimp audience (sheet, section 7): one for each audience, with everything it can tell.

The key it is signed with is told once, in the answer that makes the webhook, and stored at once. Where it was lost (a crash in that
moment, a vault that was restored) the webhook is deleted and made anew. An account without signing gets an address that ends in a
secret. Our own writes come back as events (`api` is on): they tell what became of a member when nobody saw the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from common.contracts.ids import Entity
from common.failures import Failure
from common.http.call import Api, Call
from common.secret import Secret
from vendors.channel import Assistant, Audited, HookSecrets, HookSubscription
from vendors.mailchimp import wire
from vendors.mailchimp.catalogue import found
from vendors.mailchimp.inbox import PATH_SECRET

HOOKS, HOOK = "/lists/{list_id}/webhooks", "/lists/{list_id}/webhooks/{webhook_id}"
EVENTS = dict.fromkeys(("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"), True)
SOURCES = dict.fromkeys(("user", "admin", "api"), True)
_PATH = PATH_SECRET.decode()
# Stands where a key will be, until the vendor has told it.
_UNTOLD = "untold:"


class MailchimpChannel:
    """Webhooks of audiences; the subject is the audience."""

    assistant: Assistant | None = None

    def subject(self, entity: Entity, place: str) -> str:
        return place

    def heard(self, query: str, body: bytes) -> str:
        return dict(parse_qsl(body.decode("utf-8", "replace"))).get("data[list_id]", "")

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Reads the audiences' webhooks."""
        lacks = list[str]()
        for audience in wanted.subjects:
            ours = await _ours(audience, wanted, api)
            lacks += _lacks(wanted, ours[0] if ours else None, await secrets.known(slot(audience)))
        return lacks

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        return (await self.audit(wanted, (), api, secrets)).mended

    async def audit(
        self, wanted: HookSubscription, left: Sequence[str], api: Api, secrets: HookSecrets
    ) -> Audited:  # fmt: skip
        """One webhook an audience: the vendor refuses a second one of the same address, and one that moved is made anew with a new key."""
        mended, removed = list[str](), list[str]()
        for audience in wanted.subjects:
            ours = await _ours(audience, wanted, api)
            lacks = _lacks(wanted, ours[0] if ours else None, await secrets.known(slot(audience)))
            removed += await _delete_all(audience, ours[1:], api)
            await _delete_all(audience, ours[:1] if lacks else (), api)
            if lacks:
                await _create(audience, wanted, api, secrets)
            mended += lacks
        for audience in left:
            removed += await _delete_all(audience, await _ours_if_there(audience, wanted, api), api)
        return Audited(mended, removed)


def slot(audience: str) -> str:
    """Each audience's webhook has a key of its own."""
    return f"audience-{re.sub(r'[^A-Za-z0-9_-]', '', audience)}"[:64]


def _lacks(wanted: HookSubscription, hook: Mapping[str, Any] | None, secret: Secret | None) -> list[str]:
    if hook is None:
        return ["webhook of the audience"]
    if secret is None or secret.reveal().startswith(_UNTOLD):
        return ["key of the audience's webhook"]
    if hook["url"] != _url(wanted, secret):
        return ["address of the audience's webhook"]
    if hook.get("events") != EVENTS or hook.get("sources") != SOURCES:
        return ["events of the audience's webhook"]
    return []


def _url(wanted: HookSubscription, secret: Secret) -> str:
    """With a secret at its end where the vendor does not sign."""
    text = secret.reveal()
    return f"{wanted.base}/{text.removeprefix(_PATH)}" if text.startswith(_PATH) else wanted.base


async def _ours(audience: str, wanted: HookSubscription, api: Api) -> Sequence[Mapping[str, Any]]:
    """The audience's webhooks that call us: one is enough."""
    call = Call("GET", HOOKS, "webhooks.list", path={"list_id": audience}, query={"count": "1000"})
    listed = wire.document((await found(audience, api, call)).body).get("webhooks") or ()
    return [one for one in listed if wanted.is_ours(str(one.get("url", "")))]


async def _ours_if_there(audience: str, wanted: HookSubscription, api: Api) -> Sequence[Mapping[str, Any]]:
    """The webhooks of an audience that is gone are gone with it."""
    try:
        return await _ours(audience, wanted, api)
    except Failure as failure:
        if failure.vendor_status != 404:
            raise
        return ()


async def _create(audience: str, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> None:
    # The key comes with the answer and with nothing else. Whoever dies before it is stored must not leave a former one that looks valid.
    await secrets.made(slot(audience), _UNTOLD)
    made = await _post(audience, wanted.base, api)
    if made.get("signing_secret"):
        await secrets.keep(slot(audience), Secret(str(made["signing_secret"])))
        return
    # No signing here: the address itself has to be the proof.
    await _delete_all(audience, [made], api)
    secret = await secrets.made(slot(audience), _PATH)
    await _post(audience, _url(wanted, secret), api)


async def _post(audience: str, url: str, api: Api) -> Mapping[str, Any]:
    body = {"url": url, "events": EVENTS, "sources": SOURCES}
    call = Call("POST", HOOKS, "webhooks.create", path={"list_id": audience}, json=body, writes=True)
    hooks: Mapping[str, Any] = wire.document((await api.call(call)).body)
    return hooks


async def _delete_all(audience: str, hooks: Sequence[Mapping[str, Any]], api: Api) -> list[str]:
    for hook in hooks:
        path = {"list_id": audience, "webhook_id": str(hook["id"])}
        await api.call(Call("DELETE", HOOK, "webhooks.delete", path=path, writes=True))
    return [f"webhook of audience {audience}" for _ in hooks]
