"""The notification channels of an account, one for each kind of records; what they are is in `watches.py`.

Each audit asks for the vendor's list, once: what is missing, leads elsewhere or is a day old is asked for in one call, which the vendor takes
again as a renewal. Whoever dies in between finds the rest at the next audit; a secret is stored before the vendor is told of it. A plan without
notifications is no failure: its records are polled, and people are told.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from common.contracts.ids import Entity
from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.answers import reading
from vendors.channel import Assistant, Audited, DescribedHook, HookSecrets, HookSubscription
from vendors.notices import AccountNotice
from vendors.zoho_crm import callback, wire
from vendors.zoho_crm.errors import (
    ZC_CHANNEL_ENDS,
    ZC_CHANNEL_REFUSED,
    ZC_INVALID_VALUE,
    ZC_NO_CHANNELS,
    ZC_NO_MODULE,
    ZC_NOT_WATCHED,
)
from vendors.zoho_crm.inbox import PATH_SECRET
from vendors.zoho_crm.readers import READERS
from vendors.zoho_crm.watches import ALARM_UNDER, Row, WantedChannel, wanted_channel

WATCH = "/actions/watch"
ENDS, NONE = "channel.ends", "channel.none"
KINDS = (ENDS, NONE)
_MOST_PAGES = 20


class ZohoCrmChannel:
    """Channels by kind of record. `early` is the share of a day after which one is renewed: not all of them at the same moment."""

    assistant: Assistant | None = None

    def __init__(self, early: Callable[[], float] = lambda: random.uniform(0.9, 1.0)) -> None:  # noqa: S311 - jitter, no secret
        self._early = early

    def subject(self, entity: Entity, place: str) -> str:
        return entity if entity in READERS else ""

    def hooks(self, wanted: HookSubscription) -> Sequence[DescribedHook]:
        """Without the secret that ends their addresses."""
        return [
            DescribedHook(subject, f"{READERS[subject].module}.all", wanted.base) for subject in sorted(wanted.subjects)
        ]

    def heard(self, query: str, body: bytes) -> str:
        try:
            return callback.entity_of(wire.body_of(body)) or ""
        except wire.UnreadableRecord:
            return ""

    async def missing(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        rows, _ = await _listed(api)
        return [one.lack for one in await _channels(wanted, rows, secrets) if one.lack]

    async def ensure(self, wanted: HookSubscription, api: Api, secrets: HookSecrets) -> Sequence[str]:
        return (await self.audit(wanted, (), api, secrets)).mended

    async def audit(
        self, wanted: HookSubscription, left: Sequence[str], api: Api, secrets: HookSecrets
    ) -> Audited:  # fmt: skip
        """What calls us and is not wanted goes last."""
        rows, now = await _listed(api)
        channels = await _channels(wanted, rows, secrets)
        due = [one for one in channels if one.lack or one.is_due(now, self._early())]
        notices = await _renewed(channels, due, now, api, secrets)
        if any(notice.kind == NONE for notice in notices):
            return Audited(notices=notices, judged=KINDS)
        removed = await _remove(_superfluous(wanted, channels, rows), api)
        return Audited([one.lack for one in due if one.lack], removed, notices, KINDS)


async def _renewed(
    channels: Sequence[WantedChannel], due: Sequence[WantedChannel], now: datetime, api: Api, secrets: HookSecrets
) -> list[AccountNotice]:
    """Asks for what is due. Where that fails, and what is there still tells, it is an alarm once the end is near and nothing before."""
    ends = {one.module: one.ends for one in channels if one.ends is not None}
    if due:
        try:
            ends |= await _ask(due, now, api, secrets)
        except Failure as failure:
            if failure.code == ZC_NO_MODULE.name:
                return [AccountNotice(NONE, ZC_NO_CHANNELS.name, f"{ZC_NO_CHANNELS.meaning} {ZC_NO_CHANNELS.action}")]
            if any(one.lack for one in due) or not _soon(ends, now):
                raise
    soon = _soon(ends, now)
    # Without the hour: of a kind, the same words are told once.
    words = f"{ZC_CHANNEL_ENDS.meaning} ({', '.join(soon)}) {ZC_CHANNEL_ENDS.action}"
    return [AccountNotice(ENDS, ZC_CHANNEL_ENDS.name, words)] if soon else []


def _soon(ends: Mapping[str, datetime], now: datetime) -> list[str]:
    """The modules whose channel ends before the next renewal is sure to have come."""
    return sorted(module for module, end in ends.items() if end - now < ALARM_UNDER)


async def _listed(api: Api) -> tuple[list[Row], datetime]:
    """Every channel that lives, and the vendor's time; a list without a body is empty."""
    rows, more, page = list[Row](), True, 1
    while more and page <= _MOST_PAGES:
        query = {"page": str(page), "per_page": "200"}
        answer = await api.call(Call("GET", WATCH, "channels.list", query=query))
        found, more = _page(answer)
        rows, page = rows + found, page + 1
    return rows, answer.date


def _page(answer: VendorAnswer) -> tuple[list[Row], bool]:
    if not answer.body:
        return [], False
    with reading(answer):
        body = wire.body_of(answer.body)
        rows: list[Row] = [dict(row) for row in body["watch"]]
        return rows, (body.get("info") or {}).get("more_records") is True and bool(rows)


async def _channels(wanted: HookSubscription, rows: Sequence[Row], secrets: HookSecrets) -> list[WantedChannel]:
    return [
        wanted_channel(subject, wanted, await secrets.known(subject), rows) for subject in sorted(wanted.subjects)
    ]  # fmt: skip


async def _ask(due: Sequence[WantedChannel], now: datetime, api: Api, secrets: HookSecrets) -> dict[str, datetime]:
    """All of them in one call; when each ends, as the vendor says and not as it was asked."""
    known = [one.secret or await secrets.made(one.subject, PATH_SECRET.decode()) for one in due]
    body = {"watch": [one.asked(now, secret) for one, secret in zip(due, known, strict=True)]}
    try:
        answer = await api.call(Call("POST", WATCH, "channels.watch", json=body, writes=True))
    except Rejected as refusal:
        if refusal.code != ZC_INVALID_VALUE.name:
            raise
        raise _refused(refusal.vendor_words) from refusal
    with reading(answer):
        rows = [dict(row) for row in wire.body_of(answer.body)["watch"]]
    if refused := [_words(row) for row in rows if row.get("status") != "success"]:
        raise _refused(" | ".join(refused))
    with reading(answer):
        told = [event for row in rows for event in row["details"]["events"]]
        return {
            str(one["resource_name"]): end for one in told if (end := wire.stamp(one["channel_expiry"])) is not None
        }


def _refused(words: str) -> Rejected:
    return Rejected(ZC_CHANNEL_REFUSED.name, ZC_CHANNEL_REFUSED.meaning, vendor_words=words[:300])


def _words(row: Row) -> str:
    about: Any = row.get("details")
    name = about.get("api_name") if isinstance(about, dict) else None
    return " ".join(str(one) for one in (row.get("code"), row.get("message"), name) if one)


def _superfluous(wanted: HookSubscription, channels: Sequence[WantedChannel], rows: Sequence[Row]) -> dict[str, str]:
    """What calls this connection for nothing: by its number, which module it tells of."""
    ours = {one.id for one in channels}
    calling = [row for row in rows if wanted.is_ours(str(row.get("notify_url", ""))) and row.get("channel_id")]
    return {
        str(row["channel_id"]): str(row.get("resource_name")) for row in calling if str(row["channel_id"]) not in ours
    }


async def _remove(superfluous: Mapping[str, str], api: Api) -> list[str]:
    """Ended twice it is ended once."""
    for number in superfluous:
        try:
            await api.call(Call("DELETE", WATCH, "channels.end", query={"channel_ids": number}, writes=True))
        except Rejected as failure:
            if failure.code != ZC_NOT_WATCHED.name:
                raise
    return [f"notification channel of {module}" for module in superfluous.values()]
