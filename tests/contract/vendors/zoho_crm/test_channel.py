"""Notification channels are as they are wanted, whatever became of them; nobody else's is touched, and only theirs is believed."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from common.contracts.ids import Entity
from common.failures import Failure, RateLimited
from common.http.call import Call, VendorAnswer
from tests.contract.sandbox.zoho_books.books import Heard, Receiver
from tests.contract.vendors.hook_vault import MemoryVault
from tests.contract.vendors.zoho_crm import account
from tests.contract.vendors.zoho_crm.account import CrmAccount
from tests.support.sandbox import SandboxProcess
from vendors.channel import Audited, HookSubscription, hook_address
from vendors.vendor import HookRequest, Subject, Unverified, Verified
from vendors.zoho_crm.channel import ENDS, KINDS, NONE, ZohoCrmChannel
from vendors.zoho_crm.inbox import ZohoCrmInbox
from vendors.zoho_crm.watches import ALARM_UNDER, ASKED_FOR

BASE = hook_address("https://ours.example/", "zoho-crm", "crm")
OURS = ("customer", "deal", "person")
DAY, HOUR = 86_400.0, 3_600.0
CHANNEL = ZohoCrmChannel(early=lambda: 1.0)
INBOX = ZohoCrmInbox()
CALLBACKS = int(os.environ.get("CRM_CALLBACKS", "200"))
QUIET = Audited([], [], [], KINDS)


@dataclass
class RefusesToRenew:
    """The vendor's door, while it takes no new channel."""

    inner: Any

    async def call(self, call: Call) -> VendorAnswer:
        if call.method == "POST":
            raise RateLimited("ZC_TOO_MANY", "not now")
        answer: VendorAnswer = await self.inner.call(call)
        return answer


@dataclass
class AsksTooMuch:
    """The same, while a month is asked for: the vendor makes an hour of it, without a word."""

    inner: Any

    async def call(self, call: Call) -> VendorAnswer:
        if call.method == "POST":
            late = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")
            call = replace(call, json={"watch": [{**row, "channel_expiry": late} for row in call.json["watch"]]})
        answer: VendorAnswer = await self.inner.call(call)
        return answer


@dataclass
class Watched:
    """The account, and what is wanted of it."""

    account: CrmAccount
    vault: MemoryVault = field(default_factory=MemoryVault)

    async def audit(self, *subjects: str, base: str = BASE, api: Any = None) -> Audited:
        wanted = HookSubscription(base, subjects or OURS)
        return await CHANNEL.audit(wanted, (), api or self.account.api, self.vault)

    async def nothing(self) -> Audited:
        return await CHANNEL.audit(HookSubscription(BASE, ()), OURS, self.account.api, self.vault)

    def there(self) -> dict[str, Any]:
        """What the vendor has, by module."""
        answer = self.account.crm.send("GET", "/actions/watch")
        return {row["resource_name"]: row for row in answer.json()["watch"]} if answer.content else {}

    def left(self, module: str = "Contacts") -> timedelta:
        """How long a channel lives yet, by the vendor's clock."""
        now = datetime.fromisoformat(str(self.account.sandbox.get("clock")["now"]))
        return datetime.fromisoformat(self.there()[module]["channel_expiry"]) - now


@pytest.fixture
async def watched(sandbox: SandboxProcess) -> AsyncIterator[Watched]:
    async with account.opened(sandbox, by_operator=True) as opened:
        made = Watched(opened)
        await made.audit()
        yield made


class TestAudit:
    async def test_makes_what_is_missing_in_one_call_and_the_same_again_asks_for_the_list(
        self, watched: Watched
    ) -> None:
        assert set(watched.there()) == {"Accounts", "Contacts", "Deals"}
        before = len(watched.account.api.answers)
        assert before == 2
        assert await watched.audit() == QUIET
        assert len(watched.account.api.answers) - before == 1

    async def test_asks_for_six_days_and_only_for_what_the_record_itself_is(self, watched: Watched) -> None:
        assert timedelta(0) <= ASKED_FOR - watched.left() < timedelta(minutes=1)
        row = watched.there()["Contacts"]
        assert row["events"] == ["Contacts.all"]
        assert row["notify_on_related_action"] is False and row["return_affected_field_values"] is False

    async def test_each_has_a_secret_and_a_token_of_its_own(self, watched: Watched) -> None:
        rows = watched.there().values()
        secrets = {row["notify_url"].rpartition("/")[2] for row in rows}
        assert len(secrets) == len({row["token"] for row in rows}) == len({row["channel_id"] for row in rows}) == 3
        assert not any(secret in row["token"] for secret in secrets for row in rows)
        assert all(len(row["token"]) <= 50 for row in rows)

    async def test_thirty_days_without_one_that_lapses_or_is_told_as_mended(self, watched: Watched) -> None:
        for _ in range(30 * 2):
            watched.account.advance(DAY / 2)
            assert await watched.audit() == QUIET
            assert watched.left() > ASKED_FOR - timedelta(hours=37)

    async def test_one_that_has_an_hour_left_is_asked_for_by_the_next_audit(self, watched: Watched) -> None:
        row = watched.there()["Contacts"]
        short = {name: row[name] for name in ("channel_id", "events", "notify_url", "token")}
        watched.account.crm.reported("POST", "/actions/watch", {"watch": [short]}, 201)
        assert watched.left() <= timedelta(hours=1)
        assert await watched.audit() == QUIET
        assert watched.left() > timedelta(days=5)

    async def test_what_the_vendor_says_of_the_end_counts_and_not_what_was_asked(self, sandbox: SandboxProcess) -> None:
        async with account.opened(sandbox, by_operator=True) as opened:
            watched = Watched(opened)
            found = await watched.audit("person", api=AsksTooMuch(opened.api))
            assert watched.left() <= timedelta(hours=1)
            assert (list(found.mended), [one.kind for one in found.notices]) == (
                ["notification channel of Contacts"],
                [ENDS],
            )

    async def test_a_renewal_that_fails_is_an_alarm_under_25_hours_and_not_before(self, watched: Watched) -> None:
        refusing = RefusesToRenew(watched.account.api)
        watched.account.advance(2 * DAY)
        with pytest.raises(Failure):
            await watched.audit(api=refusing)
        watched.account.advance((ASKED_FOR - ALARM_UNDER).total_seconds() - 2 * DAY + HOUR)
        found = await watched.audit(api=refusing)
        assert [(one.kind, one.code) for one in found.notices] == [(ENDS, "ZC_CHANNEL_ENDS")]
        assert "Contacts" in found.notices[0].message and not found.mended
        # The same words until its reason is gone.
        watched.account.advance(HOUR)
        assert (await watched.audit(api=refusing)).notices == found.notices
        assert await watched.audit() == QUIET

    async def test_one_that_lapsed_is_mended(self, watched: Watched) -> None:
        watched.account.advance(7 * DAY)
        assert watched.there() == {}
        assert (await watched.audit("person")).mended == ["notification channel of Contacts"]

    async def test_a_lost_secret_is_made_anew(self, watched: Watched) -> None:
        former = watched.there()["Contacts"]["notify_url"]
        del watched.vault.slots["person"]
        assert (await watched.audit()).mended == ["secret of the notification channel of Contacts"]
        assert watched.there()["Contacts"]["notify_url"] != former
        assert await watched.audit() == QUIET

    async def test_another_address_of_ours_moves_all_of_them(self, watched: Watched) -> None:
        elsewhere = BASE.replace("ours.example", "ours.example:9100")
        assert len((await watched.audit(base=elsewhere)).mended) == 3
        assert all(row["notify_url"].startswith(f"{elsewhere}/") for row in watched.there().values())
        assert len(watched.there()) == 3

    async def test_what_nobody_wants_any_more_goes_and_nobody_elses_is_touched(self, watched: Watched) -> None:
        theirs = {
            "channel_id": "77",
            "events": ["Leads.all"],
            "notify_url": "https://theirs.example/hooks/zoho-crm/other/x",
        }
        watched.account.crm.reported("POST", "/actions/watch", {"watch": [theirs]}, 201)
        found = await watched.audit("person")
        assert sorted(found.removed) == ["notification channel of Accounts", "notification channel of Deals"]
        assert len((await watched.nothing()).removed) == 1
        assert set(watched.there()) == {"Leads"}

    async def test_a_plan_without_channels_is_polled_and_told(self, sandbox: SandboxProcess) -> None:
        async with account.opened(sandbox, by_operator=True) as opened:
            opened.switch(without_channels=True)
            found = await Watched(opened).audit()
            assert (found.mended, [one.kind for one in found.notices], found.judged) == ((), [NONE], KINDS)

    async def test_an_address_that_the_vendor_does_not_take_is_told_in_its_words(self, watched: Watched) -> None:
        with pytest.raises(Failure) as caught:
            await watched.audit(base=hook_address("ftp://ours.example", "zoho-crm", "crm"))
        assert caught.value.code == "ZC_CHANNEL_REFUSED" and "notify_url" in caught.value.vendor_words


def heard(receiver: Receiver, many: int) -> list[Heard]:
    ends = time.monotonic() + 20
    while len(receiver.heard) < many and time.monotonic() < ends:
        time.sleep(0.01)
    assert len(receiver.heard) == many
    return receiver.heard


def request(one: Heard, **changed: Any) -> HookRequest:
    path = changed.get("path", urlsplit(one.path).path)
    return HookRequest("POST", path, "", dict(one.headers), changed.get("body", one.body), "https://ours.example")


def verified(asked: HookRequest, vault: MemoryVault) -> Verified | Unverified:
    return INBOX.verify(asked, [secret.reveal().encode() for secret in vault.slots.values()], datetime.now(UTC))


class TestCallback:
    async def test_of_the_vendor_is_believed_and_a_forged_stale_or_foreign_one_is_not(self, sandbox: SandboxProcess) -> None:  # fmt: skip
        with Receiver() as receiver:
            async with account.opened(sandbox) as opened:
                watched = Watched(opened)
                await watched.audit(base=receiver.url)
                record = opened.create(Entity("person"))
                (told,) = heard(receiver, 1)
                assert verified(request(told), watched.vault) == Verified("path-secret")
                assert INBOX.subject(request(told)) == Subject(Entity("person"), record)
                assert CHANNEL.heard("", told.body) == "person"
                for forged in _forged(told, watched):
                    assert isinstance(verified(forged, watched.vault), Unverified)
                former = MemoryVault(dict(watched.vault.slots))
                await watched.vault.made("person", "path:")
                assert isinstance(verified(request(told), watched.vault), Unverified)
                assert verified(request(told), former) == Verified("path-secret")

    async def test_that_somebody_makes_up_is_never_believed(self, sandbox: SandboxProcess) -> None:
        """CRM_CALLBACKS says how many: paths, tokens and bodies of others, cut short, or by chance; among them nothing of ours."""
        chance = random.Random(14)
        with Receiver() as receiver:
            async with account.opened(sandbox) as opened:
                watched = Watched(opened)
                await watched.audit(base=receiver.url)
                opened.create(Entity("person"))
                (told,) = heard(receiver, 1)
                known = [*_forged(told, watched), *(_guessed(told, chance) for _ in range(CALLBACKS))]
                believed = [one for one in known if isinstance(verified(one, watched.vault), Verified)]
                assert believed == [] and isinstance(verified(request(told), watched.vault), Verified)

    def test_without_a_secret_nothing_is_believed(self) -> None:
        assert isinstance(
            verified(HookRequest("POST", "/hooks/zoho-crm/crm/", "", {}, b"{}", ""), MemoryVault()), Unverified
        )


def _guessed(told: Heard, chance: random.Random) -> HookRequest:
    """Something of the true one is otherwise: its path, or its token."""
    path, body = urlsplit(told.path).path, json.loads(told.body)
    token = str(body["token"])
    at = chance.randrange(len(token))
    other = chance.choice([one for one in "abcdefgh0123456789-_" if one != token[at]])
    tokens = [
        token[:at] + other + token[at + 1 :],
        token[:at],
        token + other,
        token.swapcase(),
        "",
        None,
        at,
        [token],
        {"token": token},
    ]
    wrong = json.dumps({**body, "token": chance.choice(tokens)}).encode()
    step = chance.randrange(1, 9)
    paths = [path[:-step], path + other * step, path[: path.rindex("/") + 1] + other * 43]
    return request(told, path=chance.choice(paths)) if chance.random() < 0.3 else request(told, body=wrong)


def _forged(told: Heard, watched: Watched) -> list[HookRequest]:
    """The right token at another address, the right address with another channel's token, or with none."""
    path = urlsplit(told.path).path
    body = json.loads(told.body)
    others = [row["token"] for module, row in watched.there().items() if module != "Contacts"]
    foreign = [json.dumps({**body, "token": token}).encode() for token in (*others, "", None, 7, "é")]
    return [
        request(told, path=path.rpartition("/")[0]),
        request(told, path=f"{path}0"),
        *(request(told, body=one) for one in (*foreign, b"", b"[]", b"\xff")),
    ]
