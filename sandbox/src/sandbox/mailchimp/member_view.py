"""A member as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.member import Feats, Member, MergeValue, contact_id_of, iso

MOST_TAGS = 50
NO_FEATS = Feats()
LINKS = (
    ("self", "GET", ""),
    ("update", "PATCH", ""),
    ("upsert", "PUT", ""),
    ("delete", "DELETE", ""),
    ("delete_permanent", "POST", "/actions/delete-permanent"),
    ("activity", "GET", "/activity"),
    ("notes", "GET", "/notes"),
    ("events", "GET", "/events"),
)


def view(audience: Audience, member: Member, api_root: str) -> dict[str, object]:
    """The member object of the description, every field of it that this simulator knows."""
    shown = identity(audience, member) | standing(member) | profile(audience, member)
    tags = [{"id": tag, "name": audience.segments[tag].name} for tag in list(member.tags)[:MOST_TAGS]]
    shown |= {"tags_count": len(member.tags), "tags": tags, "list_id": audience.id}
    notes = (member.feats or NO_FEATS).notes
    if notes:
        last = notes[max(notes)]
        shown["last_note"] = {
            "note_id": last.id,
            "created_at": iso(last.created_at),
            "created_by": "Demo Owner",
            "note": last.text,
        }
    shown["_links"] = links(f"{api_root}/lists/{audience.id}/members", str(shown["id"]))
    return shown


def identity(audience: Audience, member: Member) -> dict[str, object]:
    return {
        "id": member.id,
        "email_address": member.email,
        "unique_email_id": member.unique_email_id,
        "contact_id": contact_id_of(audience.id, member.web_id),
        "full_name": full_name(member.merge),
        "web_id": member.web_id,
        "email_type": member.email_type,
    }


def full_name(merge: Mapping[str, MergeValue]) -> str:
    return " ".join(str(merge[tag]) for tag in ("FNAME", "LNAME") if merge.get(tag))


def standing(member: Member) -> dict[str, object]:
    shown: dict[str, object] = {"status": member.status, "consents_to_one_to_one_messaging": True}
    if member.status == "unsubscribed":
        shown["unsubscribe_reason"] = member.unsubscribe_reason
    return shown


def profile(audience: Audience, member: Member) -> dict[str, object]:
    return {
        "merge_fields": {field.tag: member.merge.get(field.tag, "") for field in audience.fields},
        "interests": {},
        "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
        "ip_signup": member.ip_signup,
        "timestamp_signup": iso(member.signup_at),
        "ip_opt": member.ip_opt,
        "timestamp_opt": iso(member.opt_at),
        "member_rating": 2,
        "last_changed": iso(member.changed_at),
        "language": member.language,
        "vip": member.vip,
        "email_client": "",
        "location": place(member),
        "source": member.source,
    }


def place(member: Member) -> dict[str, object]:
    return {
        "latitude": member.latitude,
        "longitude": member.longitude,
        "gmtoff": 0,
        "dstoff": 0,
        "country_code": "",
        "timezone": "",
        "region": "",
    }


def links(members_url: str, member_id: str) -> list[dict[str, str]]:
    url = f"{members_url}/{member_id}"
    own = [{"rel": rel, "href": url + below, "method": method} for rel, method, below in LINKS]
    return [*own, {"rel": "parent", "href": members_url, "method": "GET"}]
