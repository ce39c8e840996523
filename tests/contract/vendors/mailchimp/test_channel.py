"""The two webhooks of an audience are as they are wanted, whatever somebody did to them; nobody else's is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.vendors.hook_vault import MemoryVault, answering
from tests.contract.vendors.mailchimp import account
from tests.contract.vendors.mailchimp.account import Audience, receipt
from tests.support.sandbox import SandboxProcess
from vendors.channel import Audited, HookSubscription, hook_address
from vendors.mailchimp.channel import MailchimpChannel
from vendors.mailchimp.subscriptions import EVENTS, KINDS, PEOPLE, SOURCES, WITHDRAWALS, HookKind


@dataclass
class Kept:
    """The audience, and what is wanted of it."""

    account: Audience
    public: str
    vault: MemoryVault = field(default_factory=MemoryVault)

    @property
    def base(self) -> str:
        return hook_address(self.public, "mailchimp", "chimp")

    async def audit(self, base: str = "") -> Audited:
        wanted = HookSubscription(base or self.base, (self.account.place,))
        return await MailchimpChannel().audit(wanted, (), self.account.api, self.vault)

    async def leave(self, *audiences: str) -> Audited:
        left = audiences or (self.account.place,)
        return await MailchimpChannel().audit(HookSubscription(self.base, ()), left, self.account.api, self.vault)

    def hooks(self) -> dict[str, Any]:
        stored: Any = self.account.sandbox.get("state/mailchimp", account="demo")
        found: dict[str, Any] = stored["accounts"]["demo"]["audiences"][self.account.place]["webhooks"]
        return found

    def change(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.account.vendor.call(method, f"/lists/{self.account.place}/webhooks{path}", body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def of(self, kind: HookKind) -> str:
        """The one webhook of this kind."""
        (found,) = [id for id, hook in self.hooks().items() if hook["url"].endswith(f"?tells={kind.name}")]
        return found

    def make(self, url: str) -> str:
        """As it was when there was one: everything, whoever did it."""
        body = {"url": url, "events": dict.fromkeys(EVENTS, True), "sources": dict.fromkeys(SOURCES, True)}
        return str(self.change("POST", "", body)["id"])

    def deleted_and_made(self, since: int) -> list[str]:
        """What we did to webhooks, in its order."""
        calls = self.account.sandbox.get("log", since=since)["calls"]
        assert isinstance(calls, list)
        return [one["method"] for one in calls if "/webhooks" in one["path"] and one["method"] != "GET"]


@pytest.fixture
async def kept(sandbox: SandboxProcess) -> AsyncIterator[Kept]:
    with answering() as public:
        async with account.opened(sandbox) as opened:
            made = Kept(opened, public)
            await made.audit()
            yield made


class TestAudit:
    async def test_makes_what_is_missing_and_the_same_again_asks_once(self, kept: Kept) -> None:
        before = kept.account.calls()
        assert await kept.audit() == Audited([], [])
        assert (len(kept.hooks()), kept.account.calls() - before) == (2, 1)

    async def test_people_are_heard_with_everything_and_applications_with_their_withdrawals(self, kept: Kept) -> None:
        people, applications = kept.hooks()[kept.of(PEOPLE)], kept.hooks()[kept.of(WITHDRAWALS)]
        assert people["events"] == dict.fromkeys(EVENTS, True)
        assert people["sources"] == {"user": True, "admin": True, "api": False}
        assert {name for name, on in applications["events"].items() if on} == {"unsubscribe", "cleaned", "upemail"}
        assert applications["sources"] == {"user": False, "admin": False, "api": True}

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
    async def test_one_that_somebody_deleted_comes_back_with_its_key(self, kept: Kept, kind: HookKind) -> None:
        hook, former = kept.of(kind), dict(kept.vault.slots)
        kept.change("DELETE", f"/{hook}")
        assert (await kept.audit()).mended == [f"webhook of the audience for {kind.words}"]
        slot = kind.slot(kept.account.place)
        assert kept.of(kind) != hook and kept.vault.slots[slot] != former.pop(slot)
        assert former.items() <= kept.vault.slots.items(), "the other one has its key"

    async def test_both_that_somebody_deleted_come_back(self, kept: Kept) -> None:
        for kind in KINDS:
            kept.change("DELETE", f"/{kept.of(kind)}")
        assert len((await kept.audit()).mended) == 2
        assert (len(kept.hooks()), await kept.audit()) == (2, Audited([], []))

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
    @pytest.mark.parametrize("off", [{"events": {"unsubscribe": False}}, {"sources": {"user": False, "api": False}}])
    async def test_one_that_hears_less_is_made_anew(self, kept: Kept, kind: HookKind, off: dict[str, Any]) -> None:
        hook = kept.of(kind)
        kept.change("PATCH", f"/{hook}", off)
        assert (await kept.audit()).mended == [f"events of the audience's webhook for {kind.words}"]
        made = kept.of(kind)
        assert made != hook and kept.hooks()[made]["events"] == kind.switches["events"]

    async def test_one_that_hears_our_own_writes_is_made_anew(self, kept: Kept) -> None:
        kept.change("PATCH", f"/{kept.of(PEOPLE)}", {"sources": {"api": True}})
        assert (await kept.audit()).mended == [f"events of the audience's webhook for {PEOPLE.words}"]
        assert not kept.hooks()[kept.of(PEOPLE)]["sources"]["api"]

    async def test_another_address_of_ours_moves_them(self, kept: Kept) -> None:
        with answering() as elsewhere:
            base = hook_address(elsewhere, "mailchimp", "chimp")
            assert (await kept.audit(base)).mended == [
                f"address of the audience's webhook for {kind.words}" for kind in KINDS
            ]
            assert {one["url"] for one in kept.hooks().values()} == {kind.address(base) for kind in KINDS}

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
    async def test_a_key_that_was_lost_in_the_moment_it_was_told_is_no_former_one(
        self, kept: Kept, kind: HookKind
    ) -> None:
        kept.change("DELETE", f"/{kept.of(kind)}")
        kept.vault.dies = True
        with pytest.raises(ConnectionError):
            await kept.audit()
        assert (await kept.audit()).mended == [f"key of the audience's webhook for {kind.words}"]
        assert (len(kept.hooks()), await kept.audit()) == (2, Audited([], []))

    async def test_a_second_one_goes(self, kept: Kept) -> None:
        double = kept.make(f"{kept.base}/again")
        assert len((await kept.audit()).removed) == 1
        assert double not in kept.hooks() and len(kept.hooks()) == 2

    async def test_what_nobody_wants_any_more_goes_and_nobody_elses_is_touched(self, kept: Kept) -> None:
        theirs = {kept.make(f"{kept.public}/hooks/mailchimp/chimp2"), kept.make(f"{kept.public}/other")}
        assert len((await kept.leave()).removed) == 2
        assert set(kept.hooks()) == theirs

    async def test_an_audience_that_is_gone_has_none(self, kept: Kept) -> None:
        assert await kept.leave("nosuch") == Audited([], [])


class TestOneThatWasThereBefore:
    """An installation of before there were two: one webhook with everything, at the address itself."""

    @pytest.fixture
    def old(self, kept: Kept) -> str:
        for kind in KINDS:
            kept.change("DELETE", f"/{kept.of(kind)}")
        kept.vault.slots.clear()
        return kept.make(kept.base)

    async def test_goes_when_both_are_there(self, kept: Kept, old: str) -> None:
        since = kept.account.sandbox.get("log", since=10**12)["next"]
        assert isinstance(since, int)
        audited = await kept.audit()
        assert (audited.mended, len(audited.removed)) == ([f"webhook of the audience for {k.words}" for k in KINDS], 1)
        assert set(kept.hooks()) == {kept.of(kind) for kind in KINDS} and old not in kept.hooks()
        assert kept.deleted_and_made(since) == ["POST", "POST", "DELETE"], "there is no moment in which nobody tells"
        assert await kept.audit() == Audited([], [])

    async def test_stays_for_as_long_as_they_cannot_be_made(self, kept: Kept, old: str) -> None:
        kept.vault.dies = True
        with pytest.raises(ConnectionError):
            await kept.audit()
        assert old in kept.hooks()
        await kept.audit()
        assert set(kept.hooks()) == {kept.of(kind) for kind in KINDS}


class TestSubject:
    def test_is_the_audience(self) -> None:
        channel = MailchimpChannel()
        assert channel.heard("", receipt("profile", "a1").body) == "a1"
        assert channel.heard("", b"\xff") == ""

    def test_has_two_webhooks_in_words(self) -> None:
        base = hook_address("https://ours.example", "mailchimp", "chimp")
        people, applications = MailchimpChannel().hooks(HookSubscription(base, ("a1",)))
        assert (people.subject, people.url) == ("a1", f"{base}?tells=people")
        assert people.event == "what people and sign-up forms do (all events; user and admin)"
        assert applications.event == "withdrawals by applications (unsubscribe, cleaned, upemail; api)"
