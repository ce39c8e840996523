"""Webhooks and workflow rules as they are stored, the message a hook gets, and its signature (sheet, section 7)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import orjson

from sandbox.zoho_books.wire import Document

Trigger = Literal["create", "update", "delete"]
Pair = tuple[str, str]
RULE_TYPES: Mapping[str, frozenset[Trigger]] = {
    "add": frozenset({"create"}),
    "edit": frozenset({"update"}),
    "add_edit": frozenset({"create", "update"}),
    "delete": frozenset({"delete"}),
}
DEFAULT_BODY = "application/json"
FORM_BODY = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Hook:
    """One registered webhook."""

    id: str
    name: str
    entity: str
    url: str
    created: int
    method: str = "POST"
    description: str = ""
    secret: str = ""
    headers: tuple[Pair, ...] = ()
    query_parameters: tuple[Pair, ...] = ()
    entity_parameters: tuple[Pair, ...] = ()
    additional_parameters: tuple[Pair, ...] = ()
    form_data: tuple[Pair, ...] = ()
    body_type: str = DEFAULT_BODY
    raw_data: str = ""
    placeholder: str = ""
    active: bool = True
    extra: Document = field(default_factory=dict)


@dataclass(slots=True)
class Rule:
    """One workflow rule: which changes of which module run which webhook."""

    id: str
    name: str
    entity: str
    rule_type: str
    hook_ids: tuple[str, ...]
    created: int
    description: str = ""
    active: bool = True
    watched: tuple[str, ...] = ()
    comparator: str = "any"
    actions: tuple[Document, ...] = ()

    def fires(self, entity: str, trigger: Trigger, changed: frozenset[str]) -> bool:
        """Whether a change of these fields runs the rule; a chosen list of fields counts for edits only."""
        if not self.active or entity != self.entity or trigger not in RULE_TYPES[self.rule_type]:
            return False
        if trigger != "update" or not self.watched or self.comparator == "any":
            return True
        hits = [name in changed for name in self.watched]
        match self.comparator:
            case "and":
                return all(hits)
            case "or":
                return any(hits)
            case "except_and":
                return not all(hits)
            case _:
                return not any(hits)


@dataclass(slots=True)
class HookHistory:
    """One run of a webhook, as the histories list tells it."""

    id: str
    hook_id: str
    entity: str
    entity_id: str
    at: int
    url: str
    method: str
    body: bytes
    status: str = "scheduled"  # success, failed
    http_status: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the whole address, headers and body."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def compose(hook: Hook, document: Document) -> Message:
    """The message of a hook about one record; `document` is the module object under its singular key."""
    url = with_query(hook.url, hook.query_parameters)
    body, content_type, form = _body(hook, document)
    headers = {name: value for name, value in hook.headers if _sendable(name, value)}
    headers.setdefault("Content-Type", content_type)
    if hook.secret:
        headers["X-Zoho-Webhook-Signature"] = signature(hook.secret, urlsplit(url).query, form, body)
    return Message(hook.method, url, headers, body)


def _sendable(name: str, value: str) -> bool:
    return bool(name) and name.isascii() and value.isascii() and value.isprintable()


def _body(hook: Hook, document: Document) -> tuple[bytes, str, bool]:
    if hook.body_type == FORM_BODY:
        pairs = [(name, filled(value, document)) for name, value in (*hook.entity_parameters, *hook.form_data)]
        return urlencode(pairs).encode(), FORM_BODY, True
    if hook.raw_data and hook.raw_data != "${JSONString}":
        kind = hook.body_type if "/" in hook.body_type else "text/plain"
        return filled(hook.raw_data, document).encode(), kind, False
    return orjson.dumps(document), "application/json;charset=UTF-8", False


def filled(template: str, document: Document) -> str:
    """A template with `${Module.field_name}` replaced by the record's plain fields."""
    record: Any = next((value for value in document.values() if isinstance(value, dict)), {})
    for name, value in record.items():
        if isinstance(value, str):
            for key in document:
                template = template.replace("${%s.%s}" % (key, name), value)  # noqa: UP031 - braces read worse in f
    return template


def with_query(url: str, parameters: Iterable[Pair]) -> str:
    """The registered address with its extra query parameters, which are part of what is signed."""
    extra = urlencode(list(parameters), quote_via=quote)
    if not extra:
        return url
    return f"{url}{'&' if '?' in url else '?'}{extra}"


def signature(secret: str, query: str, is_form: bool, body: bytes) -> str:
    """HMAC-SHA256 over the decoded pairs of query and form, sorted by key and joined, and then the raw JSON body."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if is_form:
        pairs += parse_qsl(body.decode(), keep_blank_values=True)
    joined = "".join(name + value for name, value in sorted(pairs)).encode()
    message = joined if is_form else joined + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
