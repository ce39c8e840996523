"""Notification channels by API: made, renewed, changed, ended, listed (sheet, section 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.changing import entry_of
from sandbox.zoho_crm.channel import Channel, Watched
from sandbox.zoho_crm.channel_reading import CHANNEL_KEYS, ChannelRow
from sandbox.zoho_crm.record_api import rows_of
from sandbox.zoho_crm.refusals import Document, Refusal, RowRefusal, at_field, missing_param
from sandbox.zoho_crm.verdicts import judged, success

MOST = 50
MADE = "Successfully subscribed for actions-watch of the given module"
CHANGED = "Successfully updated the subscribe details"
REMOVED = "Successfully removed the subscribe details"
ENDED = "Successfully un-subscribed from actions-watch"


def refuse_without(call: Call) -> None:
    """A plan without notifications: whether there is one, and its code, is not known."""
    if call.switches.without_channels:
        raise Refusal(400, "NOT_SUPPORTED", "The feature is not supported in this edition")


def subscribe(call: Call) -> Reply:
    """A new channel; one that is there is made anew, which is how it is renewed."""
    refuse_without(call)

    def judge(given: Any, path: str) -> Document:
        channel = ChannelRow(call, entry_of(given, path), path).whole()
        call.org.channels[channel.id] = channel
        call.noted("channel", channel.id, "create")
        return success(MADE, {"events": [event_row(call, channel, one) for one in modules_of(channel)]})

    return judged(rows_of(call, "watch", MOST), judge, 201, "watch")


def replace_all(call: Call) -> Reply:
    """PUT: what is not sent is dropped, the expiry too."""

    def judge(given: Any, path: str) -> Document:
        row = ChannelRow(call, entry_of(given, path), path)
        known(call, row.id(), f"{path}.channel_id")
        channel = row.whole()
        call.org.channels[channel.id] = channel
        call.noted("channel", channel.id, "update")
        return success(CHANGED, {"events": [event_row(call, channel, one) for one in modules_of(channel)]})

    return judged(rows_of(call, "watch", MOST), judge, 200, "watch")


def change_some(call: Call) -> Reply:
    """PATCH: what is sent is changed; with `_delete_events` the events sent are removed."""

    def judge(given: Any, path: str) -> Document:
        entry = entry_of(given, path)
        row = ChannelRow(call, entry, path)
        former = known(call, row.id(), f"{path}.channel_id")
        if entry.get("_delete_events") is True:
            return without(call, former, row.events())
        channel = row.over(former)
        call.org.channels[channel.id] = channel
        call.noted("channel", channel.id, "update")
        return success(CHANGED, {"events": [event_row(call, channel, one) for one in modules_of(channel)]})

    return judged(rows_of(call, "watch", MOST), judge, 200, "watch")


def without(call: Call, former: Channel, events: tuple[Watched, ...]) -> Document:
    """A channel with fewer events; one that has none left is gone."""
    channel = replace(former, events=tuple(one for one in former.events if one not in events))
    call.org.channels[channel.id] = channel
    if not channel.events:
        del call.org.channels[channel.id]
    call.noted("channel", channel.id, "update" if channel.events else "delete")
    return success(
        REMOVED, {"events": [event_row(call, former, name) for name in modules_of(replace(former, events=events))]}
    )


def unsubscribe(call: Call) -> Reply:
    ids = [one for one in call.param("channel_ids").split(",") if one]
    if not ids:
        raise missing_param("channel_ids")
    ended = [(id_, module) for id_ in ids for module in _modules(call, id_)]

    def judge(pair: tuple[str, str], path: str) -> Document:
        id_, module = pair
        channel = known(call, id_, "channel_ids")
        return success(
            ENDED, {key: value for key, value in event_row(call, channel, module).items() if key in CHANNEL_KEYS}
        )

    reply = judged(ended, judge, 200, "watch")
    for id_ in ids:
        if call.org.channels.pop(id_, None) is not None:
            call.noted("channel", id_, "delete")
    return reply


def _modules(call: Call, id_: str) -> list[str]:
    channel = call.org.channels.get(id_)
    return modules_of(channel) if channel is not None else [""]


def list_channels(call: Call) -> Reply:
    """Those that live, one row for each module."""
    rows = [
        {**event_row(call, channel, module), "notify_url": channel.notify_url, "token": channel.token or None,
         "notify_on_related_action": channel.related, "return_affected_field_values": channel.affected_values,
         "fields": None, "notification_condition": None,
         "events": [f"{one.module}.{one.operation}" for one in channel.events if one.module == module]}
        for channel in call.org.channels.values()
        if channel.expires > call.now and call.param("channel_id") in ("", channel.id)
        for module in modules_of(channel)
        if call.param("module") in ("", module)
    ]  # fmt: skip
    if not rows:
        return Reply(204)
    return Reply(200, {"watch": rows, "info": {"per_page": 200, "count": len(rows), "page": 1, "more_records": False}})


def known(call: Call, id_: str, path: str) -> Channel:
    """A channel that lives."""
    channel = call.org.channels.get(id_)
    if channel is None or channel.expires <= call.now:
        raise RowRefusal("NOT_SUBSCRIBED", "The channel is not subscribed", at_field("channel_id", path))
    return channel


def modules_of(channel: Channel) -> list[str]:
    return list(dict.fromkeys(one.module for one in channel.events))


def event_row(call: Call, channel: Channel, module: str) -> Document:
    """What an answer tells of a channel; its address may name an older version."""
    found = call.org.modules.get(module)
    return {
        "channel_expiry": call.org.stamp(channel.expires), "resource_uri": resource_uri(call.request.base_url, call.org.dc, module),
        "resource_id": found.id if found else None, "resource_name": module, "channel_id": channel.id,
    }  # fmt: skip


def resource_uri(base_url: str, dc: str, module: str) -> str:
    return f"{base_url}/zoho/{dc}/api/crm/v2/{module}"
