"""Everything an account holds, as plain JSON for a checker."""

from __future__ import annotations

from dataclasses import asdict

from sandbox.mailchimp.account import Account
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.audiences import stats
from sandbox.mailchimp.member import Member, contact_id_of, iso
from sandbox.mailchimp.member_view import NO_FEATS


def of_account(account: Account) -> dict[str, object]:
    return {
        "dc": account.dc,
        "user": account.user,
        "audiences": {audience.id: of_audience(audience) for audience in account.audiences.values()},
        "batches": {
            batch.id: {
                "status": batch.stage,
                "total": batch.total,
                "finished": batch.finished,
                "errored": batch.errored,
            }
            for batch in account.batches.values()
        },
        "batch_webhooks": {
            hook.id: {"url": hook.url, "enabled": hook.enabled} for hook in account.batch_hooks.values()
        },
        "mandrill_webhooks": {str(hook.id): {"url": hook.url} for hook in account.mandrill_hooks.values()},
        "stores": {store.id: asdict(store) for store in account.stores.values()},
        "opt_in_mails": account.opt_in_mails,
    }


def of_audience(audience: Audience) -> dict[str, object]:
    return {
        "name": audience.name,
        "double_optin": audience.double_optin,
        "stats": stats(audience, total=True),
        "merge_fields": [asdict(field) for field in audience.fields],
        "members": {key: of_member(audience, member) for key, member in audience.members.items()},
        "forgotten": sorted(audience.forgotten),
        "tags": {str(tag.id): {"name": tag.name, "members": len(tag.members)} for tag in audience.segments.values()},
        "webhooks": {
            hook.id: {
                "url": hook.url,
                "events": hook.events,
                "sources": hook.sources,
                "enabled": hook.enabled,
                "signing_enabled": bool(hook.secret),
            }
            for hook in audience.hooks.values()
        },
    }


def of_member(audience: Audience, member: Member) -> dict[str, object]:
    feats = member.feats or NO_FEATS
    return {
        "email_address": member.email,
        "contact_id": contact_id_of(audience.id, member.web_id),
        "web_id": member.web_id,
        "status": member.status,
        "withdrawn": member.withdrawn,
        "unsubscribed_by": member.unsubscribed_by,
        "unsubscribed_at": iso(member.unsubscribed_at),
        "before_archive": member.before_archive,
        "merge_fields": member.merge,
        "tags": [audience.segments[tag].name for tag in member.tags],
        "language": member.language,
        "vip": member.vip,
        "source": member.source,
        "timestamp_signup": iso(member.signup_at),
        "timestamp_opt": iso(member.opt_at),
        "last_changed": iso(member.changed_at),
        "notes": [note.text for note in feats.notes.values()],
        "events": [event.name for event in feats.events],
    }
