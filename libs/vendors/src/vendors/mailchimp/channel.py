"""The webhooks of a Mailchimp audience (sheet, section 7): two for each, see `subscriptions.py`.

The key that one is signed with is told once, in the answer that makes the webhook, and stored at once. Where it was lost (a crash in that
moment, a vault that was restored) the webhook is deleted and made anew. An account without signing gets an address that ends in a
secret. One that is replaced by one of another address goes only when that one is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from common.contracts.ids import Entity
from common.failures import Failure
from common.http.call import Api, Call
from common.secret import Secret
from vendors.channel import Assistant, Audited, DescribedHook, HookSecrets, HookSubscription
from vendors.mailchimp import wire
from vendors.mailchimp.catalogue import found
from vendors.mailchimp.inbox import PATH_SECRET, UNTOLD
from vendors.mailchimp.subscriptions import KINDS, Hook, HookKind, HookPlan, planned, strays

HOOKS, HOOK = "/lists/{list_id}/webhooks", "/lists/{list_id}/webhooks/{webhook_id}"


class MailchimpChannel:
    """Webhooks of audiences; the subject is the audience."""

    assistant: Assistant | None = None

    def subject(self, entity: Entity, place: str) -> str:
        return place

    def hooks(self, wanted: HookSubscription) -> Sequence[DescribedHook]:
        """Without the secret that an account without signing has in their addresses."""
        return [
            DescribedHook(audience, kind.shown, kind.address(wanted.base))
            for audience in sorted(wanted.subjects)
            for kind in KINDS
        ]

    def heard(self, query: str, body: bytes) -> str:
        return dict(parse_qsl(body.decode("utf-8", "replace"))).get("data[list_id]", "")

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Reads the audiences' webhooks."""
        lacks = list[str]()
        for audience in wanted.subjects:
            ours = await _ours(audience, wanted, api)
            lacks += [plan.lack for plan in await _plans(audience, ours, wanted, secrets) if plan.lack]
        return lacks

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        return (await self.audit(wanted, (), api, secrets)).mended

    async def audit(
        self, wanted: HookSubscription, left: Sequence[str], api: Api, secrets: HookSecrets
    ) -> Audited:  # fmt: skip
        """What nobody needs any more goes last: until both kinds are there the one webhook of former installations tells everything."""
        mended, removed = list[str](), list[str]()
        for audience in wanted.subjects:
            ours = await _ours(audience, wanted, api)
            for plan in await _plans(audience, ours, wanted, secrets):
                await _make(audience, plan, wanted, api, secrets)
                gone = await _delete_all(audience, plan.after, api)
                # One that was replaced is in the words of what was mended.
                removed += [] if plan.lack else gone
                mended += [plan.lack] if plan.lack else []
            removed += await _delete_all(audience, strays(ours), api)
        for audience in left:
            removed += await _delete_all(audience, await _ours_if_there(audience, wanted, api), api)
        return Audited(mended, removed)


async def _plans(audience: str, ours: Sequence[Hook], wanted: HookSubscription, secrets: HookSecrets) -> list[HookPlan]:
    return [planned(kind, ours, wanted.base, await secrets.known(kind.slot(audience))) for kind in KINDS]


async def _ours(audience: str, wanted: HookSubscription, api: Api) -> Sequence[Hook]:
    """The audience's webhooks that call us."""
    call = Call("GET", HOOKS, "webhooks.list", path={"list_id": audience}, query={"count": "1000"})
    listed = wire.document((await found(audience, api, call)).body).get("webhooks") or ()
    return [one for one in listed if wanted.is_ours(str(one.get("url", "")))]


async def _ours_if_there(audience: str, wanted: HookSubscription, api: Api) -> Sequence[Hook]:
    """The webhooks of an audience that is gone are gone with it."""
    try:
        return await _ours(audience, wanted, api)
    except Failure as failure:
        if failure.vendor_status != 404:
            raise
        return ()


async def _make(audience: str, plan: HookPlan, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> None:
    if not plan.lack:
        return
    kind, slot = plan.kind, plan.kind.slot(audience)
    await _delete_all(audience, plan.before, api)
    # The key comes with the answer and with nothing else. Whoever dies before it is stored must not leave a former one that looks valid.
    await secrets.made(slot, UNTOLD.decode())
    made = await _post(audience, kind, kind.address(wanted.base), api)
    if made.get("signing_secret"):
        await secrets.keep(slot, Secret(str(made["signing_secret"])))
        return
    # No signing here: the address itself has to be the proof.
    await _delete_all(audience, [made], api)
    secret = await secrets.made(slot, PATH_SECRET.decode())
    await _post(audience, kind, kind.address(wanted.base, secret), api)


async def _post(audience: str, kind: HookKind, url: str, api: Api) -> Mapping[str, Any]:
    body = {"url": url, **kind.switches}
    call = Call("POST", HOOKS, "webhooks.create", path={"list_id": audience}, json=body, writes=True)
    hooks: Mapping[str, Any] = wire.document((await api.call(call)).body)
    return hooks


async def _delete_all(audience: str, hooks: Sequence[Hook], api: Api) -> list[str]:
    for hook in hooks:
        path = {"list_id": audience, "webhook_id": str(hook["id"])}
        await api.call(Call("DELETE", HOOK, "webhooks.delete", path=path, writes=True))
    return [f"webhook of audience {audience}" for _ in hooks]
