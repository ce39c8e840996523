"""Webhooks by API: registering, reading, changing, their histories, sending again (sheet, section 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from sandbox.zoho_books.call import Call, Reply, created, done
from sandbox.zoho_books.hooks import DEFAULT_BODY, Hook, HookHistory, Pair
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing
from sandbox.zoho_books.stamps import day_of
from sandbox.zoho_books.wire import Body, Document

MOST_HOOKS = 50
SECRET = re.compile(r"[A-Za-z0-9]{12,50}\Z")
METHODS = frozenset({"POST", "PUT", "DELETE"})
# What the API calls a module, and by which key its payload is known here.
MODULES = {
    "contact": "contact", "customer": "contact", "invoice": "invoice", "customer_payment": "payment",
    "customerpayment": "payment", "payment": "payment", "item": "item", "creditnote": "creditnote",
    "credit_note": "creditnote", "bill": "bill", "purchaseorder": "purchaseorder",
}  # fmt: skip
SILENT = frozenset({"estimate", "salesorder", "expense", "vendor", "vendor_payment", "retainerinvoice"})
PAIR_LISTS = ("headers", "query_parameters", "entity_parameters", "additional_parameters", "form_data")
ECHOED = ("events", "is_new_response_format", "is_hidden", "lock_type", "user_defined_format_name",
          "user_defined_format_value")  # fmt: skip


def hook_view(call: Call, hook: Hook) -> Document:
    """A webhook as it is read back: never its secret, never the values of its headers."""
    rules = [rule for rule in call.org.rules.values() if hook.id in rule.hook_ids]
    return {
        "webhook_id": hook.id,
        "webhook_name": hook.name,
        "description": hook.description,
        "entity": hook.entity,
        "method": hook.method,
        "url": hook.url,
        "body_type": hook.body_type,
        "raw_data": hook.raw_data,
        "headers": [{"param_name": name, "param_value": "*****"} for name, _ in hook.headers],
        "query_parameters": _pairs(hook.query_parameters),
        "entity_parameters": _pairs(hook.entity_parameters),
        "additional_parameters": _pairs(hook.additional_parameters),
        "form_data": _pairs(hook.form_data),
        "is_secure": bool(hook.secret),
        "placeholder": hook.placeholder,
        "related_rules": [{"workflow_id": rule.id, "workflow_name": rule.name} for rule in rules] or "",
        "created_time": call.org.stamp(hook.created),
        **hook.extra,
    }


def _pairs(pairs: Iterable[Pair]) -> list[Document]:
    return [{"param_name": name, "param_value": value} for name, value in pairs]


def list_hooks(call: Call) -> Reply:
    rows = [hook_view(call, hook) for hook in call.org.hooks.values()]
    return small_page(call, "webhooks", "Webhooks", rows, "webhook_name")


def edit_page(call: Call) -> Reply:
    """What the form for a new webhook offers."""
    return done("success", entities=sorted({*MODULES, *SILENT}), methods=sorted(METHODS))


def _found(call: Call) -> Hook:
    hook = call.org.hooks.get(call.ids["webhook_id"])
    if hook is None:
        raise absent("Webhook")
    return hook


def get_hook(call: Call) -> Reply:
    return done("success", webhook=hook_view(call, _found(call)))


def create_hook(call: Call) -> Reply:
    org, body = call.org, call.body()
    if len(org.hooks) >= MOST_HOOKS:
        raise Refusal(400, 4, f"You cannot create more than {MOST_HOOKS} webhooks.")
    body.required("url", 5000)
    hook = _filled(body, Hook(org.new_id(), "Webhook", "invoice", "", call.now))
    org.hooks[hook.id] = hook
    call.wrote("webhook", hook.id, "create")
    return created("The webhook has been created.", webhook=hook_view(call, hook))


def update_hook(call: Call) -> Reply:
    before = _found(call)
    after = _filled(call.body(), before)
    call.org.hooks[after.id] = after
    call.wrote("webhook", after.id, "update" if after != before else "noop")
    return done("The webhook has been updated.", webhook=hook_view(call, after))


def _filled(body: Body, hook: Hook) -> Hook:
    lists = {name: _read_pairs(body, name) for name in PAIR_LISTS if body.has(name)}
    return replace(
        hook,
        name=body.text("webhook_name", hook.name, 50),
        description=body.text("description", hook.description, 100),
        entity=body.choice("entity", frozenset({*MODULES, *SILENT}), hook.entity),
        method=body.choice("method", METHODS, hook.method),
        url=_url(body, hook),
        secret=_secret(body, hook),
        body_type=body.text("body_type", hook.body_type, 100) or DEFAULT_BODY,
        raw_data=body.text("raw_data", hook.raw_data, 100_000),
        placeholder=body.text("placeholder", hook.placeholder, 100),
        extra={**hook.extra, **{name: body.raw(name) for name in ECHOED if body.has(name)}},
        **lists,  # type: ignore[arg-type]
    )


def _url(body: Body, hook: Hook) -> str:
    url = body.text("url", hook.url, 5000).strip()
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or not url.isascii() or not url.isprintable() or " " in url:
        raise invalid("url")
    return url


def _secret(body: Body, hook: Hook) -> str:
    """12 to 50 letters and digits, or none."""
    secret = body.text("secret", hook.secret)
    if secret and not SECRET.match(secret):
        raise invalid("secret")
    return secret


def _read_pairs(body: Body, name: str) -> tuple[Pair, ...]:
    return tuple((row.required("param_name", 200), row.text("param_value", "", 5000)) for row in body.rows(name, 100))


def delete_hook(call: Call) -> Reply:
    """A webhook that a rule still uses stays."""
    hook = _found(call)
    if any(hook.id in rule.hook_ids for rule in call.org.rules.values()):
        raise Refusal(400, 1040, "Webhooks associated with workflow rules cannot be deleted.")
    del call.org.hooks[hook.id]
    call.wrote("webhook", hook.id, "delete")
    return done("The webhook has been deleted.")


# Histories


def history_view(call: Call, one: HookHistory) -> Document:
    return {
        "history_id": one.id,
        "webhook_id": one.hook_id,
        "entity": one.entity,
        "entity_id": one.entity_id,
        "status": one.status,
        "response_code": one.http_status,
        "attempts": one.attempts,
        "url": one.url,
        "method": one.method,
        "executed_time": call.org.stamp(one.at),
    }


def list_histories(call: Call) -> Reply:
    """Newest first; filters webhook_id, entity_id, from_date, to_date and filter_by=Status.Failed."""
    wanted = call.param("filter_by")
    if wanted not in ("", "Status.All", "Status.Failed", "Status.Success"):
        raise invalid("filter_by")
    rows = (history_view(call, one) for one in reversed(call.org.histories.values()) if _asked_for(call, one, wanted))
    return small_page(call, "webhook_histories", "Webhook Histories", rows, "executed_time")


def _asked_for(call: Call, one: HookHistory, filter_by: str) -> bool:
    day = day_of(one.at, call.org.time_zone)
    return (
        call.param("webhook_id") in ("", one.hook_id)
        and call.param("entity_id") in ("", one.entity_id)
        and call.param("from_date") <= day
        and (not call.param("to_date") or day <= call.param("to_date"))
        and filter_by.removeprefix("Status.").lower() in ("", "all", one.status)
    )


def resend(call: Call) -> Reply:
    one = call.org.histories.get(call.ids["history_id"])
    if one is None:
        raise absent("Webhook history")
    call.resends.append(one)
    return done("The webhook has been triggered again.")


def bulk_resend(call: Call) -> Reply:
    """At most ten at once."""
    ids = [one.strip() for one in call.param("history_ids").split(",") if one.strip()]
    if not ids:
        raise missing("history_ids")
    if len(ids) > 10:
        raise invalid("history_ids")
    found = [call.org.histories.get(one) for one in ids]
    if None in found:
        raise absent("Webhook history")
    call.resends += [one for one in found if one is not None]
    return done("The webhooks have been triggered again.")
