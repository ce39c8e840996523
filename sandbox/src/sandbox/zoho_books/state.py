"""Everything an organisation stores, as plain JSON for checkers."""

from __future__ import annotations

from sandbox.zoho_books.contact_views import contact_detail
from sandbox.zoho_books.credit_note_views import credit_note_detail
from sandbox.zoho_books.currencies import currency_view
from sandbox.zoho_books.invoice_views import invoice_detail
from sandbox.zoho_books.items import item_detail
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.paper_views import paper_detail
from sandbox.zoho_books.papers import PAPERS
from sandbox.zoho_books.payment_views import payment_detail
from sandbox.zoho_books.taxes import group_view, tax_view
from sandbox.zoho_books.wire import Document


def whole_state(org: Organisation, now: int) -> Document:
    """Details as the API shows them, comments, hooks with their secrets, rules."""
    today = org.today(now)
    return {
        "organization_id": org.id,
        "name": org.name,
        "dc": org.dc,
        "time_zone": org.time_zone,
        "currency_code": org.base.code,
        "users": [{"user_id": user.id, "name": user.name, "email": user.email} for user in org.users],
        "custom_fields": [
            {
                "customfield_id": one.id, "module": one.module, "api_name": one.api_name, "label": one.label,
                "unique": one.unique, "in_lists": one.in_lists,
            }
            for one in org.fields
        ],
        "currencies": [currency_view(org, one, today) for one in org.currencies.values()],
        "taxes": [tax_view(org, one) for one in org.taxes.values()],
        "tax_groups": [group_view(org, one) for one in org.tax_groups.values()],
        "contacts": [contact_detail(org, one) for one in org.contacts],
        "items": [item_detail(org, one) for one in org.items],
        "invoices": [invoice_detail(org, one, today) for one in org.invoices],
        "customerpayments": [payment_detail(org, one) for one in org.payments],
        "creditnotes": [credit_note_detail(org, one) for one in org.credit_notes],
        "papers": {
            key: [paper_detail(org, kind, one) for one in org.papers[key]] for key, kind in PAPERS.items()
        },
        "comments": {
            owner: [{"comment_id": one.id, "description": one.text, "at": org.stamp(one.at)} for one in comments]
            for owner, comments in org.comments.items()
        },
        "webhooks": [
            {"webhook_id": one.id, "url": one.url, "entity": one.entity, "secret": one.secret}
            for one in org.hooks.values()
        ],
        "workflows": [
            {
                "workflow_id": one.id, "workflow_name": one.name, "entity": one.entity, "rule_type": one.rule_type,
                "is_active": one.active, "webhook_ids": list(one.hook_ids),
            }
            for one in org.rules.values()
        ],
    }  # fmt: skip
