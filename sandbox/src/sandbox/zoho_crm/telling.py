"""From changes to callbacks: which channels hear, and the thin message they get (sheet, section 4).

Messages are put in the queue at the moment of the change, in the order of the changes; the core sends them later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import orjson

from sandbox.delivery import Delivery
from sandbox.zoho_crm.call import Change
from sandbox.zoho_crm.channel import Channel
from sandbox.zoho_crm.organisation import Organisation
from sandbox.zoho_crm.refusals import Document
from sandbox.zoho_crm.switches import Switches
from sandbox.zoho_crm.views import rendered
from sandbox.zoho_crm.wire import plain

VENDOR = "zoho-crm"
WORDS = {"create": "insert", "edit": "update", "delete": "delete"}
TIMEOUT_S = 10.0  # not documented


class Sends(Protocol):
    """The core's delivery queue."""

    def send(self, delivery: Delivery) -> str: ...


class Telling:
    """Tells the channels of an account what was changed."""

    def __init__(self, queue: Sends) -> None:
        self._queue = queue

    def run(self, org: Organisation, switches: Switches, changes: Iterable[Change], now: int, base_url: str) -> None:
        """One message for each channel, module and operation: it carries all records of the call."""
        changes = list(changes)
        for channel in list(org.channels.values()):
            for (module, operation), heard in gathered(channel, changes, now).items():
                document = message(org, channel, module, operation, heard, now, base_url)
                self._send(org, switches, channel, document, f"{module}.{operation}")

    def _send(self, org: Organisation, switches: Switches, channel: Channel, document: Document, topic: str) -> None:
        schedule = (0.0, *switches.callback_retries_s)
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        body = orjson.dumps(plain(document))
        self._queue.send(
            Delivery(
                VENDOR, org.account, channel.id, channel.notify_url, "POST", headers, body, schedule, TIMEOUT_S, topic,
            )
        )  # fmt: skip


Heard = dict[tuple[str, str], list[Change]]


def gathered(channel: Channel, changes: list[Change], now: int) -> Heard:
    """What a channel hears of these changes: the records themselves, and the accounts that they belong to."""
    found: Heard = {}
    for change in changes:
        if channel.hears(change.module, change.operation, now) and _meant(channel, change):
            found.setdefault((change.module, change.operation), []).append(change)
        if channel.related and change.account_id and channel.hears("Accounts", "edit", now):
            related = Change("Accounts", "edit", change.account_id, {})
            found.setdefault(("Accounts", "edit"), []).append(related)
    return found


def _meant(channel: Channel, change: Change) -> bool:
    """A condition on fields counts for edits only."""
    return change.operation != "edit" or not channel.fields or not change.values.keys().isdisjoint(channel.fields)


def message(
    org: Organisation, channel: Channel, module: str, operation: str, heard: list[Change], now: int, base_url: str
) -> Document:
    """Ids, the names of what was changed, the channel and its token; no record, no actor, no event id, no signature."""
    told: Document = {
        "server_time": now * 1000,
        "query_params": dict(parse_qsl(urlsplit(channel.notify_url).query)),
        "module": module,
        "resource_uri": f"{base_url}/zoho/{org.dc}/api/crm/v2/{module}",
        "ids": list(dict.fromkeys(change.id for change in heard)),
        "affected_fields": [{one.id: list(one.values)} for one in heard if operation == "edit" and one.values],
        "operation": WORDS[operation],
        "channel_id": channel.id,
        "token": channel.token or None,
    }
    if channel.affected_values:
        fields = org.modules[module].fields
        told["affected_values"] = [
            {"record_id": one.id, "values": {name: rendered(org, fields[name], value) for name, value in one.values.items()}}
            for one in heard if operation != "delete"
        ]  # fmt: skip
    return told
