"""Events as messages (sheet, section 6): of all companies of an application, in one of two formats, signed once for all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from datetime import datetime

import orjson

from sandbox.delivery import Delivery
from sandbox.quickbooks.apps import App, Webhook, derived
from sandbox.quickbooks.event import Event
from sandbox.quickbooks.refusals import Document
from sandbox.quickbooks.stamps import event_time, legacy_time
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.world import VENDOR

ANSWER_WITHIN_S = 3.0
HOURS = 3_600.0
# "Every six hours" has no end in the sheet: a week of them.
SCHEDULE = (0.0, 10.0, 20.0, 30.0, 300.0, 1_200.0, 2 * HOURS, 4 * HOURS, *(6 * HOURS for _ in range(28)))
WORDS = {
    "Create": "created", "Update": "updated", "Delete": "deleted", "Merge": "merged", "Void": "voided", "Emailed": "emailed"
}  # fmt: skip
SOURCES = uuid.UUID("0d3f6ad5-4ad8-4b0f-9d0e-6f6a6f0a5c11")


def signature(verifier_token: str, body: bytes) -> str:
    """intuit-signature: base64 over the raw body."""
    return base64.b64encode(hmac.new(verifier_token.encode(), body, hashlib.sha256).digest()).decode()


def message(app: App, hook: Webhook, events: Sequence[Event], switches: Switches) -> Delivery:
    told = list(reversed(events)) if switches.hook_order == "reversed" else list(events)
    if switches.hook_format == "legacy":
        content: object = legacy(told)
    else:
        content = [cloud_event(app, event, varied=switches.hook_variations) for event in told]
    body = orjson.dumps(content)
    app.messages += 1
    headers = {"content-type": switches.hook_content_type, "intuit-signature": signature(app.verifier_token, body)}
    return Delivery(
        VENDOR,
        app.key,
        app.key,
        hook.url,
        "POST",
        headers,
        body,
        SCHEDULE,
        ANSWER_WITHIN_S,
        topic(events),
        str(app.messages),
    )


def topic(events: Sequence[Event]) -> str:
    """For the log: what it tells of."""
    return ",".join(sorted({f"{event.entity}.{event.operation}" for event in events}))


def cloud_event(app: App, event: Event, *, varied: bool) -> Document:
    """One event; what has been seen to differ from one to the next differs here, in turn."""
    app.events += 1
    form = app.events % 4 if varied else 0
    id_ = str(uuid.uuid5(SOURCES, f"{app.key}:{app.events}:{event.realm}:{event.id}:{event.at.isoformat()}"))
    told: Document = {
        "specversion": "1.0",
        "id": f"{id_}-{event.entity}-{event.id}" if form == 1 else id_,
        "source": f"intuit.{base64.b64encode(bytes.fromhex(derived(app.key, 'source'))).decode()}",
        "type": f"qbo.{event.entity.lower()}.{WORDS[event.operation]}.v1",
        "time": event_time(event.at, {2: "none", 3: "nano"}.get(form, "milli")),
        "intuitentityid": event.id,
        "intuitaccountid": event.realm,
    }
    if event.other:
        told["data"] = {"deletedid": event.other}
    elif form != 3:
        told |= {"datacontenttype": "application/json", "data": {}}
    return told


def legacy(events: Sequence[Event]) -> Document:
    """The format before: by company."""
    companies: dict[str, list[Document]] = {}
    for event in events:
        companies.setdefault(event.realm, []).append(legacy_entity(event))
    return {
        "eventNotifications": [
            {"realmId": realm, "dataChangeEvent": {"entities": told}} for realm, told in companies.items()
        ]
    }


def legacy_entity(event: Event) -> Document:
    told = {"name": event.entity, "id": event.id, "operation": event.operation, "lastUpdated": legacy_time(event.at)}
    return told | ({"deletedId": event.other} if event.other else {})


def portal_entities(wanted: object, known: Sequence[str], operations: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the portal has ticked: a list of entities, or the operations of each; raises ValueError."""
    if wanted is None:
        wanted = list(known)
    given = {str(name): operations for name in wanted} if isinstance(wanted, list) else wanted
    if not isinstance(given, dict) or not given.keys() <= set(known):
        raise ValueError(f"entities are among {', '.join(known)}")
    ticked = {name: tuple(map(str, one)) for name, one in given.items() if isinstance(one, list | tuple)}
    if len(ticked) < len(given) or not all(set(one) <= set(operations) for one in ticked.values()):
        raise ValueError(f"operations are among {', '.join(operations)}")
    return ticked


def webhook(url: object, entities: dict[str, tuple[str, ...]], now: datetime, lag_s: float) -> Webhook:
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ValueError("url is an address")
    return Webhook(url, entities, now.timestamp() + lag_s)
