"""What audiences are and what their members' fields are: read before anything is mapped or written, and made where a mapping asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from common.failures import Failure, Rejected, Unknown
from common.http.call import Api, Call, VendorAnswer
from vendors.catalogue import AskedField, CatalogueField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.grant import Place
from vendors.mailchimp import wire
from vendors.mailchimp.errors import MC_AUDIENCE_GONE, MC_FIELD_REFUSED
from vendors.mailchimp.planning import Audience

LIST, FIELDS = "/lists/{list_id}", "/lists/{list_id}/merge-fields"
_SHOWN = "merge_fields.tag,merge_fields.name,merge_fields.type,merge_fields.required,merge_fields.options"
_TAG = re.compile(r"[A-Z0-9_]{1,10}\Z")
_RESERVED = frozenset({"EMAIL", "INTERESTS", "UNSUB", "FORGOT", "REWARDS", "ARCHIVE", "UPDATE", "PROFILE", "LIST"})
_ADDRESS_PARTS = ("street", "city", "state", "zip")
CHOICES = Choices(
    gone=("archive", "tag", "leave"), on_delete="archive", on_filtered="leave", without_key="archive",
    options=frozenset({"gone_tag"}), collected=frozenset({"tags"}),
)  # fmt: skip

Type = Literal[
    "text", "number", "money", "date", "datetime", "boolean", "email", "phone", "address", "tags", "choice", "url"
]
# Mailchimp's types in our words. A birthday has no year, so it is a text to us; the vendor checks its form.
_OURS: Mapping[str, Type] = {
    "text": "text", "number": "number", "address": "address", "phone": "phone", "date": "date", "url": "url",
    "imageurl": "url", "radio": "choice", "dropdown": "choice", "birthday": "text", "zip": "text",
}  # fmt: skip
_THEIRS = {
    "text": "text", "number": "number", "money": "number", "date": "date", "datetime": "date", "boolean": "text",
    "email": "text", "phone": "phone", "address": "address", "choice": "text", "url": "url",
}  # fmt: skip


async def found(place: str, api: Api, call: Call) -> VendorAnswer:
    """A read about an audience; a missing one is said as that."""
    try:
        return await api.call(call)
    except Failure as failure:
        if failure.vendor_status != 404:
            raise
        raise Rejected(
            MC_AUDIENCE_GONE.name, MC_AUDIENCE_GONE.meaning, vendor_status=404, vendor_code=failure.vendor_code,
            vendor_words=failure.vendor_words, vendor_request_id=failure.vendor_request_id, about="place",
        ) from failure  # fmt: skip


async def audience(place: str, api: Api) -> Audience:
    """The facts that writing needs."""
    listing = Call("GET", LIST, "lists.read", path={"list_id": place}, query={"fields": "id,double_optin"})
    lists, merge = await asyncio.gather(found(place, api, listing), _merge_fields(place, api))
    required = tuple(sorted(field["tag"] for field in merge if field.get("required")))
    return Audience(bool(wire.document(lists.body).get("double_optin")), required)


async def places(api: Api) -> Sequence[Place]:
    """The audiences of the account."""
    query = {"count": "1000", "fields": "lists.id,lists.name,lists.double_optin,lists.stats.member_count"}
    answer = await api.call(Call("GET", "/lists", "lists.list", query=query))
    return [
        Place(
            str(one["id"]),
            str(one["name"]),
            {
                "double_optin": "yes" if one.get("double_optin") else "no",
                "members": str((one.get("stats") or {}).get("member_count", "")),
            },
        )
        for one in wire.document(answer.body).get("lists", ())
    ]


async def fields(place: str, api: Api) -> FieldCatalogue:
    """What a member has in this audience."""
    return _shown(await _merge_fields(place, api))


async def create_fields(place: str, asked: Sequence[AskedField], api: Api) -> MadeFields:
    """A call for each, between two reads. Repeatable by the tag: one that is there with the same type is taken as it is."""
    there = await _by_tag(place, api)
    wrong = {one.path: why for one in asked if (why := _misfit(one, there) or _impossible(one, asked))}
    missing = {_tag(one): one for one in asked if _tag(one) not in there}
    if wrong or not missing:
        return MadeFields(_shown(there.values()), wrong)
    refused = {tag: why for tag, one in missing.items() if (why := await _refusal(place, one, api))}
    there = await _by_tag(place, api)
    wrong = {one.path: why for one in asked if (why := _misfit(one, there) or _absent(_tag(one), there, refused))}
    return MadeFields(_shown(there.values()), wrong)


async def _refusal(place: str, one: AskedField, api: Api) -> Failure | None:
    """Makes it. An outcome that nobody saw is no refusal yet: whether it is there the list says."""
    tag = _tag(one)
    body = {"tag": tag, "name": one.label or tag.replace("_", " ").title(), "type": _THEIRS[one.type], "public": False}
    try:
        await api.call(Call("POST", FIELDS, "merge_fields.create", path={"list_id": place}, json=body, writes=True))
    except (Rejected, Unknown) as failure:
        return failure
    return None


def _tag(one: AskedField) -> str:
    return one.path.removeprefix(wire.MERGE)


def _misfit(one: AskedField, there: Mapping[str, Mapping[str, Any]]) -> Failure | None:
    found = there.get(_tag(one)) if one.path.startswith(wire.MERGE) else None
    if found is None or found["type"] == _THEIRS.get(one.type):
        return None
    return Rejected(MC_FIELD_REFUSED.name, f"The audience has the field {_tag(one)} already, as {found['type']}.")


def _impossible(one: AskedField, asked: Sequence[AskedField]) -> Failure | None:
    """What the vendor would cut or refuse, or nobody can mean."""
    tag, meaning = _tag(one), MC_FIELD_REFUSED.meaning
    if not one.path.startswith(wire.MERGE) or not _TAG.match(tag) or tag in _RESERVED or one.type not in _THEIRS:
        return Rejected(MC_FIELD_REFUSED.name, f"{meaning} {one.path[:40]!r} as {one.type!r} is not possible.")
    kinds = sorted({_THEIRS.get(other.type, other.type) for other in asked if _tag(other) == tag})
    if len(kinds) > 1:
        return Rejected(MC_FIELD_REFUSED.name, f"{meaning} {tag} is asked for as {' and as '.join(kinds)}.")
    return None


def _absent(tag: str, there: Mapping[str, object], refused: Mapping[str, Failure]) -> Failure | None:
    if tag in there:
        return None
    words = f"{MC_FIELD_REFUSED.meaning} {tag} was made under another name."
    return refused.get(tag) or Rejected(MC_FIELD_REFUSED.name, words)


async def _by_tag(place: str, api: Api) -> Mapping[str, Mapping[str, Any]]:
    return {one["tag"]: one for one in await _merge_fields(place, api)}


def _shown(own: Iterable[Mapping[str, Any]]) -> FieldCatalogue:
    return FieldCatalogue(
        (
            CatalogueField("email", "Email Address", "email", required=True, max_length=254),
            *map(_field, own),
            CatalogueField("tags", "Tags", "tags", max_length=100),
            CatalogueField("language", "Language", "text", max_length=5),
        )
    )


async def _merge_fields(place: str, api: Api) -> list[dict[str, Any]]:
    query = {"count": "100", "fields": _SHOWN}
    answer = await found(place, api, Call("GET", FIELDS, "merge_fields.list", path={"list_id": place}, query=query))
    listed: list[dict[str, Any]] = wire.document(answer.body)["merge_fields"]
    return listed


def _field(one: Mapping[str, Any]) -> CatalogueField:
    kind = _OURS.get(one["type"], "text")
    return CatalogueField(
        wire.MERGE + one["tag"],
        str(one["name"]),
        kind,
        required=bool(one.get("required")),
        max_length=wire.LONGEST_BYTES if kind in ("text", "phone", "url") else None,
        choices=tuple((one.get("options") or {}).get("choices") or ()),
        parts=_ADDRESS_PARTS if kind == "address" else (),
    )
