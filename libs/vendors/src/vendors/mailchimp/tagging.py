"""Tags of many members at once, through the static segments that tags are underneath (sheet, section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.failures import Conflict, Failure
from common.http.call import Api, Call, VendorAnswer
from vendors.acts import Act, Answered, Done, NotSent, Sending, Verdict
from vendors.mailchimp import wire
from vendors.mailchimp.errors import MC_NOT_FOUND
from vendors.mailchimp.members import key_of, subscriber_hash

SEGMENT = "/lists/{list_id}/segments/{segment_id}"
TAGS = "/lists/{list_id}/members/{hash}/tags"


class Tagging:
    """Gives one tag to some members and takes it from others."""

    def __init__(self, place: str, api: Api, sending: Sending, ids: dict[str, int]) -> None:
        """`ids` remembers which segment a tag is."""
        self._place = place
        self._api = api
        self._sending = sending
        self._ids = ids

    async def change(self, acts: Sequence[Act]) -> Answered:
        """Up to five hundred in one call. A tag that does not exist yet is made by giving it to the first."""
        name = acts[0].action.partition(":")[2]
        segment, asked = await self._segment(name)
        if segment is not None:
            return await self._many(acts, name, segment)
        first = next((act for act in acts if act.action.startswith("give:")), None)
        if first is None:
            assert asked is not None
            # There is no such tag any more, so nobody has it.
            return Answered([Done(memory={"took": [name]}, changed=False) for _ in acts], asked)
        answer = await self._one(first, name)
        verdicts: list[Verdict] = [Done(memory={"gave": [name]}) if act is first else NotSent() for act in acts]
        return Answered(verdicts, answer)

    async def _segment(self, name: str) -> tuple[int | None, VendorAnswer | None]:
        known = self._ids.get(name.casefold())
        if known is not None:
            return known, None
        answer = await self._api.call(
            Call(
                "GET", "/lists/{list_id}/tag-search", "tags.search", path={"list_id": self._place}, query={"name": name},
                priority=self._sending.priority,
            )
        )  # fmt: skip
        with wire.reading(answer.body):
            for tag in wire.document(answer.body).get("tags", ()):
                self._ids[str(tag["name"]).casefold()] = int(tag["id"])
        return self._ids.get(name.casefold()), answer

    async def _one(self, act: Act, name: str) -> VendorAnswer:
        path = {"list_id": self._place, "hash": subscriber_hash(act.key)}
        # Syncing: tag automations stay quiet, as they do for everybody who gets the tag through the segment.
        body = {"tags": [{"name": name, "status": "active"}], "is_syncing": True}
        return await self._call(TAGS, "members.tag", path, body)

    async def _many(self, acts: Sequence[Act], name: str, segment: int) -> Answered:
        to_give = [act for act in acts if act.action.startswith("give:")]
        body = {
            "members_to_add": [_email(act) for act in to_give],
            "members_to_remove": [_email(act) for act in acts if act not in to_give],
        }
        path = {"list_id": self._place, "segment_id": str(segment)}
        try:
            answer = await self._call(SEGMENT, "tags.change", path, body)
        except Failure as failure:
            if failure.vendor_status == 404:
                self._ids.pop(name.casefold(), None)
                raise Conflict(failure.code, failure.message, vendor_status=404) from failure
            raise
        parsed = wire.document(answer.body)
        with wire.reading(answer.body):
            return Answered([_verdict(act, name, parsed) for act in acts], answer)

    async def _call(self, template: str, operation: str, path: Mapping[str, str], body: Any) -> VendorAnswer:
        sending = self._sending
        return await self._api.call(
            Call(
                "POST", template, operation, path=path, json=body, writes=True, priority=sending.priority,
                before_send=sending.before_send,
            )
        )  # fmt: skip


def _email(act: Act) -> str:
    return str(act.values.get("email", act.key))


def _verdict(act: Act, name: str, parsed: Mapping[str, Any]) -> Verdict:
    """Those who changed are listed, and those who are not in the audience; the rest had it so already."""
    lost = {key_of(str(email)) for error in parsed.get("errors", ()) for email in error.get("email_addresses", ())}
    if act.key in lost:
        return Conflict(MC_NOT_FOUND.name, MC_NOT_FOUND.meaning, vendor_status=404)
    gives = act.action.startswith("give:")
    changed = act.key in wire.by_key(parsed.get("members_added" if gives else "members_removed", ()))
    if not gives:
        return Done(memory={"took": [name]}, changed=changed)
    # A tag that the member had before is not ours: somebody else set it, and may want to keep it.
    return Done(memory={"gave": [name]} if changed else {}, changed=changed)
