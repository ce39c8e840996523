"""Everything that is stored, as plain JSON for checkers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.quickbooks.apps import App, Grant
from sandbox.quickbooks.company import Company
from sandbox.quickbooks.refusals import Document
from sandbox.quickbooks.stamps import stamp
from sandbox.quickbooks.views import shown
from sandbox.quickbooks.wire import plain


def of_company(company: Company, apps: Iterable[App]) -> Document:
    """Records as the API shows them, who is gone, and which applications are let in with which tokens."""
    records: dict[str, Any] = {
        entity: [plain(shown(company, record)) for record in shelf.values()]
        for entity, shelf in company.shelves.items()
    }
    return {
        "realm": company.realm, "name": company.name, "currency": company.currency, "lapsed": company.lapsed,
        "records": records,
        "deleted": [
            {"entity": one.entity, "id": one.id, "at": stamp(one.at), "merged": one.merged is not None}
            for one in company.gone
        ],
        "request_ids": list(company.answered),
        "grants": {app.key: _of_grant(app.grants[company.realm]) for app in apps if company.realm in app.grants},
    }  # fmt: skip


def _of_grant(grant: Grant) -> Document:
    return {
        "refresh_token": grant.refresh, "access_tokens": list(grant.access), "idle_until": stamp(int(grant.idle_until)),
        "hard_until": stamp(int(grant.hard_until)), "withdrawn": grant.withdrawn, "demoted": grant.demoted,
    }  # fmt: skip


def of_app(app: App) -> Document:
    hook = app.webhook
    return {
        "client_id": app.client_id, "verifier_token": app.verifier_token, "reads": app.reads,
        "webhook": {"url": hook.url, "entities": hook.entities} if hook else None,
        "waiting_events": len(app.waiting), "on_its_way": bool(app.on_its_way),
    }  # fmt: skip
