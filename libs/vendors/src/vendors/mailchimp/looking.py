"""One member as it is now, read by its address; reading changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from common.failures import Failure
from common.http.call import Api, Call, VendorAnswer
from vendors.mailchimp import catalogue, wire
from vendors.mailchimp.members import subscriber_hash
from vendors.target_record import TargetRecord

LIST, MEMBER = "/lists/{list_id}", "/lists/{list_id}/members/{hash}"


async def look_at(place: str, key: str, api: Api) -> TargetRecord | Failure:
    """A 404 counts once the audience is confirmed."""
    path = {"list_id": place, "hash": subscriber_hash(key)}
    call = Call("GET", MEMBER, "members.read", path=path, query={"exclude_fields": "_links"})
    try:
        answer = await api.call(call)
        return await _shown(answer, path, api)
    except Failure as failure:
        if failure.vendor_status != 404:
            return failure
    await _audience_exists(place, api)
    return TargetRecord(exists=False)


async def _shown(answer: VendorAnswer, path: Mapping[str, str], api: Api) -> TargetRecord:
    """With all of the member's tags: an answer shows fifty."""
    found = wire.document(answer.body)
    with wire.reading(answer.body):
        shown = wire.all_tags(found)
    if not shown:
        tags = await api.call(Call("GET", f"{MEMBER}/tags", "members.tags", path=path, query={"count": "1000"}))
        with wire.reading(tags.body):
            listed = wire.document(tags.body)["tags"]
            found |= {"tags": listed, "tags_count": len(listed)}
    with wire.reading(answer.body):
        return wire.member(found)


async def _audience_exists(place: str, api: Api) -> None:
    await catalogue.found(place, api, Call("GET", LIST, "lists.read", path={"list_id": place}, query={"fields": "id"}))
