"""Audience webhooks: registered by API, checked by GET, their key shown once (sheet, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Document, Rule, check, flag, nested, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.hook import EVENTS, SOURCES, Hook
from sandbox.mailchimp.problems import FieldError, invalid, invalid_fields, not_found

RULES: dict[str, Rule] = {"url": Rule(), "events": Rule("object"), "sources": Rule("object")}
EVENT_RULES = {name: Rule("boolean") for name in EVENTS}
SOURCE_RULES = {name: Rule("boolean") for name in SOURCES}


def shape(audience: Audience, hook: Hook) -> dict[str, object]:
    return {
        "id": hook.id,
        "url": hook.url,
        "events": hook.events,
        "sources": hook.sources,
        "list_id": audience.id,
        "signing_enabled": bool(hook.secret),
    }


def hook_of(call: Call) -> Hook:
    found = call.audience.hooks.get(call.params["webhook_id"])
    if found is None:
        raise not_found()
    return found


def page(call: Call) -> Reply:
    audience = call.audience
    hooks = [shape(audience, hook) for hook in audience.hooks.values()]
    return call.shown({"webhooks": hooks, "list_id": audience.id, "total_items": len(hooks)})


def get(call: Call) -> Reply:
    return call.shown(shape(call.audience, hook_of(call)))


def create(call: Call) -> Reply:
    """The one answer that ever carries the signing secret."""
    audience = call.audience
    _check(call.body)
    url = text(call.body, "url")
    _check_url(call, audience, url)
    made = Hook(call.account.new_id("hook"), url, _switched(call.body, "events"), _switched(call.body, "sources"))
    if call.switches.webhook_signing:
        made.secret = f"mc-{call.account.digest('signing', made.id)}"
    audience.hooks[made.id] = made
    call.note("webhook", made.id, "create")
    shown = shape(audience, made)
    return call.shown(shown | {"signing_secret": made.secret} if made.secret else shown)


def _check(body: Mapping[str, object]) -> None:
    check(body, RULES)
    check(nested(body, "events"), EVENT_RULES, "events.")
    check(nested(body, "sources"), SOURCE_RULES, "sources.")


def _switched(body: Document, name: str) -> dict[str, bool]:
    """All switches of a hook; what is not said is off, which the vendor leaves undocumented."""
    given = nested(body, name)
    return {switch: flag(given, switch) for switch in (EVENTS if name == "events" else SOURCES)}


def _check_url(call: Call, audience: Audience, url: str, own: Hook | None = None) -> None:
    if not web_address(url):
        raise invalid_fields([FieldError("url", "This value is not a valid URL.")])
    if any(hook.url == url for hook in audience.hooks.values() if hook is not own):
        raise invalid("Sorry, you can't set up multiple WebHooks for one URL")
    if not call.reachable:
        raise invalid_fields([FieldError("url", "We couldn't validate the URL: it must answer GET with 200.")])


def web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def change(call: Call) -> Reply:
    """PATCH: the address is checked again, the key stays; a hook that answered 410 works again."""
    audience, hook = call.audience, hook_of(call)
    _check(call.body)
    url = text(call.body, "url", hook.url)
    if "url" in call.body:
        _check_url(call, audience, url, hook)
    hook.url = url
    for name, switches in (("events", hook.events), ("sources", hook.sources)):
        given = nested(call.body, name)
        switches.update({switch: flag(given, switch) for switch in switches if switch in given})
    hook.enabled = True
    call.note("webhook", hook.id, "update")
    return call.shown(shape(audience, hook))


def delete(call: Call) -> Reply:
    hook = hook_of(call)
    del call.audience.hooks[hook.id]
    call.note("webhook", hook.id, "delete")
    return NO_CONTENT
