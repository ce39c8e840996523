"""Webhooks of Zoho Books (sheet, section 7): one webhook and one workflow rule for each event, because a body does not tell its event.

What is there is found by the address it calls. A webhook whose secret we do not know any more, or that has none, gets a new one; a rule
that somebody switched off is switched on; an address that moved is corrected. Nothing is ever made twice, and what an answer that
nobody saw has made twice is removed by the next audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.contracts.ids import Entity
from common.http.call import Api, Call
from common.secret import Secret
from vendors.channel import Assistant, Audited, DescribedHook, HookSecrets, HookSubscription
from vendors.zoho_books import wire
from vendors.zoho_books.errors import ZB_NO_ACCESS
from vendors.zoho_books.hook_settings import EVENTS, HOOKS, MODULES, RULES, HookSettings, WantedEvent, address, read

SLOT = "default"


class ZohoBooksAssistant:
    """Workflow rules belong to the larger plans; where the vendor refuses them to us, the organisation's people may have other ways."""

    codes = frozenset({ZB_NO_ACCESS.name})
    slot = SLOT


class ZohoBooksChannel:
    """Webhooks and workflow rules of one organisation; the subject is the kind of record."""

    assistant: Assistant | None = ZohoBooksAssistant()

    def subject(self, entity: Entity, place: str) -> str:
        # A contact person is told by the webhooks of its customer.
        entity = Entity("customer") if entity == "person" else entity
        return entity if entity in MODULES else ""

    def hooks(self, wanted: HookSubscription) -> Sequence[DescribedHook]:
        return [
            DescribedHook(subject, f"{MODULES[subject]}: {event}", address(wanted, subject, event))
            for subject in sorted(wanted.subjects)
            for event in EVENTS
        ]

    def heard(self, query: str, body: bytes) -> str:
        module = next((value for name, value in wire.pairs_of(query) if name == "entity" and value), "")
        return next((entity for entity, known in MODULES.items() if known == module), "")

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Reads both lists: a connection without the settings scope fails here, before anything is made."""
        there = await read(wanted, api)
        lacks = [words for one in there.wanted for words in one.lacks]
        return lacks if await secrets.known(SLOT) else [*lacks, "secret of the webhooks"]

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        """Each step can be repeated: a crash in between leaves a webhook without a rule, which the next call finds."""
        return await _mend(await read(wanted, api), api, secrets)

    async def audit(
        self, wanted: HookSubscription, left: Sequence[str], api: Api, secrets: HookSecrets
    ) -> Audited:  # fmt: skip
        there = await read(wanted, api)
        mended = await _mend(there, api, secrets)
        removed = [words for hook in there.superfluous for words in await _remove(hook, there, api)]
        return Audited(mended, removed)


async def _mend(there: HookSettings, api: Api, secrets: HookSecrets) -> list[str]:
    if not there.wanted:
        return []
    known = await secrets.known(SLOT)
    secret = known or await secrets.made(SLOT)
    done = []
    for one in there.wanted:
        lacks = one.lacks
        if one.hook is not None and known is None:
            lacks.append(f"secret of the webhook for {one.name}")
        if lacks:
            hook = await _hook(one, api, secret, rekey=known is None)
            await _rule(one, api, hook)
            done += lacks
    return done


async def _hook(one: WantedEvent, api: Api, secret: Secret, *, rekey: bool) -> str:
    """The webhook's id, once it is as wanted."""
    body: dict[str, Any] = {
        "webhook_name": f"Millrace {one.module} {one.event}",
        "description": "Kept by Millrace; made again when it is deleted.",
        "entity": one.module,
        "method": "POST",
        "url": one.url,
        "secret": secret.reveal(),
    }
    if one.hook is None:
        answer = await api.call(Call("POST", HOOKS, "webhooks.create", json=body, writes=True))
        return str(wire.body_of(answer.body)["webhook"]["webhook_id"])
    hook = str(one.hook["webhook_id"])
    if rekey or one.has_moved or one.is_open:
        path = {"id": hook}
        await api.call(Call("PUT", f"{HOOKS}/{{id}}", "webhooks.update", path=path, json=body, writes=True))
    return hook


async def _rule(one: WantedEvent, api: Api, hook: str) -> None:
    if one.rule is None:
        body = {
            "workflow_name": f"Millrace {one.module} {one.event}",
            "description": "Kept by Millrace; made again when it is deleted.",
            "entity": one.module,
            "rule_type": EVENTS[one.event],
            "instant_actions": [{"action_type": "webhook", "action_id": hook}],
        }
        await api.call(Call("POST", RULES, "workflows.create", json=body, writes=True))
    elif one.is_off:
        path = {"id": str(one.rule["workflow_id"])}
        await api.call(Call("POST", f"{RULES}/{{id}}/active", "workflows.activate", path=path, writes=True))


async def _remove(hook: Mapping[str, Any], there: HookSettings, api: Api) -> list[str]:
    """The rules first: the vendor keeps a webhook that a rule still runs. One that a rule of somebody else's runs stays."""
    id = str(hook["webhook_id"])
    rules = there.rules_of(id)
    if any(len(rule.get("instant_actions") or ()) > 1 for rule in rules):
        return []
    for rule in rules:
        path = {"id": str(rule["workflow_id"])}
        await api.call(Call("DELETE", f"{RULES}/{{id}}", "workflows.delete", path=path, writes=True))
    await api.call(Call("DELETE", f"{HOOKS}/{{id}}", "webhooks.delete", path={"id": id}, writes=True))
    return [f"webhook {hook.get('webhook_name') or id}"]
