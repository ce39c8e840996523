"""The webhook of an audience is as it is wanted, whatever somebody did to it; nobody else's is touched."""

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
from vendors.mailchimp.channel import EVENTS, SOURCES, MailchimpChannel


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

    def make(self, url: str) -> str:
        return str(self.change("POST", "", {"url": url, "events": EVENTS, "sources": SOURCES})["id"])


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
        assert (len(kept.hooks()), kept.account.calls() - before) == (1, 1)

    async def test_one_that_somebody_deleted_comes_back_with_its_key(self, kept: Kept) -> None:
        (hook,) = kept.hooks()
        former = dict(kept.vault.slots)
        kept.change("DELETE", f"/{hook}")
        assert (await kept.audit()).mended == ["webhook of the audience"]
        (made,) = kept.hooks()
        assert made != hook and kept.vault.slots != former

    @pytest.mark.parametrize("off", [{"events": {"unsubscribe": False}}, {"sources": {"user": False}}])
    async def test_one_that_hears_less_is_made_anew(self, kept: Kept, off: dict[str, Any]) -> None:
        (hook,) = kept.hooks()
        kept.change("PATCH", f"/{hook}", off)
        assert (await kept.audit()).mended == ["events of the audience's webhook"]
        ((made, found),) = kept.hooks().items()
        assert made != hook and found["events"] == EVENTS

    async def test_another_address_of_ours_moves_it(self, kept: Kept) -> None:
        with answering() as elsewhere:
            base = hook_address(elsewhere, "mailchimp", "chimp")
            assert (await kept.audit(base)).mended == ["address of the audience's webhook"]
            (found,) = kept.hooks().values()
            assert found["url"] == base

    async def test_a_key_that_was_lost_in_the_moment_it_was_told_is_no_former_one(self, kept: Kept) -> None:
        (hook,) = kept.hooks()
        kept.change("DELETE", f"/{hook}")
        kept.vault.dies = True
        with pytest.raises(ConnectionError):
            await kept.audit()
        assert (await kept.audit()).mended == ["key of the audience's webhook"]
        assert (len(kept.hooks()), await kept.audit()) == (1, Audited([], []))

    async def test_a_second_one_goes(self, kept: Kept) -> None:
        double = kept.make(f"{kept.base}/again")
        assert len((await kept.audit()).removed) == 1
        assert double not in kept.hooks() and len(kept.hooks()) == 1

    async def test_what_nobody_wants_any_more_goes_and_nobody_elses_is_touched(self, kept: Kept) -> None:
        theirs = {kept.make(f"{kept.public}/hooks/mailchimp/chimp2"), kept.make(f"{kept.public}/other")}
        assert len((await kept.leave()).removed) == 1
        assert set(kept.hooks()) == theirs

    async def test_an_audience_that_is_gone_has_none(self, kept: Kept) -> None:
        assert await kept.leave("nosuch") == Audited([], [])


class TestSubject:
    def test_is_the_audience(self) -> None:
        channel = MailchimpChannel()
        assert channel.heard("", receipt("profile", "a1").body) == "a1"
        assert channel.heard("", b"\xff") == ""
