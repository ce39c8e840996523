"""The webhook of a Mailchimp audience (sheet, section 7): one for each audience, with everything it can tell.

The key it is signed with is told once, in the answer that makes the webhook, and stored at once. Where it was lost (a crash in that
moment, a vault that was restored) the webhook is deleted and made anew. An account without signing gets an address that ends in a
secret. Our own writes come back as events (`api` is on): they tell what became of a member when nobody saw the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.http.call import Api, Call
from common.secret import Secret
from vendors.channel import HookSecrets, HookSubscription
from vendors.mailchimp import wire
from vendors.mailchimp.catalogue import found
from vendors.mailchimp.inbox import PATH_SECRET

HOOKS, HOOK = "/lists/{list_id}/webhooks", "/lists/{list_id}/webhooks/{webhook_id}"
EVENTS = dict.fromkeys(("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"), True)
SOURCES = dict.fromkeys(("user", "admin", "api"), True)
_PATH = PATH_SECRET.decode()


class MailchimpChannel:
    """Webhooks of audiences; the subject is the audience."""

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Reads the audience's webhooks."""
        hook, _ = await _there(wanted, api)
        return _lacks(wanted, hook, await secrets.known(slot(wanted.subject)))

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """One webhook: the vendor refuses a second one of the same address, and one that moved is made anew with a new key."""
        hook, more = await _there(wanted, api)
        lacks = _lacks(wanted, hook, await secrets.known(slot(wanted.subject)))
        for one in [*more, *([hook] if hook is not None and lacks else ())]:
            await _delete(wanted.subject, str(one["id"]), api)
        if lacks:
            await _create(wanted, api, secrets)
        return lacks


def slot(audience: str) -> str:
    """Each audience's webhook has a key of its own."""
    return f"audience-{re.sub(r'[^A-Za-z0-9_-]', '', audience)}"[:64]


def _lacks(wanted: HookSubscription, hook: Mapping[str, Any] | None, secret: Secret | None) -> list[str]:
    if hook is None:
        return ["webhook of the audience"]
    if secret is None:
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


async def _there(wanted: HookSubscription, api: Api) -> tuple[Mapping[str, Any] | None, Sequence[Mapping[str, Any]]]:
    """The audience's webhook that calls us, and further ones that do so too."""
    call = Call("GET", HOOKS, "webhooks.list", path={"list_id": wanted.subject}, query={"count": "1000"})
    listed = wire.document((await found(wanted.subject, api, call)).body).get("webhooks") or ()
    ours = [one for one in listed if wanted.is_ours(str(one.get("url", "")))]
    return (ours[0] if ours else None), ours[1:]


async def _create(wanted: HookSubscription, api: Api, secrets: HookSecrets) -> None:
    made = await _post(wanted, wanted.base, api)
    if made.get("signing_secret"):
        await secrets.keep(slot(wanted.subject), Secret(str(made["signing_secret"])))
        return
    # No signing here: the address itself has to be the proof.
    await _delete(wanted.subject, str(made["id"]), api)
    secret = await secrets.made(slot(wanted.subject), _PATH)
    await _post(wanted, _url(wanted, secret), api)


async def _post(wanted: HookSubscription, url: str, api: Api) -> Mapping[str, Any]:
    body = {"url": url, "events": EVENTS, "sources": SOURCES}
    call = Call("POST", HOOKS, "webhooks.create", path={"list_id": wanted.subject}, json=body, writes=True)
    hooks: Mapping[str, Any] = wire.document((await api.call(call)).body)
    return hooks


async def _delete(audience: str, hook: str, api: Api) -> None:
    path = {"list_id": audience, "webhook_id": hook}
    await api.call(Call("DELETE", HOOK, "webhooks.delete", path=path, writes=True))
